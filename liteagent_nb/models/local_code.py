"""How the embedded model writes Python: it picks among the shapes of like examples, filled with the request's words.

A model this small writes sound Python only where it may copy. So its decoding is constrained by a grammar: the code of
the examples that are most like the request, with the request's numbers and words in place of theirs, in every order.
Which shape and which order is the model's choice. Where no example fits, it writes freely, but every number and every
quoted word must come from the request or the examples.
"""

from __future__ import annotations

import ast
import itertools
import re
from typing import TYPE_CHECKING

from liteagent_nb.models.local_grammar import one_of
from liteagent_nb.models.local_python import EXAMPLES
from liteagent_nb.models.local_words import Likeness, fitted, most_alike, numbers_in, quoted_in, spans_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["code_grammar", "code_prompt", "like_examples", "with_imports"]

Example = tuple[str, str]

_SHOWN = 3
_MIN_LIKENESS = 0.3
_NEARLY = 0.7
_MAX_PROGRAMS = 48
_MODULES = ("datetime", "math", "random", "statistics")
_LITERAL = re.compile(r"'(?P<text>[^']*)'|(?<![\w.])(?P<number>\d+(?:\.\d+)?)")
_LIST = re.compile(r"\[\d+(?:\.\d+)?(?:, \d+(?:\.\d+)?)+\]")
_EXPRESSION = re.compile(r"[\d(][\d\s().+\-*/^%\u00d7x\u00f7]*[\d)]")
_SPAN_WORDS = 8
_LONGEST_REQUEST = 600


def like_examples(request: str, pool: Sequence[Example] = EXAMPLES, *, shown: int = _SHOWN) -> list[Example]:
    """Return the examples most like *request*, the most like last."""
    return most_alike(request, pool, text=lambda example: example[0], shown=shown)


def code_prompt(request: str, examples: Iterable[Example]) -> str:
    """Return the text that the model goes on writing."""
    shown = "".join(f"Request: {asked}\nCode: {code}\n\n" for asked, code in examples)
    return f"{shown}Request: {fitted(request, _LONGEST_REQUEST)}\nCode:"


def code_grammar(request: str, examples: Sequence[Example]) -> str:
    """Return the grammar (GBNF) of the programs that the model may choose from."""
    programs = list(itertools.islice(dict.fromkeys(_programs(request, examples)), _MAX_PROGRAMS))
    if programs:
        return f'root ::= " " {one_of(programs)} "\\n"\n'
    return _free_grammar(request, examples)


def _programs(request: str, examples: Sequence[Example]) -> Iterator[str]:
    written = [f"print({text})" for text in _expressions(request)]
    if written:
        yield from written
        return
    alike = Likeness([text for text, _ in EXAMPLES])
    likely = [(alike(request, text), text, code) for text, code in examples]
    best = max((like for like, _, _ in likely), default=0.0)
    for like, text, code in reversed(likely):
        if like >= max(_MIN_LIKENESS, _NEARLY * best):
            yield from _filled(request, text, code)


def _expressions(request: str) -> Iterator[str]:
    """Yield what *request* already spells as arithmetic: `12 * (7 + 5)`."""
    for match in _EXPRESSION.finditer(request):
        text = match[0].replace("^", "**").replace("\u00d7", "*").replace("\u00f7", "/").replace("x", "*")
        if re.search(r"\d\s*[-+*/%]+\s*[\d(]", text) and _is_python(text):
            yield text


def _filled(request: str, text: str, code: str) -> Iterator[str]:
    """Yield *code*, which was written for *text*, with the numbers and words of *request* in the place of its own."""
    numbers = list(dict.fromkeys(numbers_in(request)))
    own = _LIST.search(code)
    if own and len(numbers_in(request)) > 1:
        code, numbers = code.replace(own[0], f"[{', '.join(numbers_in(request))}]"), []
    slots = list(dict.fromkeys(m["number"] for m in _LITERAL.finditer(code) if m["number"] in numbers_in(text)))
    if own:
        slots = []
    if len(slots) != len(numbers):
        return
    texts = list(dict.fromkeys(m["text"] for m in _LITERAL.finditer(code) if m["text"] and m["text"] in text))
    for order in itertools.permutations(numbers):
        for words in _choices_of_words(request, texts):
            yield _replaced(code, dict(zip(slots, order, strict=True)), dict(zip(texts, words, strict=True)))


def _choices_of_words(request: str, texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield what of *request* may take the place of *texts*: a letter for a letter, a word for a word."""
    for words in itertools.product(*(_alike(request, text) for text in texts)):
        if len(set(words)) == len(words):
            yield words


def _alike(request: str, text: str) -> list[str]:
    quotes = [part for part in quoted_in(request) if "'" not in part]
    spans = [span for span in spans_in(request, longest=len(text.split())) if "'" not in span]
    if len(text) == 1:
        letters = [span[0] for span in spans_in(request.replace("'s", " "), longest=1) if len(span) == 1]
        return list(dict.fromkeys(letters))
    fitting = [part for part in quotes if len(part) > 1] or [span for span in spans if len(span) > 1]
    return list(dict.fromkeys(fitting))


def _replaced(code: str, numbers: dict[str, str], texts: dict[str, str]) -> str:
    def swap(match: re.Match[str]) -> str:
        if match["number"] is not None:
            return numbers.get(match["number"], match["number"])
        return f"'{texts.get(match['text'], match['text'])}'"

    return _LITERAL.sub(swap, code)


def _free_grammar(request: str, examples: Sequence[Example]) -> str:
    numbers = dict.fromkeys(numbers_in(request))
    texts = dict.fromkeys(span for span in spans_in(request, longest=_SPAN_WORDS) if "'" not in span)
    for asked, code in examples:
        for match in _LITERAL.finditer(code):
            if match["number"] and match["number"] not in numbers_in(asked):
                numbers[match["number"]] = None
            elif match["text"] and match["text"] not in asked:
                texts[match["text"]] = None
    return (
        'root ::= " print(" literal? (other literal?){1,24} ")\\n"\n'
        'literal ::= number | "\'" text "\'"\n'
        f"number ::= {one_of(numbers or {'0': None})}\n"
        f"text ::= {one_of(texts or {'': None})}\n"
        "other ::= [^0-9'\\\"`#\\n]{1,12}\n"
    )


def _is_python(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def with_imports(code: str) -> str:
    """Return *code* with the imports that it needs: the examples leave them out, to be short."""
    needed = [name for name in _MODULES if re.search(rf"\b{name}\.", code)]
    return "".join(f"import {name}\n" for name in needed) + code
