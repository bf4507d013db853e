"""Tally: what a service counts, as Prometheus text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.core.execution import ExecResult

__all__ = ["PROMETHEUS_TEXT", "Tally"]

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of the answer."""


class Tally:
    """Counts answers and executions."""

    def __init__(self) -> None:
        self._answers: Counter[int] = Counter()
        self._executions: Counter[str] = Counter()
        self._seconds = 0.0
        self._running = 0

    def answered(self, status: int) -> None:
        """Count an answer."""
        self._answers[status] += 1

    def begun(self) -> None:
        """Count an execution that begins."""
        self._running += 1

    def ended(self, result: ExecResult | None) -> None:
        """Count its end; *result* is None where there was none."""
        self._running -= 1
        self._executions[result.status if result else "none"] += 1
        self._seconds += result.t_ms / 1000 if result else 0.0

    def text(self, contexts: Mapping[str, int]) -> str:
        """Return all figures; *contexts* is how many there are of each state."""
        by_status = {f'{{status="{status}"}}': count for status, count in sorted(self._answers.items())}
        by_outcome = {f'{{status="{status}"}}': count for status, count in sorted(self._executions.items())}
        by_state = {f'{{state="{state}"}}': count for state, count in sorted(contexts.items())}
        lines = [
            *_family("liteagent_http_responses_total", "counter", "HTTP answers", by_status),
            *_family("liteagent_executions_total", "counter", "Executions that ended", by_outcome),
            *_family("liteagent_execution_seconds_total", "counter", "Time spent in them", {"": self._seconds}),
            *_family("liteagent_executions_running", "gauge", "Executions under way", {"": self._running}),
            *_family("liteagent_contexts", "gauge", "Open contexts", by_state),
        ]
        return "\n".join(lines) + "\n"


def _family(name: str, kind: str, about: str, samples: Mapping[str, float]) -> Sequence[str]:
    values = [f"{name}{labels} {value:.12g}" for labels, value in samples.items()]
    return [f"# HELP {name} {about}", f"# TYPE {name} {kind}", *values]
