"""A clock that goes by what was recorded, so that a replayed run has the recorded run's times, to the digit."""

from __future__ import annotations

__all__ = ["TapeClock"]


class TapeClock:
    """Stands still until something tells how long it took; a run reads it as its clock. In seconds."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self._now_s

    def reach(self, moment_s: float) -> None:
        """Go on to *moment_s*; what happened side by side takes as long as the longest of it."""
        self._now_s = max(self._now_s, moment_s)
