"""How the embedded model writes Python: it picks among the shapes of like examples, filled with the request's words.

A model this small writes sound Python only where it may copy. So its decoding is constrained by a grammar: the code of
the example that is most like the request (of several, if they are equally like it), with the request's numbers and
words in place of its own. What the grammar leaves open, the shape, the order, the words, is the model's choice.
Arithmetic that a request spells out is copied as it stands. Where no example fits, the model writes freely, but every
number and every quoted word must come from the request or the examples.
"""

from __future__ import annotations

import ast
import itertools
import re
from typing import TYPE_CHECKING

from liteagent_nb.models.embedded.grammar import one_of
from liteagent_nb.models.embedded.python_examples import EXAMPLES
from liteagent_nb.models.embedded.shapes import LITERAL, Shape
from liteagent_nb.models.embedded.words import Likeness, fitted, most_alike, numbers_in, spans_in, with_figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["code_grammar", "code_prompt", "like_examples", "with_imports"]

Example = tuple[str, str]

_SHOWN = 3
_MIN_LIKENESS = 0.3
_NEARLY = 0.97
_MAX_PROGRAMS = 48
_MODULES = ("datetime", "math", "random", "statistics")
_EXPRESSION = re.compile(r"[\d(][\d\s().+\-*/]*[\d)]")
_SIGNS = {
    r"\s*(?:\^|\bto the power(?: of)?\b)\s*": " ** ",
    r"\s+squared\b": " ** 2",
    r"\s+cubed\b": " ** 3",
    r"(?<=[\d)])\s*(?:\u00d7|x|times|multiplied by)\s*(?=[\d(])": " * ",
    r"(?<=[\d)])\s*(?:\u00f7|divided by|over)\s*(?=[\d(])": " / ",
    r"(?<=[\d)])\s+plus\s+(?=[\d(])": " + ",
    r"(?<=[\d)])\s+minus\s+(?=[\d(])": " - ",
}
"""Words for operators, in the order in which they are read."""
_FILLERS = frozenset(
    "a and answer calculate can comes compute could do does equal equals evaluate figure for get give gives hey hi how "
    "i in is know let like make makes me much need of one out please python quick result s solve tell the to up use "
    "using value what whats with work would you".split()
)
"""Words around arithmetic that change nothing about it; with any other (`remainder of`) it may mean something else."""
_SPAN_WORDS = 8
_LONGEST_REQUEST = 600


def like_examples(request: str, pool: Sequence[Example] = EXAMPLES, *, shown: int = _SHOWN) -> list[Example]:
    """Return the examples most like *request*, the most like last; those whose shape *request* can fill, if any."""
    fitting = [example for example in pool if next(Shape(*example).filled(request), None) is not None]
    return most_alike(request, fitting or pool, text=lambda example: example[0], shown=shown)


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
            yield from Shape(text, code).filled(request)


def _expressions(request: str) -> Iterator[str]:
    """Yield the arithmetic that *request* spells out, in signs or in words: `12 * (7 + 5)`, `three times seven`."""
    signs = with_figures(request.lower())
    for word, sign in _SIGNS.items():
        signs = re.sub(word, sign, signs)
    for match in _EXPRESSION.finditer(signs):
        around = re.findall(r"[a-z%]+", f"{signs[: match.start()]} {signs[match.end() :]}")
        is_whole = re.search(r"[-+*/]\s*[\d(]", match[0]) and _FILLERS.issuperset(around)
        if is_whole and _is_python(match[0]):
            yield " ".join(match[0].split())


def _free_grammar(request: str, examples: Sequence[Example]) -> str:
    numbers = dict.fromkeys(numbers_in(request))
    texts = dict.fromkeys(span for span in spans_in(request, longest=_SPAN_WORDS) if "'" not in span)
    for asked, code in examples:
        for match in LITERAL.finditer(code):
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
