"""What a request is made of: its numbers, its words, its quoted parts; and how alike two requests are."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
from collections import Counter
from typing import TypeVar

from liteagent_nb.core.text import shorten

__all__ = ["Likeness", "fitted", "most_alike", "numbers_in", "quoted_in", "spans_in", "with_figures", "words_in"]

_PAIR_SHARE = 0.5
"""What a pair of words counts, a word counting 1."""

_Row = TypeVar("_Row")

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_VALUES = {word: value for value, word in enumerate(_UNITS)} | {word: 10 * n for n, word in enumerate(_TENS, 2)}
_SMALL = "|".join(word for word in _UNITS if word != "one")
_ONE = (
    r"one(?= (?:hundred|thousand|million|plus|minus|times|divided)\b)"
    r"|(?:(?<=plus )|(?<=minus )|(?<=times )|(?<=by ))one"
)
_WORD_NUMBER = rf"\b(?:(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_UNITS[1:10])}))?|{_SMALL}|{_ONE})\b"
"""`one` is a number only beside an operator: `which one` and `quick one` are not."""
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_NUMBER = re.compile(
    rf"(?P<figures>(?<![\w.])-?\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|(?<![A-Za-z_.\d])(?:(?<![\d)\s])-)?\d+(?:\.\d+)?)"
    rf"|(?P<words>{_WORD_NUMBER})(?! of\b)"
    r"|(?P<half>\bhalf a dozen\b)|(?P<dozen>\b(?:a|one) dozen\b)",
    re.IGNORECASE,
)
_SCALE = re.compile(rf"\s+({'|'.join(_SCALES)})\b", re.IGNORECASE)
_SCALE_TAIL = re.compile(rf"(?<=\d)\s+(?:{'|'.join(_SCALES)})\b", re.IGNORECASE)
_QUOTED = re.compile(
    r"```(?:\w*\n)?(.+?)```|`([^`]+)`|\"([^\"]+)\"|"
    r"\u201c([^\u201d]+)\u201d|(?<!\w)['\u2018]([^'\u2019]+)['\u2019](?!\w)",
    re.DOTALL,
)


def numbers_in(text: str) -> list[str]:
    """Return the numbers of *text* as figures, in order: `1,500`, `two`, `twenty-five` and `3 million` too."""
    return [_as_figures(match, text) for match in _NUMBER.finditer(text)]


def with_figures(text: str) -> str:
    """Return *text* with its numbers as figures."""
    return re.sub(_SCALE_TAIL, "", _NUMBER.sub(lambda match: _as_figures(match, text), text))


def _as_figures(match: re.Match[str], text: str) -> str:
    if match["half"] or match["dozen"]:
        return "6" if match["half"] else "12"
    figures = match["figures"].replace(",", "") if match["figures"] else str(_word_value(match["words"]))
    scale = _SCALE.match(text, match.end())
    if scale is None or "." in figures:
        return figures
    return str(int(figures) * _SCALES[scale[1].lower()])


def _word_value(words: str) -> int:
    return sum(_VALUES[word] for word in re.split(r"[ -]", words.lower()))


def quoted_in(text: str) -> list[str]:
    """Return what stands in quotes, backticks or fences."""
    return [part.strip() for match in _QUOTED.finditer(text) for part in match.groups() if part and part.strip()]


def spans_in(text: str, *, longest: int = 4) -> list[str]:
    """Return every run of one to *longest* words, what is quoted first."""
    words = [bare for word in text.split() if (bare := word.strip(".,?!:;'\"`()[]\u201c\u201d\u2018\u2019"))]
    runs = (
        " ".join(words[start : start + length])
        for length in range(1, longest + 1)
        for start in range(len(words) - length + 1)
    )
    return list(dict.fromkeys([*quoted_in(text), *runs]))


def words_in(text: str) -> list[str]:
    """Return the words of *text*, lower case and without endings; every number is `0`."""
    plain = _NUMBER.sub(" 0 ", text)
    return [_stem(word) for word in re.findall(r"[a-z]+|0|[-+*/%^]", plain.lower())]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if len(word) > len(ending) + 4 and word.endswith(ending):
            return word.removesuffix(ending)
    return word


def fitted(text: str, max_bytes: int) -> str:
    """Return *text* on one line, its middle left out beyond *max_bytes*: no token is shorter than a byte."""
    line = " ".join(text.split())
    size = len(line.encode(errors="replace"))
    return line if size <= max_bytes else shorten(line, max_bytes * len(line) // size)


class Likeness:
    """How alike requests are: from 0 to 1, by the words they share, those that are rare in *known* counting more."""

    def __init__(self, known: Sequence[str]) -> None:
        seen = Counter(word for request in known for word in _features(request))
        self._weights = {word: math.log(1 + len(known) / count) for word, count in seen.items()}
        self._unknown = math.log(1 + len(known))

    def __call__(self, one: str, other: str) -> float:
        """Return how alike *one* and *other* are."""
        first, second = _features(one), _features(other)
        total = self._weight(first) * self._weight(second)
        return self._weight(first & second) / total**0.5 if total else 0.0

    def _weight(self, words: set[str]) -> float:
        weighed = ((word, self._weights.get(word, self._unknown)) for word in words)
        # Exact: a plain sum rounds by the order of the set, another one in each process, and that decides ties.
        return math.fsum(weight * (_PAIR_SHARE if " " in word else 1.0) for word, weight in weighed)


def _features(text: str) -> set[str]:
    """Return the words of *text*, and its pairs of words: `from 0` and `0 from` are not alike."""
    words = words_in(text)
    return {*words, *map(" ".join, itertools.pairwise(words))}


def most_alike(request: str, pool: Sequence[_Row], *, text: Callable[[_Row], str], shown: int) -> list[_Row]:
    """Return the rows whose *text* is most like *request*, the most like last: there a model looks most."""
    alike = Likeness([text(row) for row in pool])
    return sorted(pool, key=lambda row: -alike(request, text(row)))[:shown][::-1]
