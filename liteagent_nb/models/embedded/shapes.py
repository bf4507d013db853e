"""The shape of a line of code: what stays, and where the numbers and words of a request go."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.models.embedded.words import numbers_in, quoted_in, spans_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LITERAL", "Shape"]

LITERAL = re.compile(r"'(?P<text>[^']*)'|(?<![\w.])(?P<number>\d+(?:\.\d+)?)")
"""A number or a quoted text in code."""
_DIFFERENCE = re.compile(r"print\([\d.]+ - [\d.]+\)")
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

    def _numbers_of(self, request: str) -> list[str]:
        """Return the numbers of *request*; each once, if the example says one of its own twice (`3**5 or 5**3`)."""
        numbers, own = numbers_in(request), numbers_in(self.request)
        return numbers if len(own) == len(set(own)) else list(dict.fromkeys(numbers))

    def filled(self, request: str) -> Iterator[str]:
        """Yield the code with what *request* names, in each order; nothing where it names too much or too little."""
        numbers = self._numbers_of(request)
        listed = _LIST.search(self.code)
        for words in self._words(request):
            if listed and len(numbers) > 1:
                yield self._replaced({listed[0]: f"[{', '.join(numbers)}]"}, words)
            elif not listed and len(numbers) == len(self._numbers):
                for order in self._orders(request):
                    yield self._replaced(dict(zip(self._numbers, order, strict=True)), words)

    def _orders(self, request: str) -> Iterator[list[str]]:
        """Yield the orders that make sense: a percentage stays one, and nothing is taken from something smaller.

        More than two numbers stay as they are: the model would lose its way.
        """
        numbers, slots = self._numbers_of(request), self._numbers
        shares = [_is_share(number, request) for number in numbers]
        own = [_is_share(slot, self.request) for slot in slots]
        orders = [numbers, numbers[::-1]] if len(numbers) == 2 else [numbers]  # noqa: PLR2004  two are two
        for order in orders:
            if [shares[numbers.index(number)] for number in order] != own:
                continue
            first, *others = order or ["0"]
            if _DIFFERENCE.fullmatch(self.code) and any(float(first) < float(other) for other in others):
                continue
            yield order

    def _words(self, request: str) -> Iterator[dict[str, str]]:
        texts = self._texts
        for words in itertools.product(*(self._like(request, text) for text in texts)):
            if len(set(words)) == len(words):
                yield dict(zip(texts, words, strict=True))

    def _like(self, request: str, text: str) -> list[str]:
        """Return what of *request* may take the place of *text*: a letter for a letter, words for words.

        What both requests say is no name of anything.
        """
        if len(text) == 1:
            letters = (span for span in spans_in(request.replace("'s", " "), longest=1) if len(span) == 1)
            return list(dict.fromkeys(letter for letter in letters if letter.isalpha()))
        quoted = [part for part in quoted_in(request) if len(part) > 1 and "'" not in part]
        if any(" " in part for part in quoted) and " " not in text:
            return []
        known = set(self.request.lower().split())
        spans = (span for span in spans_in(request, longest=len(text.split())) if len(span) > 1 and "'" not in span)
        return list(dict.fromkeys(quoted or (span for span in spans if known.isdisjoint(span.lower().split()))))

    def _replaced(self, numbers: Mapping[str, str], texts: Mapping[str, str]) -> str:
        def swap(match: re.Match[str]) -> str:
            if match["number"] is not None:
                return numbers.get(match["number"], match["number"])
            return f"'{texts.get(match['text'], match['text'])}'"

        for own, other in numbers.items():
            if own.startswith("["):
                return LITERAL.sub(swap, self.code.replace(own, "[]")).replace("[]", other)
        return LITERAL.sub(swap, self.code)


def _is_share(number: str, text: str) -> bool:
    """Whether *number* is a percentage in *text*."""
    return re.search(rf"(?<![\d.]){re.escape(number)}\s*(?:%|per ?cent)", text) is not None
