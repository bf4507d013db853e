"""Whether both arms say the same: all of it on recorded bytes, of models as often as the baseline itself does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from liteagent_nb.core.parity import ALPHA, looks
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
        counts = _Counts.of(trials[:number])
        if counts.status in _ANSWERS:
            break
    return Finding("behaviour", counts.status, counts.reason, counts.more_pairs, FALL_PCT)


_ANSWERS = frozenset({"accepted", "rejected"})
_TOO_MANY = 100_000


@dataclass(frozen=True)
class _Counts:
    """How often which texts were the same."""

    number: int
    same: int
    """The candidate's and the baseline's."""
    own: int
    """The baseline's own two."""
    lost: int
    """Only the baseline's own."""
    won: int
    """Only the candidate's."""

    @classmethod
    def of(cls, trials: Sequence[Trial]) -> _Counts:
        found = [(one.same_text, one.repeats) for one in trials]
        same, own = sum(same for same, _ in found), sum(own for _, own in found)
        return cls(len(found), same, own, found.count((False, True)), found.count((True, False)))

    @cached_property
    def fall(self) -> Interval:
        """By how many points the rate falls; each half of the error is spent on one of the two counts."""
        lost = rate_of(self.lost, self.number, alpha=ALPHA / 2)
        won = rate_of(self.won, self.number, alpha=ALPHA / 2)
        ends = (lost.estimate - won.estimate, lost.lower - won.upper, lost.upper - won.lower)
        return Interval(*(100 * end for end in ends))

    @cached_property
    def status(self) -> RulingStatus:
        own = rate_of(self.own, self.number, alpha=ALPHA)
        if own.upper * 100 <= FALL_PCT:
            return "invalid"
        if self.fall.upper < FALL_PCT and own.lower * 100 > FALL_PCT:
            return "accepted"
        return "rejected" if self.fall.lower > FALL_PCT else "undecided"

    @property
    def reason(self) -> str:
        told = f"the same text in {self.same} of {self.number}, the baseline's own rate is {self.own} of {self.number}"
        points = {
            "accepted": f"at most {max(self.fall.upper, 0):.0f} points fewer",
            "rejected": f"at least {self.fall.lower:.0f} points fewer",
            "undecided": f"{self.fall.lower:.0f} to {self.fall.upper:.0f} points fewer",
            "invalid": "too low to tell anything",
        }
        return f"{told}: {points[self.status]}"

    @property
    def more_pairs(self) -> int:
        """About how many more would answer, if they were like these; 0 where there is an answer, or never one."""
        if self.status != "undecided":
            return 0
        wanted = self
        while wanted.status == "undecided" and wanted.number < _TOO_MANY:
            wanted = self._scaled(wanted.number + max(wanted.number // 10, 1))
        return wanted.number - self.number if wanted.status in _ANSWERS else 0

    def _scaled(self, number: int) -> _Counts:
        counts = (self.same, self.own, self.lost, self.won)
        return _Counts(number, *(round(count * number / self.number) for count in counts))
