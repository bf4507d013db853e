"""Runs: what the proxy does for every request that wants an agent. The loop itself is the one of every notebook."""

from __future__ import annotations

import contextlib
import secrets
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from liteagent_nb.assembly import run_wired
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.hops import HEADER, parse_via, via
from liteagent_nb.core.redaction import redact
from liteagent_nb.core.steps import RunDone
from liteagent_nb.services.answers import Refusal
from liteagent_nb.services.hiding import hiding, known_secrets, words_of
from liteagent_nb.services.metrics import Tally, family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.requests import Request

    from liteagent_nb.assembly import Maker
    from liteagent_nb.core.steps import Event, Run, Watcher
    from liteagent_nb.services.agent_requests import Task
    from liteagent_nb.services.agent_supplies import Supplies
    from liteagent_nb.services.traces import TraceFile

__all__ = ["Runs"]


class Runs:
    """Runs agents made of *supplies*, one for each request, and keeps figures and traces of them."""

    def __init__(self, supplies: Supplies, traces: TraceFile | None = None) -> None:
        self.supplies = supplies
        self.tally = Tally("run")
        self.id = secrets.token_hex(8)
        """By which this proxy knows itself on the way of a request."""
        self._secrets = known_secrets()
        self._traces = traces
        self._tokens: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    async def load(self) -> None:
        """Load what the default model needs; one that cannot be made says so to those who ask for it."""
        with contextlib.suppress(LiteAgentError):
            await self.supplies.loaded(self.supplies.maker(self.supplies.default_model, {}))

    def way_of(self, request: Request) -> tuple[str, ...]:
        """Return the agents that *request* has gone through, and this one. Raises a `Refusal` where it was here."""
        hops = parse_via(request.headers.get(HEADER, ""))
        if self.id in hops:
            message = "this agent asked itself"
            hint = "name another model, or another api_base than this service's own"
            raise Refusal(508, "LoopDetected", message, hint=hint)
        return (*hops, self.id)

    async def run(self, task: Task, watch: Watcher, *, way: tuple[str, ...], model: Maker | None = None) -> Run:
        """Carry out *task*; *model* answers it where that is not what its config names. Raises what broke the run."""
        config = replace(task.config, model=task.config.model or self.supplies.default_model)
        ended: list[Run] = []

        def told(event: Event) -> None:
            if isinstance(event, RunDone):  # told of a cancelled run, too
                ended.append(event.run)
            watch(event)

        self.tally.begun()
        before = via.set(way)
        try:
            wires = await self.supplies.wires(task, config, model)
            run = await run_wired(Transcript.of(task.messages), wires, config=config, watch=told)
            return run.raise_for_error()
        except LiteAgentError as error:
            error.args = (redact(str(error), words_of(self._secrets_of(task))),)
            raise
        finally:
            via.reset(before)
            self._keep(ended, task)

    def hidden(self, task: Task) -> Callable[[bytes], bytes]:
        """Return what takes the secrets out of an answer to *task*."""
        return hiding(self._secrets_of(task))

    def _secrets_of(self, task: Task) -> list[str]:
        return [*self._secrets, *task.secrets]

    def _keep(self, ended: list[Run], task: Task) -> None:
        if not ended:  # nothing was sent
            self.tally.ended("refused")
            return
        run = ended[0]
        self.tally.ended(run.stopped_reason, run.ttotal_ms / 1000)
        self._tokens.update(prompt=run.usage.prompt_tokens, completion=run.usage.completion_tokens)
        self._calls.update("ok" if call.ok else "failed" for call in run.tool_invocations)
        if self._traces is not None:
            self._traces.add(run, task)

    def figures(self) -> str:
        """Return all figures as Prometheus text."""
        return self.tally.text(*self._families())

    def _families(self) -> Iterator[Sequence[str]]:
        tokens = {f'{{kind="{kind}"}}': count for kind, count in sorted(self._tokens.items())}
        calls = {f'{{outcome="{outcome}"}}': count for outcome, count in sorted(self._calls.items())}
        yield family("liteagent_tokens_total", "counter", "Tokens that models read and wrote", tokens)
        yield family("liteagent_tool_calls_total", "counter", "Calls of tools", calls)
