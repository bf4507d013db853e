"""The seed's own rule: all texts the same, the worst times within the threshold, for a week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.verdict import SeedRuling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from liteagent_nb.core.measurement import Trial
    from liteagent_nb.core.parity import RulingStatus

__all__ = ["SEED_DAYS", "days_covered", "seed_row_passes", "seed_rule", "worst_of"]

SEED_DAYS = 7


def seed_rule(trials: Sequence[Trial], *, thresh_pct: float) -> SeedRuling:
    """Say what the seed's rule says; no trials are never accepted."""
    against, spoiled = tuple(_against(trials, thresh_pct)), tuple(_spoiled(trials))
    days = days_covered(trials)
    early = (f"{days} of {SEED_DAYS} days are covered",) if days < SEED_DAYS else ()
    return SeedRuling(_status(against, spoiled, early), (*against, *spoiled, *early))


def _status(against: Sequence[str], spoiled: Sequence[str], early: Sequence[str]) -> RulingStatus:
    if against:
        return "rejected"
    if spoiled:
        return "invalid"
    return "undecided" if early else "accepted"


def _against(trials: Sequence[Trial], thresh_pct: float) -> Iterator[str]:
    if differing := sum(not trial.has_errors and not trial.same_text for trial in trials):
        yield f"{differing} of {len(trials)} texts differ"
    for name in ("ttft", "total"):
        if (found := worst_of(trials, name)) is not None and found > thresh_pct:
            yield f"worst {name} is {found:+.1f} %, the threshold {thresh_pct:g} %"


def _spoiled(trials: Sequence[Trial]) -> Iterator[str]:
    if failed := sum(trial.has_errors for trial in trials):
        yield f"{failed} of {len(trials)} trials have errors"
    if worst_of(trials, "total") is None:
        yield "no trial has the times of both arms" if trials else "there are no trials"


def seed_row_passes(trial: Trial, *, thresh_pct: float) -> bool:
    """Whether one trial alone has the same text and both times within the threshold."""
    deltas = (trial.ttft_delta_pct, trial.total_delta_pct)
    is_timed = trial.total_delta_pct is not None
    return trial.same_text and is_timed and all(delta <= thresh_pct for delta in deltas if delta is not None)


def worst_of(trials: Iterable[Trial], name: str) -> float | None:
    """Return by how many percent the candidate was slower at the worst, of `ttft` or `total`; None without any."""
    deltas = (trial.ttft_delta_pct if name == "ttft" else trial.total_delta_pct for trial in trials)
    return max((delta for delta in deltas if delta is not None), default=None)


def days_covered(trials: Iterable[Trial]) -> int:
    """Return on how many days there were trials, by UTC. A clock that jumped a week ahead covers one day, not seven."""
    return len({trial.ts[:10] for trial in trials if trial.ts})
