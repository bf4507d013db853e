"""StreamMetrics: what a router's stream has cost in time, and which core has read it."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["StreamMetrics"]

_MS = 1000.0


class StreamMetrics:
    """The metrics of one call's stream, over all its attempts; they grow while it is read."""

    def __init__(self, core: str) -> None:
        self.core = core
        """Which core serves it: `extracted`, `verify`, or `legacy` where it was handed over."""
        self.handed_over_why = ""
        """Why litellm's own core serves it; empty where it does not."""
        self.attempts = 0
        """How many streams were opened for it."""
        self.pieces = 0
        """How many chunks were handed out."""
        self.fast_pieces = 0
        """How many of them took the fast way."""
        self.differences: tuple[str, ...] = ()
        """Where the two cores differ, as `verify` has found."""
        self._start_s = time.perf_counter()
        self._first_text_s: float | None = None
        self._first_other_s: float | None = None
        self._end_s: float | None = None

    @property
    def ttft_ms(self) -> float | None:
        """Milliseconds from the call to its first text; None while there is none."""
        return self._ms(self._first_text_s)

    @property
    def first_other_ms(self) -> float | None:
        """Milliseconds from the call to the first piece of a tool call or of reasoning; None while there is none."""
        return self._ms(self._first_other_s)

    @property
    def total_ms(self) -> float | None:
        """Milliseconds from the call to the end of the stream, whatever ended it; None while it goes on."""
        return self._ms(self._end_s)

    def attempt(self, core: str, why: str) -> None:
        """Note that a stream was opened."""
        self.core, self.handed_over_why = core, why
        self.attempts += 1
        self._end_s = None

    def note(self, chunk: Any) -> None:
        """Note that *chunk* is handed out."""
        self.pieces += 1
        if self._first_text_s is None:
            self._look(chunk)

    def end(self) -> None:
        """Note that the stream is over."""
        self._end_s = time.perf_counter()

    def differ(self, what: str) -> None:
        """Note a difference between the cores."""
        self.differences += (what,)

    def _look(self, chunk: Any) -> None:
        """See whether *chunk* is the first of its kind."""
        delta: Any = next((choice.delta for choice in getattr(chunk, "choices", None) or ()), None)
        if delta is None:
            return
        if delta.content:
            self._first_text_s = time.perf_counter()
        elif self._first_other_s is None and (delta.tool_calls or getattr(delta, "reasoning_content", None)):
            self._first_other_s = time.perf_counter()

    def _ms(self, moment_s: float | None) -> float | None:
        return None if moment_s is None else (moment_s - self._start_s) * _MS

    def __repr__(self) -> str:
        names = ("core", "handed_over_why", "attempts", "pieces", "fast_pieces", "ttft_ms", "total_ms", "differences")
        return f"StreamMetrics({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
