"""Whether both arms say the same: all of it on recorded bytes, of models as often as the baseline itself does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.parity import ALPHA, looks, pairs_until
from liteagent_nb.core.ranks import Interval
from liteagent_nb.core.rates import rate_of
from liteagent_nb.core.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liteagent_nb.core.measurement import Measurement, Trial
    from liteagent_nb.core.parity import RulingStatus

__all__ = ["FALL_PCT", "exact_behaviour", "rate_of_same"]

FALL_PCT = 15.0
"""By how many points of a hundred the rate of equal texts may fall below the baseline's own."""


def exact_behaviour(trials: Sequence[Trial]) -> Finding:
    """Say whether the candidate did the same in every trial: text, calls, how it ended."""
    number = len(trials)
    sound = [trial for trial in trials if _is_identical(trial.baseline, trial.control)]
    others = [trial for trial in sound if not _is_identical(trial.baseline, trial.candidate)]
    if others:
        why = f"{len(others)} of {number} answers differ, first at {others[0].prompt_id}: {_told(others[0])}"
        return Finding("behaviour", "rejected", why)
    if len(sound) < number:
        why = f"the baseline fails or differs from itself in {number - len(sound)} of {number}"
        return Finding("behaviour", "invalid", f"{why}: there is nothing to compare with")
    return Finding("behaviour", "accepted", f"the same in all {number}")


def _is_identical(one: Measurement, other: Measurement | None) -> bool:
    """Whether both did the same; where there is no control, nobody knows better."""
    if one.error or (other is not None and other.error):
        return False
    return other is None or (one.text_sha256, one.finish_reason) == (other.text_sha256, other.finish_reason)


def _told(trial: Trial) -> str:
    one, other = trial.baseline, trial.candidate
    if other.error:
        return f"it fails: {other.error}"
    if one.text_sha256 == other.text_sha256:
        return f"the same text ends with {other.finish_reason!r} instead of {one.finish_reason!r}"
    return trial.difference or "the texts differ"


def rate_of_same(trials: Sequence[Trial], *, at: Iterable[int] = ()) -> Finding:
    """Say whether the candidate gives the baseline's text as often as the baseline gives it again.

    What is bounded is the fall: trials in which only the baseline said the same, less those in which only the
    candidate did. Looks are those of `rule`, or *at*.
    """
    for number in at or looks(len(trials)):
        found = _at(trials[:number])
        if found.status in {"accepted", "rejected"}:
            break
    return found


def _at(trials: Sequence[Trial]) -> Finding:
    number = len(trials)
    same, own = sum(trial.same_text for trial in trials), sum(trial.repeats for trial in trials)
    fall = _fall(trials)
    told = f"the same text in {same} of {number}, the baseline's own rate is {own} of {number}"
    if rate_of(own, number, alpha=ALPHA).upper * 100 <= FALL_PCT:
        return _finding("invalid", f"{told}: too low to tell anything")
    if fall.upper < FALL_PCT and rate_of(own, number, alpha=ALPHA).lower * 100 > FALL_PCT:
        return _finding("accepted", f"{told}: at most {max(fall.upper, 0):.0f} points fewer")
    if fall.lower > FALL_PCT:
        return _finding("rejected", f"{told}: at least {fall.lower:.0f} points fewer")
    wanted = pairs_until(number, fall, abs(FALL_PCT - max(fall.estimate, 0.0)))
    return _finding(
        "undecided", f"{told}: {_span(fall)} points fewer", 0 if wanted is None else max(0, wanted - number)
    )


def _fall(trials: Sequence[Trial]) -> Interval:
    """Return by how many points the rate falls; each half of the error is spent on one of the two counts."""
    number = len(trials)
    lost = rate_of(sum(one.repeats and not one.same_text for one in trials), number, alpha=ALPHA / 2)
    won = rate_of(sum(one.same_text and not one.repeats for one in trials), number, alpha=ALPHA / 2)
    ends = (lost.estimate - won.estimate, lost.lower - won.upper, lost.upper - won.lower)
    return Interval(*(100 * end for end in ends))


def _span(fall: Interval) -> str:
    return f"{fall.lower:.0f} to {fall.upper:.0f}"


def _finding(status: RulingStatus, reason: str, more_pairs: int = 0) -> Finding:
    return Finding("behaviour", status, reason, more_pairs, FALL_PCT)
