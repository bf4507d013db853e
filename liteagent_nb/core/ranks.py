"""What the ranks of paired differences say: their Hodges-Lehmann estimate and its confidence bounds.

Source: Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, sections 3.2 and 3.3. Nothing is assumed of
the differences but that they are independent and symmetric about their middle.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Interval", "hodges_lehmann"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its one-sided bounds: each is missed with a probability of at most *alpha*."""

    estimate: float
    lower: float
    upper: float


def hodges_lehmann(differences: Sequence[float], *, alpha: float) -> Interval:
    """Return the middle of all pairwise means, and its bounds by the exact distribution of the signed-rank sum.

    With too few differences for *alpha*, the bounds are infinite. Raises `ValueError` for none.
    """
    if not differences:
        raise ValueError("there are no differences")
    means = sorted(_pairwise_means(differences))
    outside = _critical(len(differences), alpha)
    if outside is None:
        return Interval(_middle(means), float("-inf"), float("inf"))
    return Interval(_middle(means), means[outside], means[-1 - outside])


def _pairwise_means(values: Sequence[float]) -> list[float]:
    """Return the mean of each pair, every value with itself too (Walsh averages)."""
    return [(a + b) / 2 for place, a in enumerate(values) for b in values[place:]]


def _middle(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


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


@functools.lru_cache(maxsize=512)
def _counts(number: int) -> tuple[int, ...]:
    """Return of how many of the 2**number choices of signs the signed-rank sum is 0, is 1, and so on."""
    counts = [1]
    for rank in range(1, number + 1):
        shifted = [0] * rank + counts
        counts += [0] * rank
        counts = [a + b for a, b in zip(counts, shifted, strict=True)]
    return tuple(counts)
