"""Connection: one MCP server, opened when it is first needed, opened anew when it died, closed for certain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mcp import MCPError

from liteagent_nb.core.errors import LiteAgentError, ToolError
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.tools._mcp_life import Life
from liteagent_nb.tools._mcp_observing import observed_result

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcp import Client

    from liteagent_nb.tools._mcp_config import Server

__all__ = ["Connection"]

_MOST_DEATHS = 3
"""How often in a row a server may die before it is left alone."""
_MOST_PAGES = 100


class Connection:
    """One server. Each of its lives is a task of its own, so that any task may open, use and close it."""

    def __init__(self, server: Server, *, start_timeout_s: float) -> None:
        self._server = server
        self._start_timeout_s = start_timeout_s
        self._life: Life | None = None
        self._beginning = asyncio.Lock()
        self._deaths = 0

    async def open(self, *, within_s: float | None = None) -> Life:
        """Return the server's life, which begins now if it must. Raises `ToolError` where it cannot be reached.

        Raises `TimeoutError` where that takes longer than *within_s*; the server goes on starting then.
        """
        async with self._beginning:
            if self._life is None or self._life.is_over:
                await self._bury()
                self._life = self._begun()
            life = self._life
        await life.opened(within_s=within_s)
        return life

    def _begun(self) -> Life:
        if self._deaths >= _MOST_DEATHS:
            raise ToolError(
                f"MCP server {self._server.name!r} died {self._deaths} times in a row, and is not started again",
                hint="see what it wrote to stderr, mend it, and ask again",
            )
        return Life(self._server, start_timeout_s=self._start_timeout_s)

    async def tools(self) -> list[Tool]:
        """Return all tools of the server, by its own names. Raises `ToolError` where it cannot be asked."""
        self._deaths = 0  # whoever asks anew may have mended it
        life = await self.open()
        try:
            async with asyncio.timeout(self._start_timeout_s):
                return await _all_tools(life.client)
        except TimeoutError:
            raise await self._failure("listed no tools in time") from None
        except MCPError as error:
            if life.ends_with(error):
                raise await self._lost("died while it listed its tools") from error
            raise await self._failure(f"cannot list its tools: {error.message}") from error
        except Exception as error:
            raise await self._failure(f"cannot list its tools: {error}") from error

    async def call(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call a tool by the server's own name for it; whatever goes wrong is an observation."""
        until_s = asyncio.get_running_loop().time() + timeout_s
        life: Life | None = None
        try:
            life = await self.open(within_s=timeout_s)
            async with asyncio.timeout_at(until_s):
                return await self._call(life, name, arguments)
        except TimeoutError:
            starting = "" if life else "; the server is still starting"
            return Observation.failure(f"timeout after {timeout_s:g}s{starting}", rc=-1)
        except LiteAgentError as error:
            self._deaths = min(self._deaths + 1, _MOST_DEATHS)
            return Observation.failure(str(error))

    async def _call(
        self, life: Life, name: str, arguments: Mapping[str, object], *, may_repeat: bool = True
    ) -> Observation:
        try:
            result = await life.client.call_tool(name, dict(arguments))
        except MCPError as error:
            if may_repeat and life.is_forgotten(error):
                life.is_lost = True
                return await self._call(await self.open(), name, arguments, may_repeat=False)
            if life.ends_with(error):
                raise await self._lost("died in the call") from error
            return Observation.failure(await life.complaint(error))
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

    async def _lost(self, what: str) -> ToolError:
        if self._life is not None:
            self._life.is_lost = True
        return await self._failure(what)

    async def _failure(self, what: str) -> ToolError:
        words = "" if self._life is None else await self._life.last_words()
        about = f"{what}; {words}" if words else what
        return ToolError(f"MCP server {self._server.name!r} {about}")


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
