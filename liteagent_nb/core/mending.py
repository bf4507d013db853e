"""Making a transcript that came from elsewhere fit for a strict provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.chat import ToolCall, Transcript, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.chat import Message

__all__ = ["mended"]


def mended(transcript: Transcript) -> Transcript:
    """Return the transcript with every call answered, no answer without a call, no two assistants in a row.

    A conversation that another program broke off would otherwise be refused by the provider at every further question.
    """
    return Transcript(tuple(_joined(_answered(transcript))))


def _answered(messages: Transcript) -> Iterator[Message]:
    """Answer open calls and drop orphaned answers."""
    open_ids: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") in open_ids:
                open_ids.remove(str(message["tool_call_id"]))
                yield message
            continue
        yield from map(_not_answered, open_ids)
        open_ids = _call_ids(message)
        yield message
    yield from map(_not_answered, open_ids)


def _call_ids(message: Message) -> list[str]:
    calls = message.get("tool_calls")
    return [ToolCall.read(call).id for call in calls] if isinstance(calls, list) else []


def _not_answered(call_id: str) -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": "Error: this call was never answered."}


def _joined(messages: Iterator[Message]) -> Iterator[Message]:
    """Join neighbouring assistant messages; leave out empty ones."""
    held: Message | None = None
    for message in messages:
        if message["role"] != "assistant":
            if held is not None:
                yield held
            held = None
            yield message
        elif message.get("tool_calls") or text_of(message.get("content")):
            held = message if held is None else _joint(held, message)
    if held is not None:
        yield held


def _joint(first: Message, second: Message) -> Message:
    texts = [text for message in (first, second) if (text := text_of(message.get("content")))]
    return {**first, **second, "content": "\n\n".join(texts) or None}
