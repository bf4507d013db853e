"""What of a transcript is sent: shortened first, dropped last, call and answer kept together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Message, Transcript, text_of
from liteagent_nb.core.text import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


__all__ = ["chars_of", "prune"]

SHORT_OUTPUT_CHARS = 600
"""How much of an old tool output is kept where there is not room for all."""


def chars_of(messages: Iterable[Message]) -> int:
    """Return the characters that *messages* take: their text and their calls."""
    return sum(map(_chars_of, messages))


def _chars_of(message: Message) -> int:
    calls = message.get("tool_calls")
    return len(text_of(message.get("content"))) + (len(str(calls)) if calls else 0)


def prune(transcript: Transcript, *, max_messages: int, max_chars: int) -> Transcript:
    """Return the part of *transcript* to send.

    Tool output is shortened before anything is dropped, oldest first. System messages, the user's task (the first
    user message), the latest user message and the last group are never dropped; a call and its answers stay together.
    """
    if len(transcript) <= max_messages and chars_of(transcript) <= max_chars:
        return transcript
    groups = _grouped(transcript.messages)
    for limit in (SHORT_OUTPUT_CHARS, SHORT_OUTPUT_CHARS // 4):
        groups = _shortened(groups, limit=limit, max_chars=max_chars)
    return Transcript(tuple(message for group in _kept(groups, max_messages, max_chars) for message in group.messages))


@dataclass(frozen=True, slots=True)
class _Group:
    """An assistant message with the answers to its calls, or any other message alone."""

    messages: tuple[Message, ...]
    is_pinned: bool = False

    @property
    def chars(self) -> int:
        return chars_of(self.messages)


def _grouped(messages: Sequence[Message]) -> list[_Group]:
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    pinned = {*users[:1], *users[-1:], *(i for i, message in enumerate(messages) if message["role"] == "system")}
    starts = [i for i, message in enumerate(messages) if message["role"] != "tool"]
    ends = [*starts[1:], len(messages)] if starts else []
    groups = [_Group(tuple(messages[i:j]), i in pinned) for i, j in zip(starts, ends, strict=True)]
    return [*groups[:-1], _Group(groups[-1].messages, is_pinned=True)] if groups else []


def _shortened(groups: list[_Group], *, limit: int, max_chars: int) -> list[_Group]:
    """Shorten tool outputs to *limit*, oldest first, until all fits."""
    over = sum(group.chars for group in groups) - max_chars
    kept: list[_Group] = []
    for group in groups:
        short = group if over <= 0 else _Group(tuple(_short(m, limit) for m in group.messages), group.is_pinned)
        over -= group.chars - short.chars
        kept.append(short)
    return kept


def _short(message: Message, limit: int) -> Message:
    if message["role"] != "tool":
        return message
    return {**message, "content": shorten(text_of(message.get("content")), limit)}


def _kept(groups: list[_Group], max_messages: int, max_chars: int) -> list[_Group]:
    """Drop the oldest groups that are not pinned until both limits hold."""
    kept = list(groups)
    count, chars = sum(len(group.messages) for group in kept), sum(group.chars for group in kept)
    for group in groups:
        if count <= max_messages and chars <= max_chars:
            break
        if not group.is_pinned:
            kept.remove(group)
            count, chars = count - len(group.messages), chars - group.chars
    return kept
