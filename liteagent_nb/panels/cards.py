"""Tool calls as collapsible cards: one line closed; arguments, output and error open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.panels.highlight import highlighted
from liteagent_nb.panels.pictures import outputs_html
from liteagent_nb.panels.render import clipped, escaped, varying, visible

if TYPE_CHECKING:
    from liteagent_nb.core.chat import ToolCall
    from liteagent_nb.core.tools import ToolInvocation

__all__ = [
    "Shown",
    "as_text",
    "asking_card_html",
    "card_html",
    "clock_html",
    "more_html",
    "running_card_html",
    "shown_arguments",
]

_MAX_BRIEF_CHARS = 140
_MAX_RESULT_CHARS = 60
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
        """The first line of the code, or all values on one line."""
        if self.code:
            return _first_line(self.code, _MAX_BRIEF_CHARS)
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
    """Return a finished call as a card; one that failed, or that has something to look at, is open."""
    shown = shown_arguments(invocation.name, invocation.arguments, language=invocation.observation.language)
    state, sign = ("ok", "✓") if invocation.ok else ("failed", "✗")
    opened = "" if invocation.ok and not invocation.observation.outputs else " open"
    brief = f"{_brief_html(shown)}{_outcome_html(invocation)}"
    time = f'<span class="la-time">{varying(duration(invocation.t_ms))}</span>'
    body = f"{_arguments_html(shown, max_output_chars)}{_output_html(invocation, max_output_chars)}"
    return (
        f'<details class="la-card la-{state}"{opened}>'
        f"<summary>{_sign(sign, state)}{_name(invocation.name)}{brief}{time}</summary>"
        f'<div class="la-body">{body}</div></details>'
    )


def running_card_html(call: ToolCall, *, for_s: float = 0.0) -> str:
    """Return a call that began so many seconds ago."""
    shown = shown_arguments(call.name, _read(call.arguments))
    clock = f'<span class="la-time">running {clock_html(for_s)}</span>'
    line = f'<span class="la-spin"></span>{_name(call.name)}{_brief_html(shown)}{clock}'
    body = f'<div class="la-body">{_arguments_html(shown, MAX_OUTPUT_CHARS)}</div>'
    return f'<details class="la-card la-running"><summary>{line}</summary>{body}</details>'


def asking_card_html(call: ToolCall) -> str:
    """Return a call that waits for a yes: open, with its arguments in full, since what is hidden cannot be judged."""
    shown = shown_arguments(call.name, _read(call.arguments))
    line = f'<span class="la-sign" title="asks">?</span>{_name(call.name)}<span class="la-time">may it run?</span>'
    body = _arguments_html(shown, len(call.arguments)) or '<div class="la-none">no arguments</div>'
    return (
        f'<details class="la-card la-asking" open><summary>{line}</summary><div class="la-body">{body}</div></details>'
    )


def clock_html(for_s: float) -> str:
    """Return a clock that shows so many seconds and goes on.

    The stylesheet counts; a negative delay lets a clock that is drawn anew go on where it was.
    """
    return f'<span class="la-clock" style="animation-delay:-{max(0.0, for_s):.1f}s"></span>'


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
    brief = highlighted(visible(shown.brief), shown.language) if shown.code else escaped(shown.brief)
    return f'<span class="la-brief">{brief}</span>{more_html(shown.code)}'


def more_html(text: str) -> str:
    """Return how many lines are not on the card's one line."""
    more = len(_lines(text)) - 1
    return f'<span class="la-more">+{more} line{"" if more == 1 else "s"}</span>' if more > 0 else ""


def _outcome_html(invocation: ToolInvocation) -> str:
    if not invocation.ok:
        return '<span class="la-outcome">failed</span>'
    text = invocation.observation.text[:MAX_OUTPUT_CHARS]
    line = _first_line(text, _MAX_RESULT_CHARS)
    return f'<span class="la-outcome">→ {escaped(line)}</span>{more_html(text)}' if line else ""


def _arguments_html(shown: Shown, max_chars: int) -> str:
    code = clipped(shown.code, max_chars)
    drawn = f'<pre class="la-code">{highlighted(visible(code), shown.language)}</pre>' if code else ""
    if isinstance(shown.rest, str):
        return drawn + (_block("arguments", clipped(shown.rest, max_chars)) if shown.rest else "")
    if not shown.rest:
        return drawn
    values = "\n".join(f"{name}: {as_text(value)}" for name, value in shown.rest.items())
    return drawn + _block("arguments", clipped(values, max_chars))


def _output_html(invocation: ToolInvocation, max_chars: int) -> str:
    result = None if invocation.observation.outputs else invocation.result
    parts = [
        _block("out", clipped(invocation.stdout, max_chars)),
        _block("out", clipped(as_text(result), max_chars)) if result is not None and not _is_said(invocation) else "",
        outputs_html(invocation.observation.outputs),
        _block("err", clipped(invocation.stderr, max_chars)),
        _block("err", "" if _is_last_line(invocation) else clipped(invocation.error or "", max_chars)),
    ]
    return "".join(parts) or '<div class="la-none">no output</div>'


def _is_said(invocation: ToolInvocation) -> bool:
    """Whether the result only repeats what was printed."""
    return bool(invocation.stdout) and invocation.observation.text.strip() == invocation.stdout.strip()


def _is_last_line(invocation: ToolInvocation) -> bool:
    """Whether the error only repeats the end of the traceback."""
    return bool(invocation.error) and invocation.stderr.rstrip().endswith(str(invocation.error).strip())


def _block(kind: str, text: str) -> str:
    return f'<pre class="la-{kind}">{escaped(text.rstrip())}</pre>' if text.strip() else ""


def _read(arguments: str) -> Mapping[str, object] | str:
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments


def _short(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else " ".join(as_text(value).split())
    return _one_line(text.replace("{ ", "{").replace(" }", "}"), _MAX_RESULT_CHARS)


def _first_line(text: str, max_chars: int) -> str:
    return _one_line(next(iter(_lines(text)), ""), max_chars)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _one_line(text: str, max_chars: int) -> str:
    line = " ".join(text[: max_chars * 4].split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"
