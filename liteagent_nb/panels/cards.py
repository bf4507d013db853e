"""Tool calls as collapsible cards: one line closed; arguments, output and error open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.panels.highlight import highlighted
from liteagent_nb.panels.render import clipped, escaped, varying, visible

if TYPE_CHECKING:
    from liteagent_nb.core.chat import ToolCall
    from liteagent_nb.core.tools import ToolInvocation

__all__ = ["Shown", "as_text", "card_html", "running_card_html", "shown_arguments"]

_MAX_BRIEF_CHARS = 140
_MAX_RESULT_CHARS = 60
_MAX_ARGUMENT_CHARS = 20_000
MAX_OUTPUT_CHARS = 20_000
"""What is drawn of one output, at the most."""
_SHELLS = {"exec_shell": "bash", "exec_python": "python"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A call's arguments as a reader sees them: code apart, the rest as plain values."""

    code: str = ""
    language: str = ""
    rest: Mapping[str, object] | str = ""

    @property
    def brief(self) -> str:
        """All of it on one line."""
        if self.code:
            lines = [line for line in self.code.splitlines() if line.strip()] or [""]
            more = f" … +{len(lines) - 1} line{'s' if len(lines) > 2 else ''}" if len(lines) > 1 else ""  # noqa: PLR2004 (grammar)
            return _one_line(lines[0], _MAX_BRIEF_CHARS) + more
        if isinstance(self.rest, str):
            return _one_line(self.rest, _MAX_BRIEF_CHARS)
        return _one_line(", ".join(f"{key}={_short(value)}" for key, value in self.rest.items()), _MAX_BRIEF_CHARS)


def shown_arguments(name: str, arguments: Mapping[str, object] | str, *, language: str = "") -> Shown:
    """Return *arguments* with their code, if there is any, taken apart."""
    if isinstance(arguments, str):
        return Shown(rest=arguments)
    key = next((key for key in ("code", "cmd", "command") if isinstance(arguments.get(key), str)), None)
    if key is None:
        return Shown(rest=arguments)
    named = language or str(arguments.get("language") or "") or _SHELLS.get(name, "" if key == "code" else "bash")
    rest = {other: value for other, value in arguments.items() if other not in {key, "language"}}
    return Shown(str(arguments[key]), named, rest)


def card_html(invocation: ToolInvocation, *, max_output_chars: int = MAX_OUTPUT_CHARS) -> str:
    """Return a finished call as a card; a failed one is open."""
    shown = shown_arguments(invocation.name, invocation.arguments, language=invocation.observation.language)
    state, sign, opened = ("ok", "✓", "") if invocation.ok else ("failed", "✗", " open")
    brief = f'<span class="la-brief">{_brief_html(shown)}</span>{_outcome_html(invocation)}'
    time = f'<span class="la-time">{varying(duration(invocation.t_ms))}</span>'
    return (
        f'<details class="la-card la-{state}"{opened}>'
        f"<summary>{_sign(sign, state)}{_name(invocation.name)}{brief}{time}</summary>"
        f'<div class="la-body">{_arguments_html(shown)}{_output_html(invocation, max_output_chars)}</div></details>'
    )


def running_card_html(call: ToolCall) -> str:
    """Return a call that has begun."""
    shown = shown_arguments(call.name, _read(call.arguments))
    brief = f'<span class="la-brief">{_brief_html(shown)}</span>'
    status = '<span class="la-time">running</span>'
    return (
        f'<details class="la-card la-running"><summary><span class="la-spin"></span>{_name(call.name)}{brief}{status}'
        f'</summary><div class="la-body">{_arguments_html(shown)}</div></details>'
    )


def as_text(value: object) -> str:
    """Return a tool's result as readable text: strings as they are, the rest as indented JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def duration(ms: float) -> str:
    """Return a time as people say it: `12 ms`, `1.3 s`, `2 min 5 s`."""
    if ms < 1000:  # noqa: PLR2004 (a second)
        return f"{ms:.0f} ms"
    if ms < 60_000:  # noqa: PLR2004 (a minute)
        return f"{ms / 1000:.1f} s"
    return f"{ms // 60_000:.0f} min {ms % 60_000 / 1000:.0f} s"


def _sign(sign: str, state: str) -> str:
    return f'<span class="la-sign" title="{state}">{sign}</span>'


def _name(name: str) -> str:
    return f'<code class="la-name">{escaped(_one_line(name, 80))}</code> '


def _brief_html(shown: Shown) -> str:
    return highlighted(visible(shown.brief), shown.language) if shown.code else escaped(shown.brief)


def _outcome_html(invocation: ToolInvocation) -> str:
    if not invocation.ok:
        return '<span class="la-outcome">failed</span>'
    line = _one_line(invocation.observation.text, _MAX_RESULT_CHARS)
    return f'<span class="la-outcome">→ {escaped(line)}</span>' if line else ""


def _arguments_html(shown: Shown) -> str:
    code = clipped(shown.code, _MAX_ARGUMENT_CHARS)
    drawn = f'<pre class="la-code">{highlighted(visible(code), shown.language)}</pre>' if code else ""
    if isinstance(shown.rest, str):
        return drawn + (_block("arguments", shown.rest) if shown.rest else "")
    if not shown.rest:
        return drawn
    pretty = visible(clipped(as_text(dict(shown.rest)), _MAX_ARGUMENT_CHARS))
    return f'{drawn}<pre class="la-code">{highlighted(pretty, "json")}</pre>'


def _output_html(invocation: ToolInvocation, max_chars: int) -> str:
    result = invocation.result
    parts = [
        _block("out", clipped(invocation.stdout, max_chars)),
        _block("out", clipped(as_text(result), max_chars)) if result is not None and not _is_said(invocation) else "",
        _block("err", clipped(invocation.stderr, max_chars)),
        _block("err", clipped(invocation.error or "", max_chars)),
    ]
    return "".join(parts) or '<div class="la-none">no output</div>'


def _is_said(invocation: ToolInvocation) -> bool:
    """Whether the result only repeats what was printed."""
    return bool(invocation.stdout) and invocation.observation.text.strip() == invocation.stdout.strip()


def _block(kind: str, text: str) -> str:
    return f'<pre class="la-{kind}">{escaped(text.rstrip())}</pre>' if text.strip() else ""


def _read(arguments: str) -> Mapping[str, object] | str:
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments


def _short(value: object) -> str:
    text = value if isinstance(value, str) else as_text(value)
    return _one_line(f'"{text}"' if isinstance(value, str) else text, _MAX_RESULT_CHARS)


def _one_line(text: str, max_chars: int) -> str:
    line = " ".join(text[: max_chars * 4].split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"
