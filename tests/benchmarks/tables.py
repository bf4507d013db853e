"""Figures for people: medians and how sure they are, tables, and goals with what was measured beside them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass


def median(values: list[float]) -> float:
    return statistics.median(values) if values else float("nan")


def bounds(values: list[float]) -> tuple[float, float]:
    """Return where the true median is with about 95 %, by rank; the extremes where there are few values."""
    if not values:
        return (float("nan"), float("nan"))
    ranked, count = sorted(values), len(values)
    rank = max(0, int(count / 2 - 0.98 * math.sqrt(count)))
    return ranked[rank], ranked[count - 1 - rank]


def shown(value: float | str | None, digits: int = 2) -> str:
    """Return a figure as a cell; a dash where there is none."""
    if isinstance(value, str):
        return value
    return "-" if value is None or value != value else f"{value:.{digits}f}"  # noqa: PLR0124 - that is how NaN shows


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, aligned for a terminal too."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) if n == 0 else cell.rjust(width) for n, (cell, width) in pairs) + " |"
        for row in [head, *rows]
        for pairs in [list(enumerate(zip(row, widths, strict=True)))]
    ]
    ruler = "|" + "|".join("-" * (width + 1) + ("-" if n == 0 else ":") for n, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], ruler, *lines[1:]])


@dataclass(frozen=True)
class Goal:
    """A bound and the figures that were measured for it."""

    name: str
    bound: float
    values: list[float]
    unit: str = ""
    is_least: bool = False
    """Whether more is better."""

    @property
    def row(self) -> list[str]:
        sign = "≥" if self.is_least else "≤"
        low, high = bounds(self.values)
        span = f"{shown(low)} to {shown(high)}"
        return [self.name, f"{sign} {self.bound:g} {self.unit}", shown(median(self.values)), span, self.verdict]

    @property
    def verdict(self) -> str:
        """Met or missed by the median; said to be unsure where the bound lies within what the median may be."""
        if not self.values:
            return "not measured"
        measured, (low, high) = median(self.values), bounds(self.values)
        is_met = measured >= self.bound if self.is_least else measured <= self.bound
        is_unsure = low < self.bound < high
        return ("met" if is_met else "MISSED") + (", unsure" if is_unsure else "")


def goals_table(goals: list[Goal]) -> str:
    return table(["goal", "bound", "median", "95 %", "verdict"], [goal.row for goal in goals])
