"""Connection: one MCP server, opened when it is first needed, opened anew when it died, closed for certain."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from importlib.metadata import version
from typing import TYPE_CHECKING

from mcp import Client, MCPError
from mcp_types import CONNECTION_CLOSED, Implementation

from liteagent_nb.core.errors import LiteAgentError, ToolError
from liteagent_nb.core.tasks import wait_in_any_case
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.tools._mcp_config import StdioServer
from liteagent_nb.tools._mcp_http import HttpLink
from liteagent_nb.tools._mcp_mending import mended_streams
from liteagent_nb.tools._mcp_observing import observed_result
from liteagent_nb.tools._mcp_stdio import StdioLink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.tools._mcp_config import Server

__all__ = ["Connection"]

_MOST_DEATHS = 3
"""How often in a row a server may die before it is left alone."""
_MOST_PAGES = 100
_CLOSE_WITHIN_S = 6.0
"""More than the end of a process takes at its worst."""
_WORDS_WITHIN_S = 0.2
_SESSION_GONE = "Session terminated"
"""What the SDK says where a server over HTTP does not know the session any more: it has done nothing then."""


class Connection:
    """One server. Each of its lives is a task of its own, so that any task may open, use and close it."""

    def __init__(self, server: Server, *, start_timeout_s: float) -> None:
        self._server = server
        self._start_timeout_s = start_timeout_s
        self._life: _Life | None = None
        self._beginning = asyncio.Lock()
        self._deaths = 0

    async def open(self) -> _Life:
        """Return the server's life, which begins now if it must. Raises `ToolError` where it cannot be reached."""
        async with self._beginning:
            if self._life is None or self._life.is_over:
                await self._bury()
                self._life = self._begun()
            life = self._life
        await life.opened()
        return life

    def _begun(self) -> _Life:
        if self._deaths >= _MOST_DEATHS:
            raise ToolError(
                f"MCP server {self._server.name!r} died {self._deaths} times in a row, and is not started again",
                hint="see what it wrote to stderr, mend it, and ask again",
            )
        return _Life(self._server, start_timeout_s=self._start_timeout_s)

    async def tools(self) -> list[Tool]:
        """Return all tools of the server, by its own names. Raises `ToolError` where it cannot be asked."""
        self._deaths = 0  # whoever asks anew may have mended it
        life = await self.open()
        try:
            async with asyncio.timeout(self._start_timeout_s):
                return await _all_tools(life.client)
        except TimeoutError:
            raise await self._failure("listed no tools in time") from None
        except Exception as error:
            raise await self._lost(error, "cannot list its tools") from error

    async def call(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call a tool by the server's own name for it; whatever goes wrong is an observation."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._call(name, arguments)
        except TimeoutError:
            return Observation.failure(f"timeout after {timeout_s:g}s", rc=-1)
        except LiteAgentError as error:
            self._deaths = min(self._deaths + 1, _MOST_DEATHS)
            return Observation.failure(str(error))

    async def _call(self, name: str, arguments: Mapping[str, object], *, may_repeat: bool = True) -> Observation:
        life = await self.open()
        try:
            result = await life.client.call_tool(name, dict(arguments))
        except MCPError as error:
            if error.message == _SESSION_GONE and may_repeat:
                life.is_lost = True
                return await self._call(name, arguments, may_repeat=False)
            if error.code == CONNECTION_CLOSED:
                raise await self._lost(error, "died in the call") from error
            return Observation.failure(f"{error.message}{_told(error.data)}")
        except Exception as error:  # noqa: BLE001 - a result that is none: the SDK raises what it finds wrong with it
            return Observation.failure(f"MCP server {self._server.name!r}: {error}")
        self._deaths = 0
        return observed_result(result)

    async def aclose(self) -> None:
        """End the server; it may be opened again."""
        self._deaths = 0
        await self._bury()

    async def _bury(self) -> None:
        if (life := self._life) is not None:
            await life.end()
            if self._life is life:
                self._life = None

    async def _lost(self, error: Exception, what: str) -> ToolError:
        if isinstance(error, MCPError) and error.code == CONNECTION_CLOSED:
            if self._life is not None:
                self._life.is_lost = True
            return await self._failure(what)
        return await self._failure(f"{what}: {error}")

    async def _failure(self, what: str) -> ToolError:
        words = "" if self._life is None else await self._life.last_words()
        about = f"{what}; {words}" if words else what
        return ToolError(f"MCP server {self._server.name!r} {about}")


class _Life:
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

    async def opened(self) -> None:
        """Wait until it can be used. When the last who waits is cancelled, nothing is left of it."""
        self._waiting += 1
        try:
            await asyncio.shield(self._opened)
        except asyncio.CancelledError:
            if self._waiting == 1:
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


async def _all_tools(client: Client) -> list[Tool]:
    """Return the tools on all pages; of two with the same name, the first."""
    page = await client.list_tools()
    found = list(page.tools)
    for _ in range(_MOST_PAGES):
        if page.next_cursor is None:
            break
        page = await client.list_tools(cursor=page.next_cursor)
        found += page.tools
    tools = (Tool(tool.name, tool.description or "", tool.input_schema) for tool in reversed(found))
    return list({tool.name: tool for tool in tools}.values())[::-1]


def _told(data: object) -> str:
    return f" ({data})" if isinstance(data, str | int | float) else ""


def _leaf(error: BaseException) -> BaseException:
    """Return the error in a group of them, which task groups make of every one."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _cause(error: BaseException) -> str:
    error = _leaf(error)
    return str(error) or type(error).__name__
