"""run_parity: paired blocks in random order, looked at from time to time, until the answer is clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.parity.arms import Arm, Prompt
    from liteagent_nb.parity.events import ParityEvent

__all__ = ["run_parity"]


def _ignore(_event: ParityEvent) -> None:
    """Watch nothing."""


async def run_parity(
    baseline: Arm | object,
    candidate: Arm | object,
    *,
    prompts: Sequence[str | Prompt] = (),
    rounds: int | None = None,
    thresh_pct: float | None = None,
    live_thresh_pct: float = 50.0,
    warmup: int = 1,
    seed: int | None = None,
    journal: Path | str | None = None,
    watch: Callable[[ParityEvent], None] = _ignore,
) -> Verdict:
    """Compare *candidate* with *baseline* and say whether it may take its place.

    An arm is an `Arm`, the name of a model, a `Model` object, a `Cassette`, or a function from the prompt's text to
    text or a stream, async or not. Each of *rounds* (`PARITY_ROUNDS`, 5) puts each prompt to both arms and to the
    baseline again, in random order. *thresh_pct* (`PARITY_THRESH_PCT`, 3) is how much slower is acceptable where
    nobody else answers, *live_thresh_pct* where others do. Each trial is appended to *journal* (`PARITY_OUT`).
    Raises `ConfigError` where nothing can be measured. Cancelling tells *watch* `ParityDone` with what there is, and
    raises `CancelledError` as usual.
    """
    raise NotImplementedError
