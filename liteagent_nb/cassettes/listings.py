"""CassetteListing: the tools of an invoker that must ask for them, recorded, so that a replay asks nobody."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from liteagent_nb.cassettes.requests import listing_request
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.core.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.tools import Observation

__all__ = ["CassetteListing", "ListsByAsking", "with_recorded_list"]


@runtime_checkable
class ListsByAsking(Invoker, Protocol):
    """An invoker that asks others for its tools."""

    @property
    def listed_as(self) -> str:
        """What its list is called on a cassette."""


class CassetteListing:
    """Lists tools as *cassette* has them under the name *listed_as*.

    Calls go through to the invoker that *make* makes, at the first one that must: a `CassetteInvoker` around this one
    replays them.
    """

    def __init__(self, cassette: Cassette, listed_as: str, make: Callable[[], Invoker]) -> None:
        self._cassette = cassette
        self._listed_as = listed_as
        self._make = make
        self._made: Invoker | None = None

    async def list_tools(self) -> Sequence[Tool]:
        """Return the recorded tools, or ask for them and record them. Raises `CassetteMiss` in `replay`."""
        request = listing_request(self._listed_as, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        if take is None:
            listed = [_without_defaults(tool) for tool in await self._invoker().list_tools()]
            take = cast("Mapping[str, object]", self._cassette.mask({"tools": listed}))
            self._cassette.record(request, take)
        return tuple(Tool(**tool) for tool in cast("Sequence[Any]", take["tools"]))

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool."""
        return await self._invoker().call_tool(name, arguments, timeout_s=timeout_s)

    def _invoker(self) -> Invoker:
        if self._made is None:
            self._made = self._make()
        return self._made


def with_recorded_list(invoker: Invoker, cassette: Cassette | None) -> Invoker:
    """Return *invoker*, or its like with a recorded list where there is a cassette and the list must be asked for."""
    if cassette is None or cassette.mode == "off" or not isinstance(invoker, ListsByAsking):
        return invoker
    return CassetteListing(cassette, invoker.listed_as, lambda: invoker)


def _without_defaults(tool: Tool) -> dict[str, object]:
    """Return what *tool* holds beyond its defaults: a recording is read by people."""
    blank = Tool(tool.name)
    held = {field.name: getattr(tool, field.name) for field in fields(tool)}
    return {name: value for name, value in held.items() if name == "name" or value != getattr(blank, name)}
