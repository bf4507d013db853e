"""Whether the candidate is slower: one ruling for each figure that was measured, one finding for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.parity import Pair, rule
from liteagent_nb.core.verdict import Finding, worst

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from liteagent_nb.core.measurement import Figure, Measurement, Trial
    from liteagent_nb.core.parity import Ruling
    from liteagent_nb.core.verdict import Question

__all__ = ["NAMES", "figures_of", "pairs_of", "timing"]

NAMES: Mapping[Figure, str] = {
    "ttft_ms": "time to the first text",
    "total_ms": "total time",
    "cpu_ms": "CPU",
    "before_ms": "time before the first piece",
    "after_ms": "time after the last byte",
}
"""How the figures are called."""


def figures_of(trials: Sequence[Trial], *, is_live: bool) -> tuple[Figure, ...]:
    """Return what to judge: what the arms themselves took, where a server's times are known; of live arms no CPU."""
    if is_live:
        return ("ttft_ms", "total_ms")
    has_server_times = any(trial.baseline.before_ms is not None for trial in trials)
    return ("before_ms", "after_ms", "cpu_ms") if has_server_times else ("ttft_ms", "total_ms", "cpu_ms")


def pairs_of(trials: Sequence[Trial], figure: Figure) -> list[Pair]:
    """Return that figure of all trials in which all three have it."""
    values = [[_value(one, figure) for one in (trial.baseline, trial.candidate, trial.control)] for trial in trials]
    return [Pair(*usable) for found in values if len(usable := [value for value in found if value]) == len(found)]


def _value(measured: Measurement | None, figure: Figure) -> float | None:
    """Return a figure that can be judged: none of a failed answer, nor what a clock that went backwards makes."""
    if measured is None or measured.error:
        return None
    value: float | None = getattr(measured, figure)
    return value if value is not None and 0 < value < float("inf") else None


def timing(question: Question, trials: Sequence[Trial], *, margin_pct: float, at: Iterable[int] = ()) -> Finding:
    """Say whether any figure of the candidate is more than *margin_pct* percent above the baseline's."""
    found = {figure: pairs_of(trials, figure) for figure in figures_of(trials, is_live=question == "live")}
    rulings = {figure: rule(pairs, margin_pct=margin_pct, at=at) for figure, pairs in found.items() if pairs}
    if not rulings:
        return Finding(question, "undecided", "no trial has the times of both arms and of a control", 0, margin_pct)
    status = worst(*(ruling.status for ruling in rulings.values()))
    deciding = {figure: ruling for figure, ruling in rulings.items() if ruling.status == status}
    more_pairs = 0 if status in {"accepted", "rejected"} else _more(rulings)
    return Finding(question, status, _reason(deciding), more_pairs, margin_pct, rulings)


def _reason(rulings: Mapping[Figure, Ruling]) -> str:
    return "; ".join(f"{NAMES[figure]}: {ruling.reason}" for figure, ruling in rulings.items())


def _more(rulings: Mapping[Figure, Ruling]) -> int:
    """Return how many more pairs the slowest answer takes; 0 where one figure has no such number."""
    open_ones = [ruling.more_pairs for ruling in rulings.values() if ruling.status in {"undecided", "invalid"}]
    return max(open_ones) if open_ones and all(open_ones) else 0
