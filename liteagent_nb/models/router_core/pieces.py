"""Pieces: litellm's own chunk of one event, again with the words of the next."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["Mould", "is_flat", "is_same_chunk", "settled"]

_HIDDEN = "_hidden_params"
_SET_PER_CHUNK = "created_at"
_KEPT_APART = 2
_SCALARS = (str, int, float)

_new = object.__new__
_set = object.__setattr__


class Mould:
    """Makes chunks like *chunk*, which litellm has made; *extras* are the names of the words beside the content.

    A chunk shares nothing that its reader may change with any other. It is put together as pydantic's own copies are,
    by hand: that is half of what a piece costs.
    """

    def __init__(self, chunk: Any, extras: tuple[str, ...]) -> None:
        choice = chunk.choices[0]
        self._chunk, self._choice, self._delta = (_copied(part) for part in (chunk, choice, choice.delta))
        self._hidden = dict(self._chunk.__pydantic_private__[_HIDDEN])
        self._extras = extras

    def made(self, words: list[str], made_s: float | None = None) -> Any:
        """Return the chunk with *words*, the content first, as made at *made_s*, now where that is not said."""
        delta = _copied(self._delta)
        delta.__pydantic_extra__["content"] = words[0]
        choice = _copied(self._choice)
        choice.__pydantic_extra__["delta"] = delta
        chunk = _copied(self._chunk)
        chunk.__dict__["choices"] = [choice]
        chunk.__pydantic_private__[_HIDDEN] = {**self._hidden, _SET_PER_CHUNK: made_s or time.time()}
        if self._extras:
            chunk.__pydantic_extra__.update(zip(self._extras, words[1:], strict=True))
        return chunk


def _copied(model: Any) -> Any:
    """Return what `copy.copy` would, in a third of the time."""
    new = _new(type(model))
    private = model.__pydantic_private__
    _set(new, "__dict__", model.__dict__.copy())
    _set(new, "__pydantic_extra__", model.__pydantic_extra__.copy())
    _set(new, "__pydantic_fields_set__", model.__pydantic_fields_set__.copy())
    _set(new, "__pydantic_private__", private and private.copy())
    return new


def settled(run: list[Any]) -> list[Any]:
    """Return what stands for a *run* of text where litellm counts: one chunk with all of it.

    The last two stay apart: litellm compares them, to see a model that goes round in circles.
    """
    joined = run[:-_KEPT_APART]
    if not joined:
        return run
    try:
        text = "".join(piece.choices[0].delta.__pydantic_extra__["content"] for piece in joined)
    except (AttributeError, LookupError, TypeError):  # their reader has written something else into one
        return run
    made_s = run[0].__pydantic_private__[_HIDDEN][_SET_PER_CHUNK]  # litellm counts in the order of their making
    return [Mould(run[0], ()).made([text], made_s), *run[-_KEPT_APART:]]


def is_flat(chunk: Any) -> bool:
    """Whether *chunk* is one choice that holds nothing but words and numbers: then copies of it are apart."""
    if len(getattr(chunk, "choices", None) or ()) != 1:
        return False
    choice = chunk.choices[0]
    return _is_scalar(chunk, "choices") and _is_scalar(choice, "delta") and _is_scalar(choice.delta, "")


def _is_scalar(model: Any, inner: str) -> bool:
    values = {**model.__dict__, **(model.__pydantic_extra__ or {})}
    return all(value is None or isinstance(value, _SCALARS) for name, value in values.items() if name != inner)


def is_same_chunk(one: Any, other: Any) -> bool:
    """Whether two chunks say the same; when each was made aside."""
    return type(one) is type(other) and _told(one) == _told(other)


def _told(chunk: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    hidden = dict(chunk.__pydantic_private__[_HIDDEN])
    hidden.pop(_SET_PER_CHUNK, None)
    return chunk.model_dump(), hidden
