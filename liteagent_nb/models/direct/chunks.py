"""From the JSON of OpenAI's `chat.completion.chunk` to the house's Deltas."""

from __future__ import annotations

import json
from typing import Any

from liteagent_nb.core.chat import text_of
from liteagent_nb.core.streaming import CallDelta, Delta

__all__ = ["BrokenStream", "Chunk", "ChunkReader", "check_chunk"]

Chunk = dict[str, Any]

_decode = json.JSONDecoder().raw_decode
_PROBE = '\N{REPLACEMENT CHARACTER}"\\'
_MOST_TEMPLATES = 4
"""After so many the server changes something in every chunk, and looking for a template costs more than it saves."""


class BrokenStream(Exception):
    """What came is no answer, or the server says itself that it failed."""


class ChunkReader:
    """Reads chunk after chunk; those that differ from an earlier one in their text alone are not parsed again."""

    def __init__(self) -> None:
        self._before, self._after = "", ""
        self._templates_left = _MOST_TEMPLATES
        self.usage: Chunk | None = None
        """What the server counted, once it has told."""

    def read(self, data: bytes) -> Delta | None:
        """Return what a chunk carries; None for `null`. Raises `BrokenStream`, or `ValueError` for broken JSON."""
        text = data.decode()
        if self._before and text.startswith(self._before):
            content = _string_between(text, self._before, self._after)
            if content:
                return Delta(content)
        chunk = json.loads(text)
        if chunk is None:
            return None
        if not isinstance(chunk, dict):
            raise BrokenStream(f"a chunk is {type(chunk).__name__}, not an object")
        check_chunk(chunk)
        if isinstance(chunk.get("usage"), dict):
            self.usage = chunk["usage"]
        delta = _delta_of(chunk)
        if self._templates_left and delta == Delta(delta.text):
            self._learn(text, chunk)
        return delta

    def _learn(self, text: str, chunk: Chunk) -> None:
        """Keep what stands before and after the content, if it is proven that nothing else hangs on it."""
        start = text.find('"content":') + len('"content":')
        start += text[start : start + 1] == " "
        try:
            content, end = _decode(text, start)
            probed = json.loads(text[:start] + json.dumps(_PROBE) + text[end:])
        except ValueError:
            return
        if content and isinstance(content, str) and len(chunk["choices"]) == 1 and chunk.get("usage") is None:
            chunk["choices"][0]["delta"]["content"] = _PROBE
            self._templates_left -= 1
            self._before, self._after = (text[:start], text[end:]) if probed == chunk else ("", "")


def _string_between(text: str, before: str, after: str) -> str:
    """Return the JSON string that stands between; empty where something else does."""
    try:
        content, end = _decode(text, len(before))
    except ValueError:
        return ""
    return content if isinstance(content, str) and text[end:] == after else ""


def check_chunk(chunk: Chunk) -> None:
    """Raise what the server tells of itself: it may fail long after it has answered with status 200."""
    if error := chunk.get("error"):
        told = error.get("message") if isinstance(error, dict) else None
        raise BrokenStream(told if told and isinstance(told, str) else "An error occurred during streaming")
    reasons = {choice.get("finish_reason") for choice in chunk.get("choices") or ()}
    if "abort" in reasons:
        raise BrokenStream("Upstream generation aborted (finish_reason=abort)")
    if "error" in reasons:
        raise BrokenStream("openai raised a streaming error - finish_reason: error")


def _delta_of(chunk: Chunk) -> Delta:
    """Return what the first choice carries, usage aside."""
    choices = chunk.get("choices")
    if not choices:
        return Delta()
    piece = choices[0].get("delta") or {}
    return Delta(
        text=text_of(piece.get("content")),
        calls=tuple(_call_of(call) for call in piece.get("tool_calls") or () if isinstance(call.get("function"), dict)),
        reasoning=text_of(piece.get("reasoning_content") or piece.get("reasoning")),
        finish_reason=choices[0].get("finish_reason") or "",
    )


def _call_of(call: Chunk) -> CallDelta:
    function = call["function"]
    arguments = function.get("arguments") or ""
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    return CallDelta(call.get("index"), call.get("id") or "", function.get("name") or "", arguments)
