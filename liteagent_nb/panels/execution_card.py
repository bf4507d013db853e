"""Execution: one piece of code that a panel runs, and how it is drawn: while it goes on, and in the notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.panels.cards import clock_html, duration, more_html
from liteagent_nb.panels.exec_blocks import OutputBlocks
from liteagent_nb.panels.highlight import highlighted
from liteagent_nb.panels.render import clipped, escaped, visible

__all__ = ["Execution", "code_html", "execution_html", "execution_text", "summary_html"]

Stage: TypeAlias = Literal["waiting", "running", "ended"]

_BRIEF_CHARS = 140
_MOST_CHARS = 40_000
_WORDS = {"error": "failed", "timeout": "out of time", "interrupted": "interrupted", "died": "its kernel died"}


@dataclass(slots=True)
class Execution:
    """Some code, where it runs, and what came of it so far."""

    number: int
    code: str
    language: str
    context: str
    """Empty: a fresh one."""
    stage: Stage = "waiting"
    since_s: float = 0.0
    """When it began, on the event loop's clock."""
    result: ExecResult | None = None
    fault: str = ""
    """Why it could not be run at all."""
    blocks: OutputBlocks = field(default_factory=OutputBlocks)

    @property
    def is_well(self) -> bool:
        """Whether it ended as it should."""
        return self.result is not None and self.result.ok

    @property
    def look(self) -> str:
        """The class that it is drawn in."""
        return ("ok" if self.is_well else "failed") if self.stage == "ended" else "running"

    @property
    def outcome(self) -> str:
        """How it ended, where that was not well."""
        if self.stage != "ended" or self.is_well:
            return ""
        return _WORDS.get(self.result.status, "failed") if self.result is not None else "did not run"


def summary_html(one: Execution, *, now_s: float) -> str:
    """Return the one line that is seen when it is closed."""
    where = f'<span class="la-where">{escaped(one.context or one.language)}</span>'
    lines = [line for line in one.code.splitlines() if line.strip()] or [""]
    brief = clipped(visible(lines[0]), _BRIEF_CHARS)
    more = more_html(one.code)
    outcome = f'<span class="la-outcome">{one.outcome}</span>' if one.outcome else ""
    code = f'<span class="la-brief">{highlighted(brief, one.language)}</span>{more}'
    return f"{_sign(one)}{where}{code}{outcome}{_time(one, now_s)}"


def code_html(one: Execution) -> str:
    """Return its code, coloured; nothing where the summary has all of it."""
    code = one.code.strip()
    if "\n" not in code and len(code) <= _BRIEF_CHARS:
        return ""
    return highlighted(visible(clipped(one.code.strip("\n"), _MOST_CHARS)), one.language)


def execution_html(one: Execution) -> str:
    """Return it as a card that needs neither kernel nor scripts."""
    code = code_html(one)
    shown = f'<pre class="la-code">{code}</pre>' if code else ""
    body = f'{shown}<div class="la-outs">{one.blocks.html}</div>'
    return (
        f'<details class="la-card la-{one.look}" open><summary>{summary_html(one, now_s=0)}</summary>'
        f'<div class="la-body">{body}</div></details>'
    )


def execution_text(one: Execution) -> str:
    """Return it as plain text that is the same each time."""
    code = "\n".join(f"{'> ' if number == 0 else '  '}{line}" for number, line in enumerate(one.code.splitlines()))
    said = one.fault or (_printed(one.result) if one.result is not None else "")
    return visible(clipped(f"{code}\n{said}".rstrip(), _MOST_CHARS))


def _printed(result: ExecResult) -> str:
    parts = (result.stdout, result.stderr, result.result or "", "" if result.ok else result.error or "")
    return "\n".join(part.rstrip() for part in parts if part.strip())


def _sign(one: Execution) -> str:
    if one.stage == "running":
        return '<span class="la-spin"></span>'
    sign = "…" if one.stage == "waiting" else "✓" if one.is_well else "✗"
    return f'<span class="la-sign" title="{one.outcome or one.stage}">{sign}</span>'


def _time(one: Execution, now_s: float) -> str:
    if one.stage == "running":
        return f'<span class="la-time">{clock_html(now_s - one.since_s)}</span>'
    if one.result is None:
        return '<span class="la-time">waits</span>' if one.stage == "waiting" else ""
    return f'<span class="la-time"><span class="la-vary">{duration(one.result.t_ms)}</span></span>'
