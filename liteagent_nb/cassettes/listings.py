"""CassetteListing: the tools of a host that must be asked for them, recorded, so that a replay asks nobody."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

from liteagent_nb.cassettes.requests import tool_request
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.core.tools import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.tools import Observation

__all__ = ["CassetteListing", "with_recorded_list"]

_LIST = "tools/list"


@runtime_checkable
class ListsByAsking(Invoker, Protocol):
    """An invoker that asks others for its tools."""

    @property
    def listed_as(self) -> str:
        """What its list is called on a cassette."""


class CassetteListing:
    """Offers the tools of *invoker* as the cassette has them; its calls are the invoker's own."""

    def __init__(self, cassette: Cassette, invoker: ListsByAsking) -> None:
        self._cassette = cassette
        self._invoker = invoker

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools as they were recorded, or ask. Raises `CassetteMiss` in a replay that has no list."""
        request = tool_request(_LIST, {"of": self._invoker.listed_as}, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        if take is None:
            tools = [asdict(tool) for tool in await self._invoker.list_tools()]
            take = cast("Mapping[str, object]", self._cassette.mask({"ok": True, "result": tools}))
            self._cassette.record(request, take)
        return tuple(Tool(**about) for about in cast("list[Any]", take["result"]))

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool."""
        return await self._invoker.call_tool(name, arguments, timeout_s=timeout_s)


def with_recorded_list(invoker: Invoker, cassette: Cassette | None) -> Invoker:
    """Return *invoker*, or its like with a recorded list where there is a cassette and the list must be asked for."""
    if cassette is None or cassette.mode == "off" or not isinstance(invoker, ListsByAsking):
        return invoker
    return CassetteListing(cassette, invoker)
