"""What the agent proxy does for each of its own routes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from starlette.responses import Response

from liteagent_nb.services.agent_frames import AgentFrames
from liteagent_nb.services.agent_requests import read_task
from liteagent_nb.services.agent_wire import run_json
from liteagent_nb.services.answers import Refusal, json_bytes
from liteagent_nb.services.event_stream import EventStream
from liteagent_nb.services.metrics import PROMETHEUS_TEXT
from liteagent_nb.services.presence import WhileThere

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from liteagent_nb.core.steps import Event, Run, Watcher
    from liteagent_nb.services.agent_runs import Runs
    from liteagent_nb.services.event_stream import Frames

__all__ = ["AgentRoutes", "begun", "watching_nothing"]

_BEGINS_WITHIN_S = 10.0
"""How long a stream waits for its first event: until then a failure is an answer with its status."""
_PAUSE_S = 0.02
"""Pieces that come closer than this are sent together."""
_STALLED_AFTER_S = 60.0

_OK = json_bytes({"ok": True})


class AgentRoutes:
    """The endpoints of the agent proxy that speak the house's own language."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._loading: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def loading(self) -> AsyncIterator[None]:
        """Load meanwhile what the first run will need."""
        self._loading = asyncio.create_task(self._runs.load())
        try:
            yield
        finally:
            self._loading.cancel()

    async def health(self, _request: Request) -> Response:
        """Say that the service is alive."""
        return Response(_OK, media_type="application/json")

    async def ready(self, _request: Request) -> Response:
        """Say that it can take work."""
        if self._loading is not None and not self._loading.done():
            raise Refusal(503, "Loading", "the model is being loaded", hint="try again in a second")
        return Response(_OK, media_type="application/json")

    async def run(self, request: Request) -> Response:
        """Run an agent and answer its Run."""
        task, way = read_task(await request.body()), self._runs.way_of(request)
        async with WhileThere(request.receive):
            run = await self._runs.run(task, watching_nothing, way=way)
        return Response(self._runs.hidden(task)(json_bytes(run_json(run))), media_type="application/json")

    async def run_streamed(self, request: Request) -> EventStream[Event, Run]:
        """Run an agent and send its events as they come."""
        task, way = read_task(await request.body()), self._runs.way_of(request)
        frames = AgentFrames(self._runs.hidden(task))
        return await begun(lambda watch: self._runs.run(task, watch, way=way), frames, request)

    async def metrics(self, _request: Request) -> Response:
        """Answer the figures."""
        return Response(self._runs.figures(), headers={"content-type": PROMETHEUS_TEXT})


async def begun(
    run: Callable[[Watcher], Awaitable[Run]], frames: Frames[Event, Run], request: Request
) -> EventStream[Event, Run]:
    """Return the stream of *run* once it has begun; a client that goes away meanwhile ends it.

    Raises what failed by then.
    """
    async with WhileThere(request.receive):
        stream = EventStream(
            run, frames, begins_within_s=_BEGINS_WITHIN_S, pause_s=_PAUSE_S, stalled_after_s=_STALLED_AFTER_S
        )
        await stream.begin()
    return stream


def watching_nothing(_event: Event) -> None:
    """Watch nothing."""
