"""Pieces: litellm's own chunk of one event, again with the words of the next."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Mould", "is_flat", "is_same_chunk", "settled"]

_HIDDEN = "_hidden_params"
_SET_PER_CHUNK = "created_at"
_KEPT_APART = 2
_SCALARS = (str, int, float)

_SLOTS = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__")

_new = object.__new__


class Mould:
    """Makes chunks like *chunk*, which litellm has made; *extras* are the names of the words beside the content.

    A chunk shares nothing that its reader may change with any other. It is put together as pydantic's own copies are,
    by hand: that is half of what a piece costs.
    """

    def __init__(self, chunk: Any, extras: tuple[str, ...]) -> None:
        choice = chunk.choices[0]
        self._chunk, self._choice, self._delta = (_copier(part) for part in (chunk, choice, choice.delta))
        self._hidden = dict(chunk.__pydantic_private__[_HIDDEN])
        self._extras = extras

    def made(self, words: list[str], made_s: float | None = None) -> Any:
        """Return the chunk with *words*, the content first, as made at *made_s*, now where that is not said."""
        delta = self._delta()
        delta.__pydantic_extra__["content"] = words[0]
        choice = self._choice()
        choice.__pydantic_extra__["delta"] = delta
        chunk = self._chunk()
        chunk.__dict__["choices"] = [choice]
        chunk.__pydantic_private__[_HIDDEN] = {**self._hidden, _SET_PER_CHUNK: made_s or time.time()}
        if self._extras:
            chunk.__pydantic_extra__.update(zip(self._extras, words[1:], strict=True))
        return chunk


def _copier(model: Any) -> Callable[[], Any]:
    """Return what makes copies of *model* as it is now, as `copy.copy` does, in a fifth of the time."""
    kind: Any = type(model)
    state, extra = model.__dict__.copy().copy, model.__pydantic_extra__.copy().copy
    names, private = model.__pydantic_fields_set__.copy().copy, dict(model.__pydantic_private__ or {}).copy
    has_private = model.__pydantic_private__ is not None
    set_state, set_extra, set_names, set_private = _setters(kind)

    def copied() -> Any:
        new = _new(kind)
        set_state(new, state())
        set_extra(new, extra())
        set_names(new, names())
        set_private(new, private() if has_private else None)
        return new

    return copied


@functools.cache
def _setters(kind: type) -> tuple[Callable[[Any, Any], None], ...]:
    """Return what sets the slots of pydantic's models past their own `__setattr__`."""
    slots: list[Any] = [next(vars(base)[name] for base in kind.__mro__ if name in vars(base)) for name in _SLOTS]
    return tuple(slot.__set__ for slot in slots)


def settled(run: list[Any]) -> list[Any]:
    """Return what stands for a *run* of text where litellm counts: one chunk with all of it.

    The last two stay apart: litellm compares them, to see a model that goes round in circles.
    """
    joined = run[:-_KEPT_APART]
    if not joined:
        return run
    try:
        # Past pydantic's own way to an attribute, which takes longer than all the rest.
        deltas = [piece.__dict__["choices"][0].__pydantic_extra__["delta"] for piece in joined]
        text = "".join([delta.__pydantic_extra__["content"] for delta in deltas])
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
