"""From litellm's chunks to the house's Deltas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.chat import Usage, text_of
from liteagent_nb.core.streaming import CallDelta, Delta

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["delta_of", "usage_of"]


def delta_of(chunk: Any) -> Delta:
    """Return what a chunk carries, usage aside; content may be text, parts, a mapping or None."""
    if not getattr(chunk, "choices", None):
        return Delta()
    choice = chunk.choices[0]
    piece = choice.delta
    return Delta(
        text=text_of(getattr(piece, "content", None)),
        calls=tuple(_call_of(call) for call in getattr(piece, "tool_calls", None) or ()),
        reasoning=text_of(getattr(piece, "reasoning_content", None)),
        finish_reason=choice.finish_reason or "",
    )


def _call_of(call: Any) -> CallDelta:
    function = getattr(call, "function", None)
    return CallDelta(
        getattr(call, "index", None),
        getattr(call, "id", None) or "",
        getattr(function, "name", None) or "",
        getattr(function, "arguments", None) or "",
    )


def usage_of(told: Any, *, cost_of: Callable[[Any], float | None], is_estimate: bool) -> Usage:
    """Return litellm's usage object as ours; *cost_of* prices it."""
    return Usage(int(told.prompt_tokens or 0), int(told.completion_tokens or 0), cost_of(told), is_estimate)
