"""What a reply of the direct path has used: as the server counted, or as litellm's tokenizer does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.streaming import ReplyBuilder
from liteagent_nb.models.quiet_litellm import litellm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.models.direct.request import DirectRequest

__all__ = ["counted", "told"]


def told(usage: dict[str, Any]) -> Any:
    """Return litellm's usage object for what the server counted."""
    return litellm.Usage(**usage)


def counted(request: DirectRequest, deltas: Iterable[Delta]) -> Any:
    """Return litellm's usage object for what its tokenizer counts, where the server does not say."""
    builder = ReplyBuilder(model=request.model, started_s=0)
    for delta in deltas:
        builder.add(delta, now_s=0)
    reply = builder.reply(usage=Usage())
    calls = [
        {**call.to_message(), "index": index, "function": {"name": call.name, "arguments": call.arguments}}
        for index, call in enumerate(reply.tool_calls)
    ]
    said = {"role": "assistant", "content": reply.text, "reasoning_content": reply.reasoning or None}
    choice = {"index": 0, "delta": {**said, "tool_calls": calls or None}, "finish_reason": reply.finish_reason}
    chunk = litellm.ModelResponseStream(model=request.model, choices=[choice])
    whole: Any = litellm.stream_chunk_builder([chunk], messages=request.messages)
    return whole.usage
