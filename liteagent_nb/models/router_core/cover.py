"""What the extracted core covers: where it takes a stream over, and why it does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import openai

from liteagent_nb.models.quiet_litellm import inside_litellm
from liteagent_nb.models.router_core.streams import ExtractedStream, MeasuredStream
from liteagent_nb.models.router_core.verified import VerifiedStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.models.router_core.lane import Shape
    from liteagent_nb.models.router_core.metrics import StreamMetrics

__all__ = ["taken_over", "why_handed_over"]

_KINDS = {"extracted": ExtractedStream, "verify": VerifiedStream}
_CALLBACKS = ("callbacks", "success_callback", "_async_success_callback")
_CALLBACKS_OF_CALL = ("dynamic_success_callbacks", "dynamic_async_success_callbacks")


def taken_over(opened: Any, *, core: str, metrics: StreamMetrics, proven: set[Shape]) -> Any:
    """Return the stream that litellm has just opened, read by *core*, or as it is where *core* does not cover it.

    What is no stream comes back as it is.
    """
    if not isinstance(opened, inside_litellm.CustomStreamWrapper):
        return opened
    if why := why_handed_over(opened):
        metrics.attempt("legacy", why)
        return MeasuredStream(opened, metrics) if _is_plain(opened) else opened
    metrics.attempt(core, "")
    return _KINDS[core](opened, metrics, proven)


def why_handed_over(opened: Any) -> str:
    """Return why litellm itself reads *opened*; empty where its text may take the fast way."""
    if not _is_plain(opened):
        return f"litellm reads it with a stream of another kind, {type(opened).__name__}"
    if type(opened.completion_stream) not in {openai.Stream, openai.AsyncStream}:
        return f"{opened.custom_llm_provider} does not answer with events that the OpenAI client reads"
    return next((why for why, is_so in _who_looks(opened) if is_so), "")


def _who_looks(opened: Any) -> Iterator[tuple[str, bool]]:
    """Yield what in litellm would look at every piece, and whether it does."""
    longest_s = inside_litellm.constants.LITELLM_MAX_STREAMING_DURATION_SECONDS
    is_logged = inside_litellm.set_verbose or inside_litellm.verbose_logger.isEnabledFor(logging.DEBUG)
    is_sync = type(opened.completion_stream) is openai.Stream
    yield "merge_reasoning_content_in_choices is set", opened.merge_reasoning_content_in_choices
    yield "litellm.post_call_rules look at every piece", bool(inside_litellm.post_call_rules)
    yield "LITELLM_MAX_STREAMING_DURATION_SECONDS is set", longest_s is not None
    yield "litellm logs every piece", is_logged
    yield "litellm tells its callbacks every piece of a synchronous stream", is_sync and _are_told(opened.logging_obj)


def _is_plain(opened: Any) -> bool:
    return type(opened) is inside_litellm.CustomStreamWrapper


def _are_told(logged: Any) -> bool:
    if inside_litellm.disable_streaming_logging:
        return False
    return any(getattr(inside_litellm, name, None) for name in _CALLBACKS) or any(
        getattr(logged, name, None) for name in _CALLBACKS_OF_CALL
    )
