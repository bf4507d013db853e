"""run_parity: paired blocks in random order, looked at from time to time, until the answer is clear."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.judging import LIVE_THRESH_PCT, judge
from liteagent_nb.core.measurement import Trial
from liteagent_nb.core.parity import looks
from liteagent_nb.core.watching import guarded
from liteagent_nb.parity.differing import difference
from liteagent_nb.parity.events import Looked, ParityDone, ParityStarted, TrialDone
from liteagent_nb.parity.journal import Journal
from liteagent_nb.parity.making_arms import as_arm
from liteagent_nb.parity.measuring import CLOCKS, measure
from liteagent_nb.parity.plan import planned
from liteagent_nb.parity.rows import row_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liteagent_nb.core.measurement import Measurement, Role
    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.parity.arms import Prompt
    from liteagent_nb.parity.events import ParityEvent, ParityWatcher
    from liteagent_nb.parity.measuring import Clocks
    from liteagent_nb.parity.plan import Block, Plan

__all__ = ["run_parity"]


def _ignore(_event: ParityEvent) -> None:
    """Watch nothing."""


async def run_parity(
    baseline: object,
    candidate: object,
    *,
    prompts: Sequence[str | Prompt] = (),
    rounds: int | None = None,
    thresh_pct: float | None = None,
    live_thresh_pct: float = LIVE_THRESH_PCT,
    warmup: int = 1,
    seed: int | None = None,
    journal: Path | str | None = None,
    timeout_s: float = 60.0,
    clocks: Clocks = CLOCKS,
    watch: ParityWatcher = _ignore,
) -> Verdict:
    """Compare *candidate* with *baseline* and say whether it may take its place.

    An arm is an `Arm`, or what `as_arm` makes one of: a name, a `Model`, a `Cassette`, a function. Each of *rounds*
    (`PARITY_ROUNDS`, 5) puts each prompt to both arms and to the baseline again, in random order; *warmup* rounds
    before them are not counted. *thresh_pct* (`PARITY_THRESH_PCT`, 3) is how much slower is acceptable where nobody
    else answers, *live_thresh_pct* where others do. Each trial is appended to *journal* (`PARITY_OUT`). An answer that
    is clear before all rounds are through ends it.

    Raises `ConfigError` where nothing can be measured. Cancelling tells *watch* `ParityDone` with what there is, and
    raises `CancelledError` as usual.
    """
    plan = planned(
        as_arm(baseline),
        as_arm(candidate),
        prompts=prompts,
        rounds=rounds,
        thresh_pct=thresh_pct,
        live_thresh_pct=live_thresh_pct,
        warmup=warmup,
        seed=seed,
        run_id=uuid.uuid4().hex[:12],
    )
    file = journal or environment.text("PARITY_OUT")
    comparison = _Comparison(plan, Journal(file) if file else None, clocks=clocks, timeout_s=timeout_s)
    return await comparison.run(guarded(watch, last=ParityDone))


class _Comparison:
    """The trials of one comparison."""

    def __init__(self, plan: Plan, journal: Journal | None, *, clocks: Clocks, timeout_s: float) -> None:
        self._plan = plan
        self._journal = journal
        self._clocks = clocks
        self._timeout_s = timeout_s
        self._mask = Mask()
        self._trials: list[Trial] = []

    async def run(self, watch: ParityWatcher) -> Verdict:
        try:
            await self._warm_up()
            verdict = await self._until_clear(watch)
        except asyncio.CancelledError:
            watch(ParityDone(self._judged(is_stopped=True)))
            raise
        watch(ParityDone(verdict))
        return verdict

    async def _warm_up(self) -> None:
        """Ask everything that will be asked; what cannot be asked at all is said now."""
        for _ in range(self._plan.warmup):
            for prompt in self._plan.prompts:
                for role in ("baseline", "candidate"):
                    await self._measured(role, prompt, raises=(ConfigError,))

    async def _until_clear(self, watch: ParityWatcher) -> Verdict:
        plan = self._plan
        watch(ParityStarted(plan.terms, plan.trials))
        wanted = set(looks(plan.trials))
        for number, block in enumerate(plan.blocks(), 1):
            self._keep(trial := await self._trial(block))
            watch(TrialDone(trial, number, plan.trials))
            if number in wanted:
                watch(Looked(verdict := self._judged(), number))
                if verdict.status in {"accepted", "rejected"}:
                    break
        return verdict

    async def _trial(self, block: Block) -> Trial:
        ts = self._clocks.today().isoformat(timespec="milliseconds")
        found = {role: await self._measured(role, block.prompt) for role in block.order}
        one, other = found["baseline"], found["candidate"]
        parted = "" if one.error or other.error else self._mask.text(difference(one.text, other.text))
        return Trial(block.round, block.prompt.id, block.order, one, other, found["control"], ts, parted)

    async def _measured(self, role: Role, prompt: Prompt, *, raises: tuple[type[Exception], ...] = ()) -> Measurement:
        return await measure(
            self._plan.arm(role),
            prompt,
            clocks=self._clocks,
            timeout_s=self._timeout_s,
            raises=raises,
            told=self._mask.text,
        )

    def _keep(self, trial: Trial) -> None:
        self._trials.append(trial)
        if self._journal is None:
            return
        model = self._plan.baseline.model or self._plan.candidate.model
        try:
            self._journal.add(row_of(trial, self._plan.terms, model=model))
        except OSError as error:
            told = "a trial was not kept in %s: %s"
            logging.getLogger(__name__).warning(told, self._journal.path, error.strerror)

    def _judged(self, *, is_stopped: bool = False) -> Verdict:
        return judge(self._trials, self._plan.terms, is_stopped=is_stopped)
