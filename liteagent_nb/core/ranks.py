"""What the ranks of paired differences say: their Hodges-Lehmann estimate and its confidence bounds.

Source: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, sections 3.2 and 3.3. Nothing is assumed of
the differences but that they are independent and symmetric about their middle.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Interval", "hodges_lehmann"]

_MANY = 200
"""From so many differences on, the sum's distribution is as good as normal, and their means are too many to list."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its one-sided bounds: each is missed with a probability of at most *alpha*."""

    estimate: float
    lower: float
    upper: float


def hodges_lehmann(differences: Sequence[float], *, alpha: float) -> Interval:
    """Return the middle of all pairwise means, and its bounds by the distribution of the signed-rank sum.

    With too few differences for *alpha*, the bounds are infinite. Raises `ValueError` for none.
    """
    if not differences:
        raise ValueError("there are no differences")
    number = len(differences)
    means = _Means(differences)
    last = number * (number + 1) // 2 - 1
    middle = (means.at((last + 1) // 2) + means.at(last // 2)) / 2
    outside = _critical(number, alpha) if number < _MANY else _critical_of_many(number, alpha)
    if outside is None:
        return Interval(middle, float("-inf"), float("inf"))
    return Interval(middle, means.at(outside), means.at(last - outside))


class _Means:
    """The means of all pairs, every value with itself too (Walsh averages), in order."""

    def __init__(self, values: Sequence[float]) -> None:
        self._values = sorted(values)
        self._listed = self._all() if len(values) < _MANY else None

    def _all(self) -> list[float]:
        return sorted((a + b) / 2 for place, a in enumerate(self._values) for b in self._values[place:])

    def at(self, place: int) -> float:
        """Return the one at *place*, counted from zero; of many, to within a trillionth of their range."""
        if self._listed is not None:
            return self._listed[place]
        low, high = self._values[0], self._values[-1]
        enough = max((high - low) * 1e-12, math.ulp(max(abs(low), abs(high))))
        while high - low > enough:
            middle = (low + high) / 2
            if self._up_to(middle) > place:
                high = middle
            else:
                low = middle
        return high

    def _up_to(self, limit: float) -> int:
        """Return how many are at most *limit*: the larger one value, the fewer others go with it."""
        count, partner = 0, len(self._values) - 1
        for place, value in enumerate(self._values):
            while partner >= place and (value + self._values[partner]) / 2 > limit:
                partner -= 1
            if partner < place:
                break
            count += partner - place + 1
        return count


@functools.lru_cache(maxsize=512)
def _critical(number: int, alpha: float) -> int | None:
    """Return the largest w with P(W <= w) <= *alpha* for the signed-rank sum W; None where there is none.

    Then as many pairwise means lie below the lower bound: the bound is the mean after them, counted from zero.
    """
    room = alpha * 2**number
    total = 0
    for place, count in enumerate(_counts(number)):
        total += count
        if total > room:
            return place - 1 if place else None
    return None


def _critical_of_many(number: int, alpha: float) -> int:
    """Return the same by the normal distribution, with half a step of correction."""
    middle = number * (number + 1) / 4
    spread = math.sqrt(middle * (2 * number + 1) / 6)
    return math.floor(middle + NormalDist().inv_cdf(alpha) * spread - 0.5)


@functools.lru_cache(maxsize=512)
def _counts(number: int) -> tuple[int, ...]:
    """Return of how many of the 2**number choices of signs the signed-rank sum is 0, is 1, and so on."""
    counts = [1]
    for rank in range(1, number + 1):
        shifted = [0] * rank + counts
        counts += [0] * rank
        counts = [a + b for a, b in zip(counts, shifted, strict=True)]
    return tuple(counts)
