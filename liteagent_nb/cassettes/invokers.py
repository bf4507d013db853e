"""CassetteInvoker: tools whose results come from a recording, or are recorded."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.cassettes.clock import TapeClock
from liteagent_nb.cassettes.requests import tool_request
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.pictures import Picture
from liteagent_nb.core.tools import Observation, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.cassettes.tracks import Take
    from liteagent_nb.core.protocols import Invoker

__all__ = ["CassetteInvoker"]

_GRACE_S = 0.3
"""How long a tool may overrun before its end is recorded as a timeout: less than a run waits before it gives up."""


class CassetteInvoker:
    """Offers the tools of *invoker*; their results come from *cassette*, or are recorded on it.

    Nothing is called in a replay. Without *invoker*, the tools are those that the recorded questions offered. What is
    recorded is also what is returned: without secrets, and as JSON has it. *clock* goes on by the times that are on
    the cassette.
    """

    def __init__(self, cassette: Cassette, invoker: Invoker | None = None, *, clock: TapeClock | None = None) -> None:
        self._cassette = cassette
        self._clock = clock or TapeClock()
        self._invoker = invoker

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools on offer."""
        return _recorded_tools(self._cassette) if self._invoker is None else await self._invoker.list_tools()

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Return what the call brought back when it was recorded. Raises `CassetteMiss` where it was not."""
        started_s = self._clock()
        request = tool_request(name, arguments, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        if take is None:
            take = self._written(await self._call(name, arguments, timeout_s))
            self._cassette.record(request, take)
        else:
            await asyncio.sleep(0)  # calls made side by side begin at the same time
        observation = _read(take)
        self._clock.reach(started_s + observation.t_ms / 1000)
        return observation

    async def _call(self, name: str, arguments: Mapping[str, object], timeout_s: float) -> Observation:
        if self._invoker is None:
            return Observation.failure(f"there is no tool {name!r} behind {self._cassette.source}")
        clock = asyncio.get_running_loop().time
        started_s = clock()
        try:
            async with asyncio.timeout(timeout_s + _GRACE_S):
                observation = await self._invoker.call_tool(name, arguments, timeout_s=timeout_s)
        except TimeoutError:
            observation = Observation.failure(f"timeout after {timeout_s:g}s", rc=-1)
        except LiteAgentError:
            raise  # a host that cannot be reached today is no result of the tool
        except Exception as error:  # noqa: BLE001 - what a tool raises is what was observed, and is recorded as such
            observation = Observation.failure(f"{type(error).__name__}: {error}")
        t_ms = observation.t_ms or (clock() - started_s) * 1000
        return replace(observation, t_ms=max(round(t_ms, 1), 0.1))

    def _written(self, observation: Observation) -> Take:
        """Return an observation as JSON, without what it leaves empty and without secrets."""
        blank = asdict(Observation(ok=observation.ok))
        told = {key: value for key, value in asdict(observation).items() if key == "ok" or value != blank[key]}
        return cast("Take", self._cassette.mask(told))


def _read(take: Take) -> Observation:
    held: Any = dict(take)
    pictures = tuple(Picture(**picture) for picture in held.get("pictures", ()))
    return Observation(**held | {"outputs": tuple(held.get("outputs", ())), "pictures": pictures})


def _recorded_tools(cassette: Cassette) -> Sequence[Tool]:
    asked = (track.request.content["tools"] for track in cassette.tracks.of("model"))
    offered = [Tool(**cast("Any", tool)) for tools in asked for tool in cast("Sequence[Any]", tools)]
    return tuple({tool.name: tool for tool in offered}.values())
