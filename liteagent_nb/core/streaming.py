"""A reply as it comes: Delta, CallDelta, and the ReplyBuilder that puts them together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Reply, ToolCall, Usage
from liteagent_nb.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CallDelta", "Delta", "ReplyBuilder"]


@dataclass(frozen=True, slots=True)
class CallDelta:
    """A piece of one tool call. Providers may leave out the index, the id or both."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """One piece of a streamed reply; what it does not carry stays empty."""

    text: str = ""
    calls: tuple[CallDelta, ...] = ()
    reasoning: str = ""
    usage: Usage | None = None
    finish_reason: str = ""
    model: str = ""
    is_replayed: bool = False
    """Whether it comes from a recording: nobody was asked, nothing was paid."""
    is_cached: bool = False
    """Whether that recording is the cache."""

    @property
    def is_content(self) -> bool:
        """Whether a reader would see something of it."""
        return bool(self.text or self.calls or self.reasoning)

    @property
    def chars(self) -> int:
        """How many characters it brings: text, reasoning, and calls."""
        calls = sum(len(call.name) + len(call.arguments) for call in self.calls) if self.calls else 0
        return len(self.text) + len(self.reasoning) + calls


@dataclass(slots=True)
class _OpenCall:
    index: int | None
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ReplyBuilder:
    """Puts the pieces of one reply together; may be read at any moment, also after a break.

    Times are in seconds on whatever clock the caller reads.
    """

    def __init__(self, *, model: str, started_s: float) -> None:
        self._model = model
        self._started_s = started_s
        self._first_s: float | None = None
        self._last_s = started_s
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[_OpenCall] = []
        self._usage: Usage | None = None
        self._finish_reason = ""
        self._is_replayed = self._is_cached = False
        self.chars = 0
        """Characters received so far: text, reasoning and arguments."""

    def add(self, delta: Delta, *, now_s: float) -> None:
        """Take in one piece."""
        self._last_s = now_s
        if delta.is_content and self._first_s is None:
            self._first_s = now_s
        if delta.text:
            self._text.append(delta.text)
        if delta.reasoning:
            self._reasoning.append(delta.reasoning)
        self.chars += delta.chars
        for piece in delta.calls:
            self._add_call(piece)
        self._usage = delta.usage or self._usage
        self._finish_reason = delta.finish_reason or self._finish_reason
        self._model = delta.model or self._model
        self._is_replayed, self._is_cached = delta.is_replayed, delta.is_cached

    def _add_call(self, piece: CallDelta) -> None:
        call = self._find(piece)
        if call is None:
            call = _OpenCall(piece.index, piece.id)
            self._calls.append(call)
        call.id = call.id or piece.id
        # Some servers repeat the whole name with every piece, others split it.
        if piece.name and piece.name != call.name:
            call.name += piece.name
        if piece.arguments:
            call.arguments.append(piece.arguments)

    def _find(self, piece: CallDelta) -> _OpenCall | None:
        """Find the call that *piece* goes on: by id first, by index second, else the last one."""
        if piece.id:
            same = [call for call in self._calls if call.id == piece.id]
            anonymous = [call for call in self._calls if not call.id and call.index == piece.index is not None]
            return next(iter(same or anonymous), None)
        if piece.index is not None:
            return next((call for call in reversed(self._calls) if call.index == piece.index), None)
        starts_anew = bool(piece.name and self._calls and self._calls[-1].arguments)
        return self._calls[-1] if self._calls and not starts_anew else None

    @property
    def usage(self) -> Usage | None:
        """What the provider counted; None until it has told."""
        return self._usage

    @property
    def is_empty(self) -> bool:
        """Whether nothing a reader would see has come."""
        return self._first_s is None

    def reply(self, *, usage: Usage, finish_reason: str = "") -> Reply:
        """Return what has come so far; *usage* stands in where the provider sent none."""
        calls = tuple(_closed(self._calls))
        return Reply(
            text=clean("".join(self._text)),  # servers cut an emoji's two halves apart, and models write half ones
            tool_calls=calls,
            usage=self._usage or usage,
            model=self._model,
            finish_reason=finish_reason or self._finish_reason or ("tool_calls" if calls else "stop"),
            reasoning=clean("".join(self._reasoning)),
            ttft_ms=None if self._first_s is None else (self._first_s - self._started_s) * 1000,
            total_ms=(self._last_s - self._started_s) * 1000,
            is_replayed=self._is_replayed,
            is_cached=self._is_cached,
        )

    def partial(self, *, usage: Usage) -> Reply:
        """Return the text of a reply that broke off, without its calls: half a call cannot be answered."""
        return replace(self.reply(usage=usage, finish_reason="cut"), tool_calls=())


def _closed(calls: list[_OpenCall]) -> Iterator[ToolCall]:
    """Finish the calls: unique ids, and two calls that a server glued together taken apart."""
    seen: set[str] = set()
    for position, call in enumerate(calls):
        for part, arguments in enumerate(_split_objects(clean("".join(call.arguments)) or "{}")):
            wanted = call.id if call.id and part == 0 else f"call_{position}_{part}"
            unique = wanted if wanted not in seen else f"{wanted}_{len(seen)}"
            seen.add(unique)
            yield ToolCall(unique, call.name, arguments)


def _split_objects(text: str) -> list[str]:
    """Take `{…}{…}` apart. Anything else, broken JSON included, comes back whole."""
    decoder, position, parts = json.JSONDecoder(), 0, []
    try:
        while position < len(text):
            value, end = decoder.raw_decode(text, position)
            if not isinstance(value, dict):
                return [text]
            parts.append(text[position:end])
            position = end + len(text[end:]) - len(text[end:].lstrip())
    except (ValueError, RecursionError):
        return [text]
    return parts or [text]
