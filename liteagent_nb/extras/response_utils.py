"""Reading responses, whatever their shape: the text in them, the text of a stream, what they cost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, Coroutine, Iterable, Mapping
from contextlib import aclosing, closing, nullcontext
from typing import Any, cast, overload

from liteagent_nb.core.chat import text_of

__all__ = ["assemble_stream_text", "augment_json_with_cost", "extract_content"]

_COUNTS = (("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"), ("total_tokens", "total_tokens"))
"""The names of chat completions, which are told, and those of the Responses API."""
_DELTA_EVENTS = frozenset({"response.output_text.delta", "content_block_delta"})
"""Events that carry a piece of text; all others of their streams repeat it, or hold none."""


def extract_content(resp: object) -> str:
    """Return the text of *resp*: "" where it has none.

    Takes objects and mappings alike: chat completions and their chunks, text completions, the Responses API, messages
    with a list of parts, a row of a DataFrame, plain text and None. JSON-mode content that is a mapping comes as JSON.
    """
    if resp is None or isinstance(resp, str):
        return resp or ""
    if choice := _first(_field(resp, "choices")):
        return _of_choice(choice)
    if isinstance(text := _field(resp, "output_text"), str):
        return text
    if isinstance(output := _field(resp, "output"), list | tuple):
        return "".join(_of_content(_field(item, "content")) for item in output)
    return _of_content(_field(resp, "content"))


def _of_choice(choice: object) -> str:
    for name in ("message", "delta"):
        if (message := _field(choice, name)) is not None:
            return _of_content(_field(message, "content")) or _of_content(_field(message, "refusal"))
    return _of_content(_field(choice, "text"))


def _of_content(content: object) -> str:
    """Return the text in a string, a list of parts or JSON-mode content; thoughts and pictures are no text."""
    if isinstance(content, list | tuple):
        return "".join(_of_part(part) for part in content)
    return text_of(content) if isinstance(content, str | Mapping) else ""


def _of_part(part: object) -> str:
    if isinstance(part, str):
        return part
    text = _field(part, "text")
    if text is None:
        text = _field(part, "refusal")
    return text if isinstance(text, str) else ""


def _first(things: object) -> object:
    return things[0] if isinstance(things, list | tuple) and things else None


def _field(thing: object, name: str) -> object:
    """Read *name* from a mapping or an object: SDKs, servers and DataFrames hand over all of them."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


@overload
def assemble_stream_text(stream: AsyncIterable[object]) -> Coroutine[Any, Any, str]: ...
@overload
def assemble_stream_text(stream: Iterable[object]) -> str: ...
def assemble_stream_text(stream: AsyncIterable[object] | Iterable[object]) -> Coroutine[Any, Any, str] | str:
    """Return the whole text of *stream*; of an async one a coroutine that returns it. The stream is closed after.

    litellm's streams have both sides and only one that works: it is told by the connection that they read.
    """
    source = getattr(stream, "completion_stream", None) or stream
    if isinstance(source, AsyncIterable) and isinstance(stream, AsyncIterable):
        return _assemble_async(stream)
    return _assemble(cast("Iterable[object]", stream))


def _assemble(stream: Any) -> str:
    with closing(stream) if hasattr(stream, "close") else nullcontext():
        return "".join(map(_of_chunk, stream))


async def _assemble_async(stream: Any) -> str:
    async with aclosing(stream) if hasattr(stream, "aclose") else nullcontext():
        return "".join([_of_chunk(chunk) async for chunk in stream])


def _of_chunk(chunk: object) -> str:
    kind = _field(chunk, "type")
    if not isinstance(kind, str):
        return extract_content(chunk)
    delta = _field(chunk, "delta") if kind in _DELTA_EVENTS else None
    return delta if isinstance(delta, str) else _of_part(delta)


def augment_json_with_cost(text: str, resp: object) -> str:
    """Return the JSON object *text* with what *resp* used, under `metadata`; other text comes back as it is.

    `metadata` holds `token_usage` (prompt, completion and total tokens), `response_cost` in USD, and `cache_hit`, each
    where *resp* tells it: an unknown price is left out, never 0. A `metadata` of the object's own is kept and added to,
    or stays beside `_metadata` where it is no object.
    """
    try:
        answer = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text
    if not isinstance(answer, dict):
        return text
    own = answer.get("metadata", {})
    name = "metadata" if isinstance(own, dict) else "_metadata"
    kept = own if isinstance(own, dict) else {}
    return json.dumps({**answer, name: {**kept, **_told_by(resp)}}, ensure_ascii=False)


def _told_by(resp: object) -> dict[str, object]:
    hidden = _field(resp, "_hidden_params")
    hidden = hidden if isinstance(hidden, Mapping) else {}
    told = {"token_usage": _usage_of(resp), "response_cost": hidden.get("response_cost")}
    told["cache_hit"] = hidden.get("cache_hit", _field(resp, "cache_hit"))
    return {name: value for name, value in told.items() if isinstance(value, bool | int | float | dict)}


def _usage_of(resp: object) -> dict[str, int] | None:
    usage = _field(resp, "usage")
    counts = {name: _count(usage, name, other) for name, other in _COUNTS}
    return {name: count for name, count in counts.items() if count is not None} or None


def _count(usage: object, *names: str) -> int | None:
    counts = (_field(usage, name) for name in names)
    return next((count for count in counts if isinstance(count, int)), None)
