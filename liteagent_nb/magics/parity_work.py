"""What `%parity` and its panel measure: two arms of the notebook, with the options of the line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from liteagent_nb.magics.parity_arms import opened
from liteagent_nb.parity.making_arms import as_arm
from liteagent_nb.parity.runner import run_parity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.magics.options import Settings
    from liteagent_nb.magics.parity_arms import Named
    from liteagent_nb.parity.events import ParityWatcher

__all__ = ["measured"]


async def measured(arms: Sequence[Named], prompts: Sequence[str], wanted: Settings, watch: ParityWatcher) -> Verdict:
    """Measure the two *arms* as *wanted* says. Raises `ConfigError` where nothing can be measured."""
    asked = {name: getattr(wanted, name) for name in ("temperature", "api_base")}
    settings = {name: value for name, value in asked.items() if value is not None}
    async with opened(arms, partial(as_arm, model=wanted.model, settings=settings)) as (baseline, candidate):
        return await run_parity(
            baseline,
            candidate,
            prompts=prompts,
            rounds=wanted.rounds,
            thresh_pct=wanted.thresh,
            live_thresh_pct=wanted.live_thresh,
            warmup=wanted.warmup,
            seed=wanted.seed,
            journal=wanted.journal or None,
            timeout_s=wanted.timeout,
            watch=watch,
        )
