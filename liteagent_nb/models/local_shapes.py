"""The shape of a line of code: what stays, and where the numbers and words of a request go."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.models.local_words import numbers_in, quoted_in, spans_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LITERAL", "Shape"]

LITERAL = re.compile(r"'(?P<text>[^']*)'|(?<![\w.])(?P<number>\d+(?:\.\d+)?)")
"""A number or a quoted text in code."""
_LIST = re.compile(r"\[\d+(?:\.\d+)?(?:, \d+(?:\.\d+)?)+\]")


@dataclass(frozen=True, slots=True)
class Shape:
    """An example: *code*, which was written for *request*. Constants stay, what the request names is exchanged."""

    request: str
    code: str

    @property
    def _numbers(self) -> list[str]:
        own = numbers_in(self.request)
        return list(dict.fromkeys(m["number"] for m in LITERAL.finditer(self.code) if m["number"] in own))

    @property
    def _texts(self) -> list[str]:
        found = (m["text"] for m in LITERAL.finditer(self.code))
        return list(dict.fromkeys(text for text in found if text and text in self.request))

    def filled(self, request: str) -> Iterator[str]:
        """Yield the code with what *request* names, in each order; nothing where it names too much or too little."""
        numbers = numbers_in(request)
        listed = _LIST.search(self.code)
        for words in self._words(request):
            if listed and len(numbers) > 1:
                yield self._replaced({listed[0]: f"[{', '.join(numbers)}]"}, words)
            elif not listed and len(numbers) == len(self._numbers):
                for order in _orders(numbers):
                    yield self._replaced(dict(zip(self._numbers, order, strict=True)), words)

    def _words(self, request: str) -> Iterator[dict[str, str]]:
        texts = self._texts
        for words in itertools.product(*(_like(request, text) for text in texts)):
            if len(set(words)) == len(words):
                yield dict(zip(texts, words, strict=True))

    def _replaced(self, numbers: Mapping[str, str], texts: Mapping[str, str]) -> str:
        def swap(match: re.Match[str]) -> str:
            if match["number"] is not None:
                return numbers.get(match["number"], match["number"])
            return f"'{texts.get(match['text'], match['text'])}'"

        for own, other in numbers.items():
            if own.startswith("["):
                return LITERAL.sub(swap, self.code.replace(own, "[]")).replace("[]", other)
        return LITERAL.sub(swap, self.code)


def _orders(numbers: list[str]) -> list[list[str]]:
    """Return both orders of two numbers; more of them stay as they are, the model would lose its way."""
    return [numbers, numbers[::-1]] if len(numbers) == 2 else [numbers]  # noqa: PLR2004  two are two


def _like(request: str, text: str) -> list[str]:
    """Return what of *request* may take the place of *text*: a letter for a letter, words for words."""
    if len(text) == 1:
        letters = (span for span in spans_in(request.replace("'s", " "), longest=1) if len(span) == 1)
        return list(dict.fromkeys(letter for letter in letters if letter.isalpha()))
    quoted = [part for part in quoted_in(request) if len(part) > 1 and "'" not in part]
    if any(" " in part for part in quoted) and " " not in text:
        return []
    spans = (span for span in spans_in(request, longest=len(text.split())) if len(span) > 1 and "'" not in span)
    return list(dict.fromkeys(quoted or spans))
