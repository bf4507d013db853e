"""From litellm's chunks to the house's Deltas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.chat import Usage, text_of
from liteagent_nb.core.streaming import CallDelta, Delta

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["delta_of", "field_of", "usage_of"]


def field_of(thing: Any, name: str) -> Any:
    """Return what one of litellm's objects holds under *name*; None where it has no such field.

    Every piece of an answer is asked for fields that it may not have. Pydantic takes microseconds to say that it has
    none, a look at what it holds does not.
    """
    try:
        found = thing.__dict__.get(name)
        return found if found is not None else thing.__pydantic_extra__.get(name)
    except AttributeError:  # not one of pydantic's, or one that holds nothing beside its fields
        return getattr(thing, name, None)


def delta_of(chunk: Any, usage: Usage | None = None) -> Delta:
    """Return what a chunk carries; its *usage* has been read before. Content may be text, parts, a mapping or None."""
    choices = field_of(chunk, "choices")
    if not choices:
        return Delta(usage=usage)
    choice = choices[0]
    piece = field_of(choice, "delta")
    calls = field_of(piece, "tool_calls")
    return Delta(
        text=text_of(field_of(piece, "content")),
        calls=tuple(_call_of(call) for call in calls) if calls else (),
        reasoning=text_of(field_of(piece, "reasoning_content")),
        usage=usage,
        finish_reason=field_of(choice, "finish_reason") or "",
    )


def _call_of(call: Any) -> CallDelta:
    function = field_of(call, "function")
    return CallDelta(
        field_of(call, "index"),
        field_of(call, "id") or "",
        field_of(function, "name") or "",
        field_of(function, "arguments") or "",
    )


def usage_of(told: Any, *, cost_of: Callable[[Any], float | None], is_estimate: bool) -> Usage:
    """Return litellm's usage object as ours; *cost_of* prices it."""
    return Usage(int(told.prompt_tokens or 0), int(told.completion_tokens or 0), cost_of(told), is_estimate)
