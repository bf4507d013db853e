"""The judge of parity: whether a candidate is slower than its baseline by more than a margin, and how sure that is.

Each pair compares both arms side by side. The question is one-sided (a faster candidate is fine), asked at growing
numbers of pairs, so that what is clear is said early; a control of the baseline against itself, measured in the same
blocks, says whether the instrument is good enough to answer it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from liteagent_nb.core.ranks import Interval, hodges_lehmann

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["ALPHA", "FIRST_LOOK", "Pair", "Ruling", "RulingStatus", "looks", "rule"]

ALPHA = 0.018
"""The error that each look is allowed; five looks together come to about 0.05, since they share their pairs."""
FIRST_LOOK = 10
"""At how many pairs the first look is; each further one is at twice as many, and one at the end."""

_POWER = 1.6
"""How much narrower than the room an interval must be for four of five measurements to end inside it."""

RulingStatus: TypeAlias = Literal["accepted", "rejected", "undecided", "invalid"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both arms, and of the baseline again, measured in one block; above zero, in any unit."""

    baseline: float
    candidate: float
    control: float
    """The baseline a second time."""

    def __post_init__(self) -> None:
        if not all(0 < value < math.inf for value in (self.baseline, self.candidate, self.control)):
            raise ValueError(f"a figure must be above zero and finite: {self}")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the pairs say of one figure. The intervals are in percent: 3.0 is three percent slower."""

    status: RulingStatus
    reason: str
    """Why, in one line."""
    pairs: int
    """How many pairs it took."""
    change_pct: Interval
    """Candidate against baseline."""
    control_pct: Interval
    """The baseline against itself."""
    more_pairs: int = 0
    """About how many more pairs an answer would take, where there is none; 0 where nobody can say."""


def rule(pairs: Sequence[Pair], *, margin_pct: float, at: Iterable[int] = ()) -> Ruling:
    """Say whether the candidate is at most *margin_pct* percent slower: the first look that can answer does.

    The same pairs get the same ruling, whoever looked at them before. *at* has the numbers of pairs to look at where
    those of `looks` are not meant. Raises `ValueError` for no pairs, and for a margin that is not above zero.
    """
    if not pairs or margin_pct <= 0:
        raise ValueError("it takes pairs, and a margin above zero")
    margin = math.log1p(margin_pct / 100)
    for number in at or looks(len(pairs)):
        seen = _Look.at(pairs[:number], margin)
        if (status := seen.answer) is not None:
            return seen.ruling(status, margin_pct)
    return seen.ruling("undecided" if seen.is_sound else "invalid", margin_pct)


def looks(pairs: int) -> Iterator[int]:
    """Yield at how many pairs is looked: 10, 20, 40 and so on, and all of them at the end."""
    number = FIRST_LOOK
    while number < pairs:
        yield number
        number *= 2
    yield pairs


@dataclass(frozen=True, slots=True)
class _Look:
    """The log ratios at one look."""

    pairs: int
    change: Interval
    control: Interval
    margin: float

    @classmethod
    def at(cls, pairs: Sequence[Pair], margin: float) -> _Look:
        change = [math.log(pair.candidate / pair.baseline) for pair in pairs]
        control = [math.log(pair.control / pair.baseline) for pair in pairs]
        return cls(len(pairs), hodges_lehmann(change, alpha=ALPHA), hodges_lehmann(control, alpha=ALPHA), margin)

    @property
    def is_sound(self) -> bool:
        """Whether the baseline is equal to itself by this instrument."""
        return -self.margin < self.control.lower and self.control.upper < self.margin

    @property
    def answer(self) -> RulingStatus | None:
        # A difference may be so large that all by which the control is off would not change the answer. To reject, a
        # control that may well be even is enough: noise is in the bound already.
        off = max(self.control.upper, -self.control.lower)
        if self.change.upper + (0.0 if self.is_sound else off) < self.margin:
            return "accepted"
        is_straight = self.control.lower <= 0 <= self.control.upper
        return "rejected" if self.change.lower - (0.0 if is_straight else off) > self.margin else None

    def ruling(self, status: RulingStatus, margin_pct: float) -> Ruling:
        change, control = _in_percent(self.change), _in_percent(self.control)
        told = {
            "accepted": f"at most {change.upper:+.1f} %, within the margin of {margin_pct:g} %",
            "rejected": f"at least {change.lower:+.1f} %, beyond the margin of {margin_pct:g} %",
            "undecided": f"{change.lower:+.1f} to {change.upper:+.1f} %, around the margin of {margin_pct:g} %",
            "invalid": f"the baseline differs from itself by {control.lower:+.1f} to {control.upper:+.1f} %: too noisy "
            f"for a margin of {margin_pct:g} %",
        }
        more = self._more_pairs() if status in {"undecided", "invalid"} else 0
        return Ruling(status, told[status], self.pairs, change, control, more)

    def _more_pairs(self) -> int:
        """Return how many more would be likely to answer: intervals narrow with the root of the number."""
        rooms = [(self.control, self.margin - abs(_likely(self.control)))]
        rooms.append((self.change, abs(self.margin - _likely(self.change))))
        wanted = [_pairs_until(self.pairs, interval, room) for interval, room in rooms]
        return 0 if None in wanted else max(0, *(number - self.pairs for number in wanted if number is not None))


def _likely(interval: Interval) -> float:
    """Return what to plan for: no difference where that is possible, else the estimate."""
    return 0.0 if interval.lower <= 0 <= interval.upper else interval.estimate


def _pairs_until(pairs: int, interval: Interval, room: float) -> int | None:
    """Return at how many pairs the interval is likely to be within *room*; None where that cannot be said."""
    width = (interval.upper - interval.lower) / 2
    if room <= 0 or not math.isfinite(width):
        return None
    return math.ceil(pairs * (_POWER * width / room) ** 2)


def _in_percent(ratios: Interval) -> Interval:
    return Interval(*(_percent(value) for value in (ratios.estimate, ratios.lower, ratios.upper)))


def _percent(log_ratio: float) -> float:
    """Return a log ratio as a change in percent; where there is no bound, there is none."""
    return math.expm1(min(log_ratio, 700.0)) * 100 if math.isfinite(log_ratio) else log_ratio
