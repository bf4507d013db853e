"""Measurement and Trial: how one streamed answer went, and one prompt put to both arms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["ROLES", "TIMED", "Figure", "Measurement", "Role", "Trial"]

Role: TypeAlias = Literal["baseline", "candidate", "control"]
"""Whose turn it is in a block; the control is the baseline a second time."""
ROLES: tuple[Role, ...] = ("baseline", "candidate", "control")

Figure: TypeAlias = Literal["ttft_ms", "total_ms", "cpu_ms", "before_ms", "after_ms"]
"""A figure of a measurement that arms are judged by."""
TIMED: tuple[Figure, ...] = ("ttft_ms", "total_ms", "cpu_ms", "before_ms", "after_ms")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One streamed answer. Times are in milliseconds from the question on, None where there was no such moment."""

    ttft_ms: float | None = None
    """When the first text came; thoughts, calls and empty pieces are none."""
    total_ms: float | None = None
    chunks: int = 0
    """In how many pieces it came; a piece is not a token."""
    chars: int = 0
    text_sha256: str = ""
    """Of the text, calls with it where there were some."""
    error: str = ""
    """What went wrong, an answer without anything in it too; empty where all went well."""
    finish_reason: str = ""
    first_reasoning_ms: float | None = None
    first_call_ms: float | None = None
    cpu_ms: float | None = None
    """CPU time of this process; None where the answer came from another."""
    before_ms: float | None = None
    """The arm's own share of the time to the first piece: without what the server took."""
    after_ms: float | None = None
    """From the server's last byte to the end of the stream."""
    text: str = field(default="", repr=False, compare=False)
    """What was said; not kept in a journal."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One prompt, both arms, and the baseline again, measured in one block."""

    round: int
    prompt_id: str
    order: tuple[Role, ...]
    """Who came first, drawn anew for each block."""
    baseline: Measurement
    candidate: Measurement
    control: Measurement | None
    """None in rows that others wrote without one."""
    ts: str = ""
    """When, in UTC, as ISO 8601."""
    difference: str = ""
    """Where the texts of both arms part, for people; empty where they are the same."""

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """All of this block."""
        return tuple(one for one in (self.baseline, self.candidate, self.control) if one is not None)

    @property
    def has_errors(self) -> bool:
        """Whether any of its measurements failed."""
        return any(one.error for one in self.measurements)

    @property
    def same_text(self) -> bool:
        """Whether both arms answered, and said the same."""
        return _is_same(self.baseline, self.candidate)

    @property
    def repeats(self) -> bool:
        """Whether the baseline said the same twice."""
        return self.control is not None and _is_same(self.baseline, self.control)

    @property
    def ttft_delta_pct(self) -> float | None:
        """How much later the candidate's first text came, in percent."""
        return _delta_pct(self.baseline.ttft_ms, self.candidate.ttft_ms)

    @property
    def total_delta_pct(self) -> float | None:
        """How much longer the candidate took, in percent."""
        return _delta_pct(self.baseline.total_ms, self.candidate.total_ms)


def _is_same(one: Measurement, other: Measurement) -> bool:
    return not (one.error or other.error) and one.text_sha256 == other.text_sha256


def _delta_pct(baseline: float | None, candidate: float | None) -> float | None:
    if candidate is None or not baseline or baseline < 0:
        return None
    delta = (candidate / baseline - 1) * 100
    return delta if math.isfinite(delta) else None
