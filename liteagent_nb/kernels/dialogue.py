"""Dialogue: requests to one kernel, and what comes back, told apart by the id of the request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyter_client.session import Session

from liteagent_nb.core.errors import ExecError

if TYPE_CHECKING:
    from liteagent_nb.kernels.connection import Channel, KernelConnection, Message

__all__ = ["Dialogue", "Exchange"]

Told: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Is told what a request brings on the iopub channel: the kind of the message, and its content."""

_ASK_AGAIN_S = 0.05
_READY_WITHIN_S = 60.0


class Exchange:
    """One request under way. `done` has the content of its reply, once that has come and the kernel is idle again."""

    def __init__(self, told: Told, done: asyncio.Future[Mapping[str, Any]]) -> None:
        self.told = told
        self.done = done
        self.reply: Mapping[str, Any] | None = None
        self.is_idle = False

    def end_if_complete(self) -> None:
        """Finish when both have come, in whatever order: outputs may come behind the reply."""
        if self.reply is not None and self.is_idle and not self.done.done():
            self.done.set_result(self.reply)


class Dialogue:
    """A kernel that is listened to for as long as it lives: one listener, no client made for each request."""

    def __init__(self, connection: KernelConnection) -> None:
        self._connection = connection
        self._session = Session()
        self._loop = asyncio.get_running_loop()
        self._open: dict[str, Exchange] = {}
        self._heard: asyncio.Event = asyncio.Event()
        connection.listen(self._receive)

    @property
    def pid(self) -> int | None:
        """The kernel's process, where it is on this machine."""
        return self._connection.pid

    @property
    def died(self) -> asyncio.Future[str]:
        """Done with one line on why, once the kernel is gone by itself."""
        return self._connection.died

    async def request(
        self, kind: str, content: Mapping[str, Any], *, told: Told | None = None, channel: Channel = "shell"
    ) -> Exchange:
        """Send a request. Raises `DeadKernel` where the kernel is gone."""
        message = self._session.msg(kind, dict(content))
        exchange = Exchange(told or _ignore, self._loop.create_future())
        self._open[message["header"]["msg_id"]] = exchange
        exchange.done.add_done_callback(lambda _: self._open.pop(message["header"]["msg_id"], None))
        await self._connection.send(channel, message)
        return exchange

    async def ready(self) -> None:
        """Wait until the kernel answers and is heard on its iopub channel.

        Raises `ExecError` where it ends before, or says nothing for a minute.
        """
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                exchange = await self.request("kernel_info_request", {})
                while not (self._heard.is_set() and exchange.reply is not None):
                    await self._wait(exchange)
                    if self.died.done():
                        raise ExecError(f"the kernel did not start: {self.died.result()}", hint="see its kernelspec")
                    if exchange.reply is not None:  # it answers, but its iopub channel was not open yet
                        exchange = await self.request("kernel_info_request", {})
                        await self._wait(exchange)
        except TimeoutError:
            await self.close()
            hint = "try again, or see what its kernelspec starts"
            raise ExecError(f"the kernel said nothing for {_READY_WITHIN_S:g} s", hint=hint) from None

    async def _wait(self, exchange: Exchange) -> None:
        ends: set[asyncio.Future[Any]] = {exchange.done, self.died}
        await asyncio.wait(ends, timeout=_ASK_AGAIN_S, return_when="FIRST_COMPLETED")

    async def interrupt(self) -> None:
        """Interrupt what runs. A kernel that awaits notices only when the next message wakes its event loop."""
        await self._connection.interrupt()
        if not self.died.done():
            await self.request("kernel_info_request", {})

    async def close(self) -> None:
        """End the kernel."""
        await self._connection.close()
        for exchange in list(self._open.values()):
            exchange.done.cancel()

    def _receive(self, channel: Channel, message: Message) -> None:
        header: Any = message["header"]
        parent: Any = message["parent_header"]
        content: Any = message["content"]
        if channel == "iopub":
            self._heard.set()
        exchange = self._open.get(parent.get("msg_id", "")) if parent else None
        if exchange is None:
            return
        if channel != "iopub":
            exchange.reply = content
        elif header["msg_type"] != "status":
            exchange.told(header["msg_type"], content)
            return
        elif content["execution_state"] == "idle":
            exchange.is_idle = True
        exchange.end_if_complete()


def _ignore(_kind: str, _content: Mapping[str, Any]) -> None:
    """Nobody listens."""
