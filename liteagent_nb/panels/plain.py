"""A run as plain text that is the same each time, for comparing and for terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.panels.cards import as_text, shown_arguments
from liteagent_nb.panels.render import clipped, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.steps import Run
    from liteagent_nb.core.tools import ToolInvocation

__all__ = ["invocation_lines", "run_text"]

_MAX_TEXT_CHARS = 20_000


def run_text(run: Run) -> str:
    """Return a run as plain text without anything that varies: calls with code and output, the answer, the reason."""
    lines = [line for invocation in run.tool_invocations for line in invocation_lines(invocation)]
    if run.final_answer.strip():
        lines.append(visible(clipped(run.final_answer.strip(), _MAX_TEXT_CHARS)))
    if run.stopped_reason != "success":
        lines.append(f"[{run.stopped_reason}]")
    return "\n".join(lines)


def invocation_lines(invocation: ToolInvocation) -> Iterator[str]:
    """Yield a call as lines: its tool, its code or arguments, and what it brought back."""
    shown = shown_arguments(invocation.name, invocation.arguments, language=invocation.observation.language)
    code = shown.code or ("" if not shown.rest else shown.brief)
    yield visible(f"{'✓' if invocation.ok else '✗'} {invocation.name}")
    yield from _indented(code, "    ")
    outcome = invocation.observation.text or ("" if invocation.result is None else as_text(invocation.result))
    yield from _indented(outcome if invocation.ok else invocation.error or invocation.stderr or outcome, "    → ")


def _indented(text: str, prefix: str) -> Iterator[str]:
    hanging = " " * len(prefix)
    lines = visible(clipped(text.rstrip(), _MAX_TEXT_CHARS)).splitlines() if text.strip() else []
    for number, line in enumerate(lines):
        yield (prefix if number == 0 else hanging) + line
