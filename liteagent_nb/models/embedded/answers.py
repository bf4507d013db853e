"""The answer after a tool has run: examples of the same tool, and a grammar that keeps the result as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from liteagent_nb.models.embedded.grammar import literal, one_of
from liteagent_nb.models.embedded.words import fitted, most_alike

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.models.embedded.habits import Habits

__all__ = ["ANSWER_TOKENS", "answer_grammar", "answer_prompt", "is_failure"]

ANSWER_TOKENS = 120

_EXAMPLES = (
    ("Will it snow in Madrid?", "3 degrees, clouds", "In Madrid it is 3 degrees, clouds."),
    ("What is 12 plus 30?", "42", "12 plus 30 is 42."),
    ("Play some rock", "playing rock", "Done: playing rock."),
    ("change 30 francs into dollars", "33.5", "30 francs are 33.5 dollars."),
    ("How do you say cat in Dutch?", "kat", "In Dutch it is kat."),
    ("throw two coins", "heads, tails", "The result is heads, tails."),
)
_FAILURES = (
    ("What is 5 divided by 0?", "Error: ZeroDivisionError: division by zero", "It failed: division by zero."),
    ("Open the file notes.txt", "Error: FileNotFoundError: no file notes.txt", "It failed: no file notes.txt."),
)
_SHOWN = 4
_SHORT = 200
_LONGEST_RESULT = 1000
_LONGEST_REQUEST = 400
_MOST_WORDS = 160
_GLUE = (
    "is", "are", "was", "has", "the", "The", "a", "of", "in", "In", "and", "it", "It", "result", "answer", "word",
    "There", "times", "reversed", "sorted", "printed", "command", "code", "search", "returned:", "Done:",
)  # fmt: skip
"""The small words that hold an answer together; every other word comes from the request or the result."""


def is_failure(observation: str) -> bool:
    """Whether a tool's message says that it failed."""
    return observation.startswith("Error:")


def answer_prompt(request: str, observation: str, habits: Habits) -> str:
    """Return the text that the model goes on writing."""
    pool = _FAILURES if is_failure(observation) else habits.answers or _EXAMPLES
    examples = most_alike(request, pool, text=lambda row: row[0], shown=_SHOWN)
    shown = "".join(f"Request: {asked}\nResult: {found}\nAnswer: {said}\n\n" for asked, found, said in examples)
    return f"{shown}Request: {fitted(request, _LONGEST_REQUEST)}\nResult: {_told(observation)}\nAnswer:"


def _told(observation: str) -> str:
    found = _reason(observation) if is_failure(observation) else observation.strip()
    return fitted(found, _LONGEST_RESULT) or "(no output)"


def _reason(observation: str) -> str:
    """Return the line that says why: what was raised at the end of a traceback, else the first of the message."""
    first, _, rest = observation.partition("\n")
    raised = re.findall(r"^(?:\w+\.)*(\w*(?:Error|Exception|Interrupt|Exit)\b.*)$", rest, re.MULTILINE)
    return f"Error: {raised[-1]}" if raised else first


def answer_grammar(request: str, observation: str) -> str:
    """Return the grammar of the answer: a short result stands in it letter by letter, and nothing is made up.

    Copying is the one thing that must not go wrong. So the words around the result are those of the request, and the
    few that hold a sentence together; which ones and in what order is the model's.
    """
    found = _told(observation)
    if is_failure(observation):
        return f'root ::= " It failed: " {literal(found.removeprefix("Error:").strip()[:_LONGEST_REQUEST])} "\\n"\n'
    if found in {"True", "False"} and _is_yes_or_no(request):
        start = " Yes," if found == "True" else " No,"
        words = _words(request, [*_GLUE, *(["not"] if found == "False" else [])])
        return f'root ::= "{start}" (" " word){{2,14}} ".\\n"\nword ::= {words}\n'
    if "\n" in observation.strip() or len(found) > _SHORT or found.startswith(("{", "[{")):
        return f'root ::= (" " word){{2,40}} ".\\n"\nword ::= {_words(f"{found} {request}", _GLUE)}\n'
    return (
        f'root ::= (" " word){{2,10}} " " {literal(found)} (" " unit){{0,3}} "."? "\\n"\n'
        f"word ::= {_words(request, _GLUE)}\nunit ::= {_words(request, ('times', 'in', 'left'))}\n"
    )


def _is_yes_or_no(request: str) -> bool:
    return re.match(r"\W*(?:is|are|was|were|do|does|did|has|have|can|will)\b", request, re.IGNORECASE) is not None


def _words(text: str, more: Iterable[str]) -> str:
    """Return the choice between the words of *text* and *more*."""
    own = (word.strip(".,?!:;\"'`()[]{}") for word in text.split())
    return one_of(list(dict.fromkeys([*(word for word in own if word), *more]))[:_MOST_WORDS])
