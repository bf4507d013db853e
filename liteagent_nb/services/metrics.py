"""Tally: what a service counts, as Prometheus text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PROMETHEUS_TEXT", "Tally", "family"]

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of the answer."""


class Tally:
    """Counts answers, and the *work* that is done for them: `execution`, `run`, `call`."""

    def __init__(self, work: str = "call") -> None:
        self._work = work
        self._answers: Counter[int] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._seconds = 0.0
        self._running = 0

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._answers[status] += 1

    def begun(self) -> None:
        """Count work that begins."""
        self._running += 1

    def ended(self, outcome: str, seconds: float = 0.0) -> None:
        """Count its end, and the time spent in it."""
        self._running -= 1
        self._outcomes[outcome] += 1
        self._seconds += seconds

    def text(self, *more: Sequence[str]) -> str:
        """Return all figures, and *more* families of them behind."""
        work, works = self._work, f"{self._work}s"
        by_status = {f'{{status="{status}"}}': count for status, count in sorted(self._answers.items())}
        by_outcome = {f'{{status="{outcome}"}}': count for outcome, count in sorted(self._outcomes.items())}
        families = [
            family("liteagent_http_responses_total", "counter", "HTTP answers", by_status),
            family(f"liteagent_{works}_total", "counter", f"{works.capitalize()} that ended", by_outcome),
            family(f"liteagent_{work}_seconds_total", "counter", "Time spent in them", {"": self._seconds}),
            family(f"liteagent_{works}_running", "gauge", f"{works.capitalize()} under way", {"": self._running}),
            *more,
        ]
        return "\n".join(line for lines in families for line in lines) + "\n"


def family(name: str, kind: str, about: str, samples: Mapping[str, float]) -> Sequence[str]:
    """Return the lines of one figure; *samples* are its values by label."""
    values = [f"{name}{labels} {value:.12g}" for labels, value in samples.items()]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *values]
