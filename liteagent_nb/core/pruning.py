"""What of a transcript is sent: shortened first, dropped last, call and answer kept together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Message, Transcript, text_of
from liteagent_nb.core.pictures import PICTURE_CHARS, is_shown_by_tools, pictures_in, without_pictures
from liteagent_nb.core.text import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


__all__ = ["chars_of", "prune"]

SHORT_OUTPUT_CHARS = 600
"""How much of an old tool output is kept where there is not room for all."""


def chars_of(messages: Iterable[Message]) -> int:
    """Return the characters that *messages* take: their text, their calls, and their pictures at a flat rate."""
    return sum(map(_chars_of, messages))


def _chars_of(message: Message) -> int:
    calls = message.get("tool_calls")
    content = message.get("content")
    pictures = 0 if content is None or isinstance(content, str) else pictures_in(message) * PICTURE_CHARS
    return len(text_of(content)) + (len(str(calls)) if calls else 0) + pictures


def prune(transcript: Transcript, *, max_messages: int, max_chars: int) -> Transcript:
    """Return the part of *transcript* to send.

    Pictures go first, tool output is shortened before anything is dropped, both oldest first. System messages, the
    user's task (the first user message), the latest user message and the last group are never dropped, and the last
    two keep their pictures; a call, its answers and what they showed stay together.
    """
    if len(transcript) <= max_messages and chars_of(transcript) <= max_chars:
        return transcript
    groups = _without_old_pictures(_grouped(transcript.messages), max_chars=max_chars)
    for limit in (SHORT_OUTPUT_CHARS, SHORT_OUTPUT_CHARS // 4):
        groups = _shortened(groups, limit=limit, max_chars=max_chars)
    return Transcript(tuple(message for group in _kept(groups, max_messages, max_chars) for message in group.messages))


@dataclass(frozen=True, slots=True)
class _Group:
    """An assistant message with the answers to its calls and their pictures, or any other message alone."""

    messages: tuple[Message, ...]
    is_pinned: bool = False
    is_new: bool = False
    """Whether it is what the model has not seen yet."""

    @property
    def chars(self) -> int:
        return chars_of(self.messages)

    def changed(self, change: Callable[[Message], Message]) -> _Group:
        """Return the group with each message changed."""
        return replace(self, messages=tuple(map(change, self.messages)))


def _grouped(messages: Sequence[Message]) -> list[_Group]:
    belongs = [message["role"] == "tool" or is_shown_by_tools(message) for message in messages]
    users = [i for i, message in enumerate(messages) if message["role"] == "user" and not belongs[i]]
    pinned = {*users[:1], *users[-1:], *(i for i, message in enumerate(messages) if message["role"] == "system")}
    starts = [i for i in range(len(messages)) if not belongs[i]]
    ends = [*starts[1:], len(messages)] if starts else []
    groups = [_Group(tuple(messages[i:j]), i in pinned, i in users[-1:]) for i, j in zip(starts, ends, strict=True)]
    return [*groups[:-1], _Group(groups[-1].messages, is_pinned=True, is_new=True)] if groups else []


def _without_old_pictures(groups: list[_Group], *, max_chars: int) -> list[_Group]:
    """Put words in the place of pictures, oldest first, until all fits."""
    return _lessened(groups, lambda group: group if group.is_new else group.changed(without_pictures), max_chars)


def _shortened(groups: list[_Group], *, limit: int, max_chars: int) -> list[_Group]:
    """Shorten tool outputs to *limit*, oldest first, until all fits."""
    return _lessened(groups, lambda group: group.changed(lambda message: _short(message, limit)), max_chars)


def _lessened(groups: list[_Group], lessen: Callable[[_Group], _Group], max_chars: int) -> list[_Group]:
    over = sum(group.chars for group in groups) - max_chars
    kept: list[_Group] = []
    for group in groups:
        less = group if over <= 0 else lessen(group)
        over -= group.chars - less.chars
        kept.append(less)
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
