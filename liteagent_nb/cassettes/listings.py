"""CassetteListing: a far invoker whose list of tools comes from a recording, or is recorded."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable
from urllib.parse import urlsplit

from liteagent_nb.cassettes.requests import listing_request
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.core.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.tools import Observation

__all__ = ["CassetteListing", "FarInvoker"]


@runtime_checkable
class FarInvoker(Invoker, Protocol):
    """An invoker whose tools are elsewhere: a replay must not ask there."""

    @property
    def source(self) -> str:
        """Where: a URL, for instance."""

    async def aclose(self) -> None:
        """Close them."""


class CassetteListing:
    """Lists the tools of *source* as *cassette* has them, so that a replay asks nobody.

    Calls go through to the invoker that *make* makes, at the first one that must: a `CassetteInvoker` around this one
    replays them. Where the host of a recording was on this machine, its port does not count.
    """

    def __init__(self, cassette: Cassette, source: str, make: Callable[[], FarInvoker]) -> None:
        self._cassette = cassette
        self._host = _host(source)
        self._make = make
        self._made: FarInvoker | None = None

    async def list_tools(self) -> Sequence[Tool]:
        """Return the recorded tools, or ask for them and record them. Raises `CassetteMiss` in `replay`."""
        request = listing_request(self._host, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        if take is None:
            listed = [_without_defaults(tool) for tool in await self._invoker().list_tools()]
            take = cast("Mapping[str, object]", self._cassette.mask({"tools": listed}))
            self._cassette.record(request, take)
        return tuple(Tool(**tool) for tool in cast("Sequence[Any]", take["tools"]))

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool."""
        return await self._invoker().call_tool(name, arguments, timeout_s=timeout_s)

    async def aclose(self) -> None:
        """Close what was opened."""
        if self._made is not None:
            await self._made.aclose()

    def _invoker(self) -> FarInvoker:
        if self._made is None:
            self._made = self._make()
        return self._made


def _host(source: str) -> str:
    parts = urlsplit(source)
    host = parts.hostname or ""
    if host in {"localhost", "::1"} or host.startswith("127."):
        return "this machine"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")


def _without_defaults(tool: Tool) -> dict[str, object]:
    """Return what *tool* holds beyond its defaults: a recording is read by people."""
    blank = Tool(tool.name)
    held = {field.name: getattr(tool, field.name) for field in fields(tool)}
    return {name: value for name, value in held.items() if name == "name" or value != getattr(blank, name)}
