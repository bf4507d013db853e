"""A kernel on a Jupyter server: its messages over one websocket, its interrupt and its end over REST."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, cast

import aiohttp

from liteagent_nb.core.errors import ConfigError, DeadKernel, ExecError
from liteagent_nb.kernels.websocket_wire import V1, pack_json, pack_v1, unpack_json, unpack_v1

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.kernels.connection import Channel, Message, Receiver
    from liteagent_nb.kernels.jupyter_rest import JupyterServer

__all__ = ["WebsocketConnection"]

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
"""Linux only."""
_INTERRUPT_WITHIN_S = 2.0
_ENDINGS = {
    "restarting": "the kernel died, and its server started another",
    "dead": "the kernel died, and its server could not start another",
}


class WebsocketConnection:
    """One kernel. Its server watches the process, so it is the server's poll that tells of a death (3 s as shipped)."""

    def __init__(self, server: JupyterServer, kernel_id: str, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._server = server
        self._kernel_id = kernel_id
        self._websocket = websocket
        self._speaks_v1 = websocket.protocol == V1
        self._receivers: list[Receiver] = []
        self._died: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ending: asyncio.Task[None] | None = None
        self._send_at_once()
        self._acknowledge_at_once()
        self._reading = asyncio.create_task(self._read(), name=f"kernel {kernel_id}")
        self._reading.add_done_callback(self._on_silence)

    @property
    def pid(self) -> int | None:
        """None: its process is on another machine, or might be."""
        return None

    @property
    def is_ended(self) -> bool:
        """Whether nothing of it is left at its server."""
        return self._ending is not None and self._ending.done()

    @property
    def died(self) -> asyncio.Future[str]:
        """Done with one line on why, as soon as the kernel is gone by itself."""
        return self._died

    def listen(self, receiver: Receiver) -> None:
        """Tell *receiver* every message from now on."""
        self._receivers.append(receiver)

    async def send(self, channel: Channel, message: Message) -> None:
        """Send *message*. Raises `DeadKernel` where it cannot be sent."""
        if self._websocket.closed or self._ending is not None:
            raise DeadKernel("the connection to the kernel is closed")
        frame = pack_v1(channel, message) if self._speaks_v1 else pack_json(channel, message)
        try:
            if isinstance(frame, str):
                await self._websocket.send_str(frame)
            else:
                await self._websocket.send_bytes(frame)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise DeadKernel(f"{self._server.name} cannot be reached: {type(error).__name__}") from None
        self._acknowledge_at_once()

    async def interrupt(self) -> None:
        """Have the server interrupt the kernel, in the way that its kernelspec names."""
        # Where that fails the code goes on, which its caller sees; a lost server is told by `died`.
        with contextlib.suppress(ExecError, ConfigError, TimeoutError):
            async with asyncio.timeout(_INTERRUPT_WITHIN_S):
                await self._server.ask("POST", f"api/kernels/{self._kernel_id}/interrupt")

    async def close(self) -> None:
        """End the kernel at its server. Cancelling the wait does not stop that.

        After a death there is nothing to wait for but the end of the kernel that the server starts in its place.
        """
        ending = self.end()
        if not self._died.done():
            await asyncio.shield(ending)

    def end(self) -> asyncio.Task[None]:
        """Begin to end the kernel, and return what is done when nothing of it is left."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name=f"end of kernel {self._kernel_id}")
        return self._ending

    async def _end(self) -> None:
        self._reading.cancel()
        await asyncio.wait({self._reading})
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            await self._websocket.close()
        await self._server.end(self._kernel_id)

    async def _read(self) -> None:
        async for frame in self._websocket:
            self._acknowledge_at_once()
            if frame.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                continue
            try:
                channel, message = unpack_v1(frame.data) if self._speaks_v1 else unpack_json(frame.data)
            except (
                ValueError,
                TypeError,
                AttributeError,
            ):  # not of this protocol: a proxy's word, or a broken server's
                continue
            self._note_its_end(channel, message)
            for receiver in self._receivers:
                receiver(channel, message)

    def _on_silence(self, reading: asyncio.Task[None]) -> None:
        if reading.cancelled():
            return
        error = reading.exception()  # a receiver's, over a message that is none: nothing more will be heard
        self._note_death(self._why_closed() if error is None else f"the kernel sent nonsense: {error!r}")

    def _why_closed(self) -> str:
        code = self._websocket.close_code
        if code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            return "a message was larger than the websocket allows"
        return f"{self._server.name} closed the kernel's websocket ({code or 'no close code'})"

    def _note_its_end(self, channel: Channel, message: Message) -> None:
        """The server writes these two states itself: no kernel ever says them of itself."""
        if channel != "iopub" or _part(message, "header").get("msg_type") != "status":
            return
        if ending := _ENDINGS.get(str(_part(message, "content").get("execution_state"))):
            self._note_death(ending)

    def _note_death(self, why: str) -> None:
        if not self._died.done():
            self._died.set_result(why)

    def _send_at_once(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            self._websocket.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _acknowledge_at_once(self) -> None:
        """Acknowledge what comes next without delay; Linux forgets this wish, hence it is said after each frame.

        Jupyter servers leave Nagle's algorithm on: their second small frame waits for our acknowledgement of the
        first, which would be delayed by 40 ms.
        """
        if _QUICKACK is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._websocket.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def _part(message: Message, name: str) -> Mapping[str, object]:
    part = message.get(name)
    return cast("Mapping[str, object]", part) if isinstance(part, dict) else {}
