"""Lane: the fast way for a reply's text. What is proven takes it; all else goes litellm's own way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from liteagent_nb.models.router_core.pieces import Mould, is_flat, is_same_chunk
from liteagent_nb.models.router_core.template import Template, template_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Lane", "Shape"]

Shape: TypeAlias = tuple[bytes, str]
"""An event and litellm's chunk of it, without the words and what is new in each reply."""

_MOST_TRIES = 4
_WORTH_IT = 8
"""A template that has served so many pieces has earned the look for its successor."""
_SHORTEST_REPEATED = 3
"""Shorter pieces litellm lets repeat for ever."""
_NEW_IN_EACH_REPLY = {"id", "created"}
_NEW_IN_EACH_EVENT = re.compile(rb'"(?:id|created)":\s*(?:"[^"\\]*"|\d+)')
_MOST_SHAPES = 64


class _Way(NamedTuple):
    template: Template
    mould: Mould
    shape: Shape


class Lane:
    """One reply's fast way.

    It opens once litellm has made two chunks of one template that are the same but for their words, in this reply or
    in an earlier one of the same shape (*proven* has the shapes), and closes with the reply's finish reason.
    """

    def __init__(self, proven: set[Shape]) -> None:
        self._proven = proven
        self._way: _Way | None = None
        self.is_open = False
        """Whether there may be anything to take."""
        self._tries = _MOST_TRIES
        self._served = 0
        self._last = ""

    def take(self, event: bytes) -> tuple[Any, str] | None:
        """Return the chunk that *event* is, and its text; None where litellm has to look at it.

        It has to where a piece repeats the one before, too: it counts how often.
        """
        if self._way is None or not self.is_open:
            return None
        words = self._way.template.words_of(event)
        if words is None or (words[0] == self._last and len(words[0]) >= _SHORTEST_REPEATED):
            self.is_open = False
            return None
        self._last = words[0]
        self._served += 1
        return self._way.mould.made(words), words[0]

    def learn(self, event: bytes, chunk: Any) -> None:
        """Note that litellm has made *chunk* of *event*."""
        words = self._way.template.words_of(event) if self._way else None
        if self._way and words and is_same_chunk(self._way.mould.made(words), chunk):
            self.is_open = words[0] != self._last
            self._last = words[0]
            if len(self._proven) < _MOST_SHAPES:
                self._proven.add(self._way.shape)
            return
        self.is_open = False
        self._look(event, chunk)

    def close(self) -> None:
        """Take nothing more."""
        self._way, self.is_open, self._tries = None, False, 0

    def _look(self, event: bytes, chunk: Any) -> None:
        """See whether *event* is one to know the next ones by."""
        if self._served >= _WORTH_IT:
            self._tries, self._served = _MOST_TRIES, 0
        if not self._tries or not _is_text_alone(chunk):
            return
        template = template_of(event)
        words = template.words_of(event) if template else None
        if template and words and words == _words_in(chunk, template.extras):
            self._tries -= 1
            self._way = _Way(template, Mould(chunk, template.extras), _shape(template, chunk))
            self._last = words[0]
            self.is_open = self._way.shape in self._proven


def _is_text_alone(chunk: Any) -> bool:
    return is_flat(chunk) and isinstance(chunk.choices[0].delta.content, str) and chunk.choices[0].finish_reason is None


def _words_in(chunk: Any, extras: Iterable[str]) -> list[Any]:
    """Return what litellm's chunk has where the words of an event are put."""
    return [chunk.choices[0].delta.content, *((chunk.__pydantic_extra__ or {}).get(name) for name in extras)]


def _shape(template: Template, chunk: Any) -> Shape:
    told = chunk.model_dump(exclude=_NEW_IN_EACH_REPLY | set(template.extras))
    told["choices"][0]["delta"]["content"] = ""
    return _NEW_IN_EACH_EVENT.sub(b"", b"\n".join(template.fixed)), repr(told)
