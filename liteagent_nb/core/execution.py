"""ExecResult: what a piece of code brought back."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ExecResult"]


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a piece of code brought back.

    `rc` is the exit code; -1 the time limit, -2 a missing program. Output beyond the cap is cut from the middle,
    and `truncated` says so.
    """

    ok: bool
    rc: int
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    t_ms: float = 0.0
    truncated: bool = False
