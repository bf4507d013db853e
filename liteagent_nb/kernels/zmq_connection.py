"""ZmqConnection: a kernel on this machine, reached through sockets in a folder that only its owner can read."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.session import Session

from liteagent_nb.core.errors import DeadKernel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from liteagent_nb.kernels.connection import Channel, Message, Receiver
    from liteagent_nb.kernels.forkserver import KernelProcess

__all__ = ["PORTS", "ZmqConnection"]

PORTS: Mapping[Channel, int] = {"shell": 1, "iopub": 2, "stdin": 3, "control": 5}
"""The numbers in the names of a kernel's sockets; 4 would be its heartbeat."""
_KINDS: Mapping[Channel, int] = {"shell": zmq.DEALER, "control": zmq.DEALER, "iopub": zmq.SUB}
_MESSAGES_HELD = 16
"""As at the kernel's end: what a kernel prints too fast makes its code wait, not this process grow."""
_DIGESTS = 1000
"""How many signatures are remembered; the default of 65,536 grows by megabytes."""


class ZmqConnection:
    """The channels of a kernel process; sockets are read as the event loop says, without a task for each message."""

    def __init__(
        self, process: KernelProcess, *, path: str, key: bytes, context: zmq.Context[Any], log: Path, is_walled: bool
    ) -> None:
        self._process = process
        self._session = Session(key=key, digest_history_size=_DIGESTS)
        self._loop = asyncio.get_running_loop()
        self._receiver: Receiver = lambda _channel, _message: None
        self._is_closed = False
        self._has_spoken = False  # until then its log says why it ended, after that whatever its code printed
        self._log = log
        self._is_walled = is_walled  # a signal would end the wall, not reach the kernel
        self._sockets = {channel: _connected(context, channel, path) for channel in _KINDS}
        self.died: asyncio.Future[str] = self._loop.create_future()
        process.ended.add_done_callback(self._on_end)
        for channel, socket in self._sockets.items():
            self._loop.add_reader(socket.FD, self._read, channel)

    @property
    def pid(self) -> int | None:
        """The kernel's process."""
        return self._process.pid

    def listen(self, receiver: Receiver) -> None:
        """Tell *receiver* every message from now on."""
        self._receiver = receiver

    async def send(self, channel: Channel, message: Message) -> None:
        """Send *message*. Raises `DeadKernel` where the kernel is gone."""
        if self._is_closed or self.died.done():
            raise DeadKernel("the kernel is gone", hint="restart the context")
        self._session.send(self._sockets[channel], dict(message))
        self._loop.call_soon(self._read, channel)  # sending may have eaten the signal that something has come

    async def interrupt(self) -> None:
        """Send SIGINT to the kernel and its children; behind a wall, ask it to do so itself."""
        if self._is_walled:
            await self.send("control", self._session.msg("interrupt_request", {}))
        else:
            self._process.signal(signal.SIGINT)

    async def close(self) -> None:
        """End the kernel and all that it started."""
        if self._is_closed:
            return
        self._is_closed = True
        for socket in self._sockets.values():
            self._loop.remove_reader(socket.FD)
            socket.close(linger=0)
        await self._process.end()

    def _read(self, channel: Channel) -> None:
        """Read all that is there: the file descriptor of a zmq socket tells of the first message only."""
        if self._is_closed:
            return
        socket = self._sockets[channel]
        while not socket.closed and int(socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._take_in(channel, socket.recv_multipart(zmq.NOBLOCK))

    def _take_in(self, channel: Channel, frames: list[bytes]) -> None:
        try:
            _identities, rest = self._session.feed_identities(frames)
            message = self._session.deserialize(rest)
        except (ValueError, TypeError):  # not signed by this kernel, or no message at all
            return
        self._has_spoken = True
        self._receiver(channel, message)

    def _on_end(self, ended: asyncio.Future[int]) -> None:
        if not self.died.done() and not self._is_closed:
            for channel in self._sockets:  # what it said last
                self._read(channel)
            self.died.set_result(
                self._process.why or _ending(ended.result(), "" if self._has_spoken else _last_line(self._log))
            )


def _connected(context: zmq.Context[Any], channel: Channel, path: str) -> zmq.Socket[Any]:
    socket: zmq.Socket[Any] = context.socket(_KINDS[channel])
    socket.linger = 0
    socket.setsockopt(zmq.RECONNECT_IVL, 2)  # milliseconds: the kernel binds in a moment
    if channel == "iopub":
        socket.setsockopt(zmq.SUBSCRIBE, b"")
        socket.setsockopt(zmq.RCVHWM, _MESSAGES_HELD)
    socket.connect(f"ipc://{path}-{PORTS[channel]}")
    return socket


def _ending(code: int, said: str) -> str:
    if code >= 0:
        return f"the kernel exited with code {code}" + (f": {said}" if said else "")
    try:
        return f"the kernel was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"the kernel was ended by signal {-code}"


def _last_line(log: Path) -> str:
    """Return the last line that the kernel's process wrote: why it did not start, most often."""
    try:
        lines = log.read_text(errors="replace")[-2000:].split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
