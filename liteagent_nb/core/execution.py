"""ExecResult: what a piece of code brought back; Output: what it showed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["ExecResult", "ExecStatus", "Output", "OutputWatcher"]

ExecStatus: TypeAlias = Literal["ok", "error", "timeout", "interrupted", "died"]

Output: TypeAlias = Mapping[str, object]
"""One output as nbformat 4 writes it: `output_type` is `stream`, `display_data`, `execute_result` or `error`.

Watchers are told these while they come, and two more that a result has already taken in: `update_display_data` (with
`transient.display_id`) and `clear_output` (with `wait`). What a watcher is told of a display has its `transient`, too.
"""

OutputWatcher: TypeAlias = Callable[[Output], None]
"""Is told outputs while they come, on the executor's event loop; must not block."""


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a piece of code brought back.

    `rc` is the exit code: 0, 1 where the code raised, -1 the time limit, -2 a missing program, 128 + n where signal n
    ended it. Output beyond the cap is cut from the middle, and `truncated` says so.
    """

    ok: bool
    rc: int
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    """One line on what went wrong: `ZeroDivisionError: division by zero`, `timeout after 10s`."""
    t_ms: float = 0.0
    truncated: bool = False
    status: ExecStatus = "ok"
    result: str | None = None
    """The text of the last expression's value."""
    outputs: tuple[Output, ...] = ()
    """Everything it showed, in order: text, images, HTML, the error."""
    exception: Mapping[str, object] | None = None
    """What the code raised: `ename`, `evalue` and `traceback`, a list of lines with colour codes."""
    execution_count: int | None = None
    context: str = ""
    """The context it ran in; empty where it was a fresh one."""
    state_lost: bool = False
    """Whether the variables of its context are gone: its kernel died or had to be killed, and was replaced."""
