"""What a run looks like while it goes on: events in, HTML and plain text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.steps import (
    ModelAsked,
    ReasoningDelta,
    StepDone,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from liteagent_nb.panels.cards import card_html, clock_html, running_card_html
from liteagent_nb.panels.plain import invocation_lines
from liteagent_nb.panels.render import escaped

if TYPE_CHECKING:
    from liteagent_nb.core.chat import ToolCall
    from liteagent_nb.core.steps import Event

__all__ = ["BoundedText", "LiveView"]

_HEAD_CHARS = 60_000
_TAIL_CHARS = 40_000
_THOUGHT_CHARS = 300
_MAX_CARDS = 40
_MAX_LINES = 400
_LIVE_OUTPUT_CHARS = 2_000


class BoundedText:
    """The head and tail of a text that grows; adding costs the same however long it is."""

    def __init__(self) -> None:
        self._head = ""
        self._tail = ""
        self._chars = 0

    def add(self, text: str) -> None:
        """Add a piece."""
        self._chars += len(text)
        room = _HEAD_CHARS - len(self._head)
        self._head += text[:room]
        self._tail += text[room:]
        if len(self._tail) > 2 * _TAIL_CHARS:
            self._tail = self._tail[-_TAIL_CHARS:]

    def __str__(self) -> str:
        tail = self._tail[-_TAIL_CHARS:]
        left_out = self._chars - len(self._head) - len(tail)
        note = f"\n\n… {left_out:,} characters are not drawn …\n\n" if left_out else ""
        return f"{self._head}{note}{tail}"


class LiveView:
    """Takes the events of a run and returns what to draw now."""

    def __init__(self) -> None:
        self._finished: list[str] = []
        self._lines: list[str] = []
        self._left_out = 0
        self._text = BoundedText()
        self._thought = ""
        self._running: dict[str, tuple[ToolCall, float]] = {}
        self._status = ""
        self._since_s = 0.0

    def say(self, status: str, *, now_s: float) -> None:
        """Show *status* beside a spinner that counts seconds; an empty one shows nothing."""
        if status != self._status:
            self._status, self._since_s = status, now_s

    def take(self, event: Event, *, now_s: float) -> None:
        """Take in one event."""
        match event:
            case ModelAsked():
                self._end_step()
                self.say("thinking", now_s=now_s)
            case TextDelta(text):
                self._text.add(text)
                self.say("", now_s=now_s)
            case ReasoningDelta(text):
                self._thought = (self._thought + text)[-_THOUGHT_CHARS:]
            case ToolStarted(_, call):
                self._end_text()
                self._running[call.id] = (call, now_s)
                self.say("", now_s=now_s)
            case ToolFinished(invocation):
                self._end_text()
                self._running.pop(invocation.tool_call_id, None)
                self._finish(card_html(invocation, max_output_chars=_LIVE_OUTPUT_CHARS))
                self._lines = [*self._lines, *invocation_lines(invocation)][-_MAX_LINES:]
            case StepDone():
                self._end_step()
            case _:
                self.say("", now_s=now_s)

    def html(self, *, now_s: float) -> str:
        """Return what to draw."""
        parts = [
            f'<div class="la-notice">… {self._left_out} earlier cards are not drawn …</div>' if self._left_out else "",
            *self._finished,
            _text_html(str(self._text)),
            *(running_card_html(call, for_s=now_s - since_s) for call, since_s in self._running.values()),
            self._status_html(now_s),
        ]
        return f'<div class="la-run la-live mathjax_ignore">{"".join(parts)}</div>'

    def text(self) -> str:
        """Return the finished calls as plain text, for front ends that draw no HTML."""
        return "\n".join(self._lines)

    def _finish(self, html: str) -> None:
        self._finished.append(html)
        if len(self._finished) > _MAX_CARDS:
            del self._finished[0]
            self._left_out += 1

    def _end_text(self) -> None:
        if html := _text_html(str(self._text)):
            self._finish(html)
        self._text = BoundedText()
        self._thought = ""

    def _end_step(self) -> None:
        self._end_text()
        self._running.clear()

    def _status_html(self, now_s: float) -> str:
        if not self._status:
            return ""
        thought = f'<span class="la-brief">{escaped(self._thought)}</span>' if self._thought.strip() else ""
        status = f'<span class="la-spin"></span>{escaped(self._status)}… {clock_html(now_s - self._since_s)}'
        return f'<div class="la-status">{status}{thought}</div>'


def _text_html(text: str) -> str:
    return f'<pre class="la-text">{escaped(text)}</pre>' if text.strip() else ""
