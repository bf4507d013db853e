"""What a verdict says of each figure, in the words and numbers that its table and its plots share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.core.parity import Pair, Ruling
from liteagent_nb.core.timing import NAMES, pairs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.ranks import Interval
    from liteagent_nb.core.verdict import Verdict

__all__ = ["Judged", "between", "judged", "milliseconds", "percent"]

_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure, what was found of it, and what that was found from."""

    name: str
    ruling: Ruling
    margin_pct: float
    pairs: tuple[Pair, ...]


def judged(verdict: Verdict) -> Iterator[Judged]:
    """Yield the figures that were judged."""
    for finding in verdict.findings:
        for figure, ruling in finding.rulings.items():
            yield Judged(NAMES[figure], ruling, finding.margin_pct, tuple(pairs_of(verdict.trials, figure)))


def percent(value: float) -> str:
    """Return a change in percent as people read it: with a real minus sign, `+1.8 %` or `+12 %`."""
    digits = 0 if abs(value) >= 10 else 1  # noqa: PLR2004 (two digits say enough)
    return f"{round(value, digits) + 0.0:+.{digits}f} %".replace("-", _MINUS)


def between(interval: Interval) -> str:
    """Return an interval of percents as people read it: `+0.4 to +1.8 %`."""
    if math.isinf(interval.lower) or math.isinf(interval.upper):
        return "too few to say"
    return f"{percent(interval.lower).removesuffix(' %')} to {percent(interval.upper)}"


def milliseconds(value: float) -> str:
    """Return a time with three digits: `0.123 ms`, `12.3 ms`, `1,230 ms`."""
    digits = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{round(value, digits):,.{min(max(digits, 0), 3)}f} ms"
