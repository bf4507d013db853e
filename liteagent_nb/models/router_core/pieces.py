"""Pieces: litellm's own chunk of one event, again with the words of the next."""

from __future__ import annotations

import copy
import time
from typing import Any

__all__ = ["Mould", "is_same_chunk", "settled"]

_SET_PER_CHUNK = "created_at"
_KEPT_APART = 2


class Mould:
    """Makes chunks like *chunk*, which litellm has made; *extras* are the names of the words beside the content."""

    def __init__(self, chunk: Any, extras: tuple[str, ...]) -> None:
        self._chunk = chunk.model_copy()
        self._choice = chunk.choices[0].model_copy()
        self._delta = self._choice.delta.model_copy()
        self._hidden = dict(chunk._hidden_params)  # noqa: SLF001 - litellm's documented place for it
        self._extras = extras

    def made(self, words: list[str]) -> Any:
        """Return a chunk of its own: no other shares what a reader may change in it."""
        chunk, choice, delta = copy.copy(self._chunk), copy.copy(self._choice), copy.copy(self._delta)
        delta.__pydantic_extra__["content"] = words[0]
        choice.__pydantic_extra__["delta"] = delta
        chunk.__dict__["choices"] = [choice]
        for name, word in zip(self._extras, words[1:], strict=True):
            chunk.__pydantic_extra__[name] = word
        chunk.__pydantic_private__["_hidden_params"] = {**self._hidden, _SET_PER_CHUNK: time.time()}
        return chunk


def settled(run: list[Any]) -> list[Any]:
    """Return what stands for a *run* of text where litellm counts: one chunk with all of it.

    The last two stay apart: litellm compares them, to see a model that goes round in circles.
    """
    joined = run[:-_KEPT_APART]
    return [_joined(joined), *run[-_KEPT_APART:]] if joined else run


def _joined(run: list[Any]) -> Any:
    whole = copy.copy(run[0])
    choice = copy.copy(whole.choices[0])
    delta = copy.copy(choice.delta)
    delta.__pydantic_extra__["content"] = "".join(piece.choices[0].delta.content for piece in run)
    choice.__pydantic_extra__["delta"] = delta
    whole.__dict__["choices"] = [choice]
    return whole


def is_same_chunk(one: Any, other: Any) -> bool:
    """Whether two chunks say the same; when each was made aside."""
    return type(one) is type(other) and _told(one) == _told(other)


def _told(chunk: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    hidden = dict(chunk._hidden_params)  # noqa: SLF001 - see above
    hidden.pop(_SET_PER_CHUNK, None)
    return chunk.model_dump(), hidden
