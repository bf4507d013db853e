"""McpInvoker: the tools of MCP servers, over stdio and streamable HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.tools._mcp_config import read_file, read_servers
from liteagent_nb.tools._mcp_names import offered_names
from liteagent_nb.tools.toolbox import unknown_tool

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping, Sequence
    from types import TracebackType

    from liteagent_nb.core.tools import Observation, Tool
    from liteagent_nb.tools._mcp_connection import Connection

__all__ = ["McpInvoker"]


T = TypeVar("T")

_ENDING: set[asyncio.Task[list[None]]] = set()
"""What another loop was told to close: a task that nobody holds may vanish."""


class McpInvoker:
    """Offers the tools of the MCP servers in a map: `{"mcpServers": {"NAME": {"command": …} | {"url": …}}}`.

    Servers start with the first question for their tools, or `async with`; `aclose` ends them, from any task. One that
    dies is a failed observation, and is started anew by the next call. Programs get a clean environment with
    what `env` names; headers go to the url's own origin. Where two tools have the same name, or it is in *taken*,
    they are called `server__tool`. Raises `ConfigError` for a map that is none.
    """

    def __init__(
        self, servers: Mapping[str, object], *, start_timeout_s: float = 60.0, taken: Iterable[str] = ()
    ) -> None:
        self._servers = read_servers(servers)
        self._start_timeout_s = start_timeout_s
        self._taken = frozenset(taken)
        self._by_loop: dict[asyncio.AbstractEventLoop, dict[str, Connection]] = {}
        self._routes: dict[str, tuple[str, str]] = {}

    @classmethod
    def from_file(cls, path: str | Path, *, start_timeout_s: float = 60.0, taken: Iterable[str] = ()) -> Self:
        """Return the invoker of the servers in a JSON file. Raises `ConfigError` where it holds none."""
        return cls(read_file(Path(path)), start_timeout_s=start_timeout_s, taken=taken)

    @property
    def listed_as(self) -> str:
        """What its list of tools is called on a cassette: a replay starts no server."""
        return ", ".join(["mcp", *(server.name for server in self._servers)])

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools of all servers. Raises `ToolError` where one cannot be reached, `ConfigError` for `mcp`."""
        listings = await _all(connection.tools() for connection in self._connections().values())
        found = [(server.name, tool) for server, tools in zip(self._servers, listings, strict=True) for tool in tools]
        names = offered_names([(server, tool.name) for server, tool in found], taken=self._taken)
        self._routes = {name: (server, tool.name) for name, (server, tool) in zip(names, found, strict=True)}
        return tuple(replace(tool, name=name) for name, (_, tool) in zip(names, found, strict=True))

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool on its server; cancelling tells the server so."""
        if name not in self._routes:
            await self.list_tools()
        route = self._routes.get(name)
        if route is None:
            return unknown_tool(name, self._routes)
        server, tool = route
        clock = asyncio.get_running_loop().time
        started_s = clock()
        observation = await self._connections()[server].call(tool, arguments, timeout_s=timeout_s)
        return observation.timed((clock() - started_s) * 1000)

    async def aclose(self) -> None:
        """End all servers. They start again when they are needed again."""
        here = asyncio.get_running_loop()
        for loop, connections in list(self._by_loop.items()):
            if loop is not here and not loop.is_closed():  # it may be waiting for this one: it is told, not waited for
                loop.call_soon_threadsafe(_end_soon, loop, list(connections.values()))
        await _all(connection.aclose() for connection in self._by_loop.get(here, {}).values())

    async def __aenter__(self) -> Self:
        try:
            await _all(connection.open() for connection in self._connections().values())
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _connections(self) -> dict[str, Connection]:
        """Return those of the running loop: a notebook has one for its cells, and one for its magics."""
        loop = asyncio.get_running_loop()
        if loop not in self._by_loop:
            connect = _connect()
            made = {server.name: connect(server, start_timeout_s=self._start_timeout_s) for server in self._servers}
            others = {other: known for other, known in self._by_loop.items() if not other.is_closed()}
            self._by_loop = {**others, loop: made}
        return self._by_loop[loop]


def _end_soon(loop: asyncio.AbstractEventLoop, connections: Sequence[Connection]) -> None:
    task = loop.create_task(_all(connection.aclose() for connection in connections))
    _ENDING.add(task)
    task.add_done_callback(_ENDING.discard)


async def _all(work: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """Do all at once and return what came of it; what fails waits for the others, so that none is left half done."""
    done = await asyncio.gather(*work, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in done if not isinstance(outcome, BaseException)]


def _connect() -> type[Connection]:
    try:
        from liteagent_nb.tools._mcp_connection import Connection  # noqa: PLC0415 - needs the extra `mcp`
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types", "httpx2"}:
            raise
        raise ConfigError(
            f"MCP servers need the package {error.name}", hint='pip install "liteagent_nb[mcp]"'
        ) from None
    return Connection
