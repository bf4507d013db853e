"""Life: an MCP server from its start to its end, in a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

from mcp import Client
from mcp_types import CONNECTION_CLOSED, Implementation

from liteagent_nb.core.errors import LiteAgentError, ToolError
from liteagent_nb.core.tasks import wait_in_any_case
from liteagent_nb.tools._mcp_config import StdioServer
from liteagent_nb.tools._mcp_http import HttpLink
from liteagent_nb.tools._mcp_mending import mended_streams
from liteagent_nb.tools._mcp_stdio import StdioLink

if TYPE_CHECKING:
    from mcp import MCPError

    from liteagent_nb.tools._mcp_config import Server

__all__ = ["Life"]

_CLOSE_WITHIN_S = 6.0
"""More than the end of a process takes at its worst."""
_WORDS_WITHIN_S = 0.2
_CLOSED = "Connection closed"
"""What the SDK says where the messages have ended."""
_REFUSALS = ("Session terminated", "Server returned an error response")
"""What the SDK says where a server over HTTP answered with a status, and nothing that MCP knows."""
_SESSION_UNKNOWN = (400, 404)
"""The statuses of a server that was started again, and knows the session no more: it has done nothing then."""


class Life:
    """A server from its start to its end."""

    client: Client

    def __init__(self, server: Server, *, start_timeout_s: float) -> None:
        self._server = server
        self._start_timeout_s = start_timeout_s
        self._link = StdioLink(server) if isinstance(server, StdioServer) else HttpLink(server)
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._waiting = 0
        self._failed: BaseException | None = None
        self._task = asyncio.create_task(self._live(), name=f"liteagent-mcp-{server.name}")
        self.is_lost = False
        """Whether the server was found to be gone, or is being ended."""

    @property
    def is_over(self) -> bool:
        """Whether it cannot be used any more."""
        return self.is_lost or self._task.done() or self._link.is_gone

    def ends_with(self, error: MCPError) -> bool:
        """Whether *error* says that it is over; a program may use the same code for errors of its own."""
        is_own = error.message != _CLOSED and isinstance(self._link, StdioLink)
        return error.code == CONNECTION_CLOSED and not is_own

    def is_forgotten(self, error: MCPError) -> bool:
        """Whether *error* says that the server knows our session no more."""
        is_unknown = isinstance(self._link, HttpLink) and self._link.status in _SESSION_UNKNOWN
        return is_unknown and error.message in _REFUSALS

    async def complaint(self, error: MCPError) -> str:
        """Return what the server said went wrong."""
        told = f" ({error.data})" if isinstance(error.data, str | int | float) else ""
        refusal = f": {await self._link.last_words()}" if error.message in _REFUSALS else ""
        return f"{error.message}{told}{refusal}"

    async def opened(self, *, within_s: float | None = None) -> None:
        """Wait until it can be used. When the last who waits is cancelled, nothing is left of it.

        Raises `TimeoutError` after *within_s*; it goes on opening.
        """
        self._waiting += 1
        try:
            await asyncio.wait({self._opened}, timeout=within_s)
            if not self._opened.done():
                raise TimeoutError
            self._opened.result()
        except asyncio.CancelledError:
            if self._waiting == 1 and not self._opened.done():
                await self.end()
            raise
        finally:
            self._waiting -= 1

    async def end(self) -> None:
        """End it, and wait until nothing of it is left; may be asked twice at once."""
        self.is_lost = True
        self._closing.set()
        if not self._opened.done():
            self._task.cancel()
        await wait_in_any_case(self._task, timeout_s=_CLOSE_WITHIN_S)
        if not self._task.done():  # a host that does not answer the goodbye
            self._task.cancel()
            await wait_in_any_case(self._task, timeout_s=_CLOSE_WITHIN_S)

    async def last_words(self) -> str:
        """Return what is known of its end."""
        if words := await self._link.last_words():
            return words
        await asyncio.wait({self._task}, timeout=_WORDS_WITHIN_S)
        return "" if self._failed is None else _cause(self._failed)

    async def _live(self) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_timeout_s):
                    self.client = await stack.enter_async_context(self._new_client())
                self._opened.set_result(None)
                await self._closing.wait()
        except BaseException as error:  # nobody awaits this task: it tells whoever waits for its opening
            self._failed = error
            if not self._opened.done():
                self._opened.set_exception(await self._why_not(error))
                self._opened.exception()  # nobody may be waiting any more
            else:
                logging.getLogger(__name__).debug("MCP server %s was lost", self._server.name, exc_info=error)

    def _new_client(self) -> Client:
        about = Implementation(name="liteagent_nb", version=version("liteagent_nb"))
        return Client(mended_streams(self._link.streams()), client_info=about)

    async def _why_not(self, error: BaseException) -> LiteAgentError:
        if isinstance(cause := _leaf(error), LiteAgentError):
            return cause
        late = f"did not answer within {self._start_timeout_s:g} s" if isinstance(cause, TimeoutError) else ""
        words = "\n".join(filter(None, (late or _cause(cause), await self._link.last_words())))
        return ToolError(
            f"MCP server {self._server.name!r} cannot be opened: {words}",
            hint="run its command by hand, or ask its URL, to see what it says",
        )


def _leaf(error: BaseException) -> BaseException:
    """Return the error in a group of them, which task groups make of every one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _cause(error: BaseException) -> str:
    error = _leaf(error)
    return str(error) or type(error).__name__
