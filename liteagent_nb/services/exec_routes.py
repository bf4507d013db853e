"""What the exec service does for each of its routes."""

from __future__ import annotations

import asyncio
import platform
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.responses import Response

from liteagent_nb.core.errors import ConfigError, ExecError, UnknownContext
from liteagent_nb.services.answers import Refusal, json_answer, json_bytes
from liteagent_nb.services.event_stream import EventStream
from liteagent_nb.services.exec_frames import ExecFrames
from liteagent_nb.services.exec_wire import as_json, read_context_request, read_exec_request
from liteagent_nb.services.json_pieces import LARGE_CHARS, JsonPieces
from liteagent_nb.services.metrics import PROMETHEUS_TEXT, family
from liteagent_nb.services.presence import WhileThere

if TYPE_CHECKING:
    from starlette.requests import Request

    from liteagent_nb.core.execution import ExecResult, Output, OutputWatcher
    from liteagent_nb.kernels.protocol import ContextExecutor, ContextStatus
    from liteagent_nb.services.exec_wire import ExecRequest
    from liteagent_nb.services.metrics import Tally

__all__ = ["ExecRoutes"]

_ABILITIES = ("contexts", "interrupt", "languages", "metrics", "stream")
_PROBE_TIMEOUT_S = 20.0
_PROBE_HOLDS_S = 2.0


class ExecRoutes:
    """The endpoints of the exec service, over *executor*."""

    def __init__(self, executor: ContextExecutor, tally: Tally) -> None:
        self._executor = executor
        self._tally = tally
        self._probe: asyncio.Task[float] | None = None
        versions = {"liteagent_nb": version("liteagent_nb"), "python": platform.python_version()}
        # Made once: it is asked for while everything else is busy.
        self._health = json_bytes(
            {"ok": True, "service": "exec-rpc", "versions": versions, "abilities": _ABILITIES},
        )

    async def health(self, _request: Request) -> Response:
        """Say that the service is alive."""
        return Response(self._health, media_type="application/json")

    async def ready(self, _request: Request) -> Response:
        """Run code on a kernel and say how long it took. Many who ask at once are answered by one probe."""
        if self._probe is None:
            self._probe = asyncio.create_task(self._probed())
            self._probe.add_done_callback(self._forget_probe_later)
        return json_answer({"ok": True, "t_ms": round(await asyncio.shield(self._probe), 1)})

    async def execute(self, request: Request) -> Response | JsonPieces:
        """Run code and answer its result."""
        asked = read_exec_request(await request.body())
        async with WhileThere(request.receive):
            result = await self._run(asked)
        is_large = len(result.stdout) + len(result.stderr) > LARGE_CHARS
        return JsonPieces(as_json(result)) if is_large else json_answer(as_json(result))

    async def execute_streamed(self, request: Request) -> EventStream[Output, ExecResult]:
        """Run code and send its outputs as they come."""
        asked = read_exec_request(await request.body())
        stream = EventStream(lambda watch: self._run(asked, watch), ExecFrames())
        await stream.begin()
        return stream

    async def languages(self, _request: Request) -> Response:
        """List the languages."""
        return json_answer({"languages": [as_json(language) for language in await self._executor.languages()]})

    async def contexts(self, _request: Request) -> Response:
        """List the contexts."""
        return json_answer({"contexts": [as_json(context) for context in await self._executor.contexts()]})

    async def create_context(self, request: Request) -> Response:
        """Open a context."""
        asked = read_context_request(await request.body())
        try:
            context = await self._executor.create(asked.language, name=asked.name)
        except ConfigError:
            await self._check_language(asked.language)
            if any(context.id == asked.name for context in await self._executor.contexts()):
                raise _name_taken(asked.name) from None
            raise
        return json_answer(as_json(context), 201, {"location": f"/contexts/{context.id}"})

    async def context(self, request: Request) -> Response:
        """Say how a context is."""
        return json_answer(as_json(await self._found(request.path_params["id"])))

    async def close_context(self, request: Request) -> Response:
        """Close a context."""
        await self._executor.close(request.path_params["id"])
        return json_answer({"ok": True})

    async def restart_context(self, request: Request) -> Response:
        """Give a context a new kernel."""
        return json_answer(as_json(await self._executor.restart(request.path_params["id"])))

    async def interrupt_context(self, request: Request) -> Response:
        """Interrupt what runs in a context."""
        await self._executor.interrupt(request.path_params["id"])
        return json_answer({"ok": True})

    async def metrics(self, _request: Request) -> Response:
        """Answer the figures."""
        states = Counter(str(context.state) for context in await self._executor.contexts())
        by_state = {f'{{state="{state}"}}': count for state, count in sorted(states.items())}
        text = self._tally.text(family("liteagent_contexts", "gauge", "Open contexts", by_state))
        return Response(text, headers={"content-type": PROMETHEUS_TEXT})

    async def _run(self, asked: ExecRequest, watch: OutputWatcher | None = None) -> ExecResult:
        self._tally.begun()
        outcome, seconds = "none", 0.0
        try:
            result = await self._executor.execute(
                asked.code, language=asked.language, timeout_s=asked.timeout_s, context=asked.context, watch=watch
            )
            outcome, seconds = result.status, result.t_ms / 1000
        except ConfigError:
            await self._check_language(asked.language)
            raise
        finally:
            self._tally.ended(outcome, seconds)
        return result

    async def _check_language(self, wanted: str) -> None:
        """Raise `ConfigError` with the list of languages where *wanted* is none of them."""
        known = {name for language in await self._executor.languages() for name in (language.name, *language.aliases)}
        if wanted not in known:
            message = f"unknown language {wanted!r}; known are {', '.join(sorted(known))}"
            raise ConfigError(message, hint="GET /languages says which of them can be run here")

    async def _found(self, wanted: str) -> ContextStatus:
        for context in await self._executor.contexts():
            if context.id == wanted:
                return context
        raise UnknownContext(f"there is no context {wanted!r}", hint="GET /contexts lists them")

    async def _probed(self) -> float:
        result = await self._executor.execute("1 + 1", timeout_s=_PROBE_TIMEOUT_S)
        if result.result != "2":
            raise ExecError(f"a kernel does not answer as it should: {result.error or result.result}")
        return result.t_ms

    def _forget_probe_later(self, probe: asyncio.Task[float]) -> None:
        if not probe.cancelled():
            probe.exception()
        asyncio.get_running_loop().call_later(_PROBE_HOLDS_S, self._forget_probe)

    def _forget_probe(self) -> None:
        self._probe = None


def _name_taken(name: str) -> Refusal:
    hint = "choose another name, or restart that one"
    return Refusal(409, "ConfigError", f"there is a context {name!r} already", hint=hint)
