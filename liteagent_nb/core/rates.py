"""What counts say of a rate: the exact bounds of Clopper and Pearson.

Source: Clopper and Pearson, Biometrika 26 (1934): the bound is the rate at which so many, or so few, would be seen with
the probability *alpha*.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from liteagent_nb.core.ranks import Interval

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["rate_of"]

_HALVINGS = 50


def rate_of(count: int, number: int, *, alpha: float) -> Interval:
    """Return *count* of *number* as a rate from 0 to 1, with its one-sided bounds: each is missed with *alpha*."""
    lower = 0.0 if count == 0 else _turning(lambda rate: 1 - _at_most(count - 1, number, rate) > alpha)
    upper = 1.0 if count == number else _turning(lambda rate: _at_most(count, number, rate) <= alpha)
    return Interval(count / number, lower, upper)


def _turning(is_above: Callable[[float], bool]) -> float:
    """Return the rate from which on *is_above* holds."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if is_above(middle):
            high = middle
        else:
            low = middle
    return high


def _at_most(count: int, number: int, rate: float) -> float:
    """Return the probability that at most *count* of *number* are seen, where each is with the probability *rate*."""
    yes, no = math.log(rate), math.log1p(-rate)
    all_ways = math.lgamma(number + 1)
    ways = (all_ways - math.lgamma(seen + 1) - math.lgamma(number - seen + 1) for seen in range(count + 1))
    return math.fsum(math.exp(way + seen * yes + (number - seen) * no) for seen, way in enumerate(ways))
