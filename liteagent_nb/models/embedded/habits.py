"""What the embedded model knows about a tool: its everyday topic, requests that call it, answers that read it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from liteagent_nb.core.chat import text_of

if TYPE_CHECKING:
    from liteagent_nb.core.tools import Tool

__all__ = ["CHAT_ROUTE", "CHAT_TOPICS", "LANGUAGES", "Habits", "habits_of", "is_built_in", "name_words"]


@dataclass(frozen=True, slots=True)
class Habits:
    """How a small model is led to one tool: what `Tool.hints` may carry, read and completed."""

    topic: Mapping[str, float | None] = field(default_factory=dict)
    """Everyday words with their mean log-probability over the calibration requests; None: still to be measured."""
    route: tuple[re.Pattern[str], ...] = ()
    """What in a request speaks for this tool."""
    examples: tuple[tuple[str, Mapping[str, object]], ...] = ()
    """Requests with the arguments they lead to."""
    answers: tuple[tuple[str, str, str], ...] = ()
    """Request, what the tool returned, answer."""


CHAT_TOPICS: Mapping[str, float] = {
    "greeting": -9.17, "person": -11.42, "feelings": -9.87, "poetry": -7.44, "literature": -10.51, "stories": -10.77,
    "animals": -9.69, "friends": -11.76, "food": -9.73, "philosophy": -8.90, "joke": -8.27, "gratitude": -12.64,
    "farewell": -12.77, "opinion": -12.27, "help": -10.25, "recommendation": -12.30, "France": -11.48,
    "courage": -11.96,    "science": -6.92, "politics": -9.71, "morning": -12.11,
}  # fmt: skip
"""The topics of requests that need no tool."""

CHAT_ROUTE = re.compile(
    r"^\W*(?:hi|hello|hey|thanks|thank you|bye|goodbye|good (?:morning|evening|night|day)|nice|welcome)\b"
    r"|\b(?:do|are|can|could|would|will) you (?:like|love|feel|think|help|know|a|an|real|happy|human)\b"
    r"|\b(?:who|what|how) are you\b|\byour\b|\b(?:write|tell) (?:me )?an? (?!\w*program|script|function|code)[a-z]+\b",
    re.IGNORECASE,
)
"""What in a request speaks for an answer without a tool."""

LANGUAGES: Final = (
    r"javascript|js|node|bash|ruby|php|perl|lua|rust|go(?:lang)?|java|c\+\+|cpp|c|typescript|powershell|sql"
)


def _route(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


_BUILT_IN: Mapping[str, Habits] = {
    "exec_python": Habits(
        topic={
            "math": -6.25,
            "arithmetic": -10.52,
            "numbers": -7.89,
            "fractions": -12.09,
            "percentages": -12.56,
            "multiplication": -10.51,
            "algebra": -11.78,
            "counting": -9.73,
            "words": -7.73,
            "spelling": -9.32,
            "sorting": -8.82,
            "binary": -10.44,
            "reversing": -11.76,
            "price": -13.82,
            "minutes": -13.77,
            "distance": -10.43,
        },
        route=_route(
            r"\bpython\b",
            r"\d\D+\d",
            r"\bhow (?:many|often|long|much)\b",
            r"\b(?:add|sum|plus|minus|times|multiply|divided?|subtract|double|half|twice|root|factorial|power)\b",
            r"\b(?:calculate|compute|reverse|backwards|sort|count|average|percent|square[ds]?|cubed?|binary|prime)\b",
            r"\b(?:letters|letter \w\b|characters?|vowels?|(?:upper|lower) ?case|capital letters|digits?)\b",
        ),
        answers=(
            ("What is 12 plus 30?", "42", "12 plus 30 is 42."),
            ("add 44 and 17", "61", "The result is 61."),
            ("average of 3, 5 and 10", "6", "The average of 3, 5 and 10 is 6."),
            ("How much is 20% of 80?", "16.0", "20% of 80 is 16.0."),
            ("double 35", "70", "The double of 35 is 70."),
            ("take 8 away from 31", "23", "The result is 23."),
            ("work out 3 * (4 + 5)", "27", "The result is 27."),
            ("Divide 84 by 7", "12.0", "The result is 12.0."),
            ("What is the square root of 144?", "12.0", "The square root of 144 is 12.0."),
            ("5 cubed", "125", "5 cubed is 125."),
            ("Compute the factorial of 5", "120", "The factorial of 5 is 120."),
            ("What is the remainder when 29 is divided by 6?", "5", "The remainder is 5."),
            ("sum of the numbers from 1 to 10", "55", "The sum of the numbers from 1 to 10 is 55."),
            ("How many letters are in giraffe?", "7", "The word giraffe has 7 letters."),
            ("how many minutes are in 4 hours", "240", "4 hours are 240 minutes."),
            ("How often does e occur in cheese?", "3", "The letter e occurs 3 times in cheese."),
            ("A pen costs 4 dollars. What do 9 pens cost?", "36", "9 pens cost 36 dollars."),
            ("3 bags with 12 apples each and 4 loose apples: how many apples?", "40", "There are 40 apples."),
            ("A car goes 60 km/h for 2 hours. How far does it get?", "120", "It gets 120 km far."),
            ("Tom has 50 dollars and spends 18. What is left?", "32", "There are 32 dollars left."),
            ("Reverse the word banana", "ananab", "The word banana reversed is ananab."),
            ("write cat in capital letters", "CAT", "In capital letters it is CAT."),
            ("Convert 12 to binary", "1100", "12 in binary is 1100."),
            ("sort 5, 2 and 8", "[2, 5, 8]", "The sorted numbers are [2, 5, 8]."),
            ("Which is the largest of 8, 61 and 7?", "61", "The largest is 61."),
            ("list the first 4 cubes", "1 8 27 64", "The first 4 cubes are 1 8 27 64."),
            ("Is 31 a prime number?", "True", "Yes, 31 is a prime number."),
            ("Is 15 even?", "False", "No, 15 is not even."),
        ),
    ),
    "exec_shell": Habits(
        topic={"shell": -11.06, "command": -9.39, "echo": -9.51, "terminal": -10.93},
        route=_route(r"\b(?:shell|terminal|command|console|prompt)\b", r"\becho\b"),
        examples=(
            ("Run echo good night in the shell", {"cmd": "echo good night"}),
            ("use the terminal to run ls", {"cmd": "ls"}),
            ("type echo ready into the prompt", {"cmd": "echo ready"}),
            ("run `echo 5` please", {"cmd": "echo 5"}),
            ("say welcome with a shell command", {"cmd": "echo welcome"}),
            ("Let the console print 'job done'", {"cmd": "echo job done"}),
            ("bash: echo one two", {"cmd": "echo one two"}),
        ),
        answers=(
            ("Run echo good night in the shell", "good night", "The command printed good night."),
            ("use the terminal to run pwd", "/home/me", "The command printed /home/me."),
        ),
    ),
    "exec_code": Habits(
        topic={
            "Java": -8.59,
            "JS": -12.59,
            "Ruby": -11.52,
            "Node": -13.66,
            "compiler": -9.97,
            "Bash": -11.74,
            "program": -9.31,
        },
        route=_route(rf"\b(?:{LANGUAGES})\b.*?[:`\n]", rf"\b(?:run|execute|evaluate)\b.*\b(?:{LANGUAGES})\b"),
        examples=(
            ("Run this PHP: echo 2;", {"language": "php", "code": "echo 2;"}),
            ("Execute the ruby code `puts 3`", {"language": "ruby", "code": "puts 3"}),
        ),
        answers=(
            ("Run this PHP: echo 2;", "2", "The code printed 2."),
            ("Execute the ruby code `puts 'hi'`", "hi", "The code printed hi."),
        ),
    ),
    "research_echo": Habits(
        topic={"research": -12.06, "sources": -11.63},
        route=_route(
            r"\b(?:research|look (?:up|into)|search|google|investigate|read up on)\b",
            r"\bfind\b|\b(?:look for|dig up)\b",
            r"\b(?:information|sources|articles|papers|facts) (?:on|about)\b",
        ),
        examples=(
            ("Research the history of tea", {"query": "the history of tea"}),
            ("look up volcanoes", {"query": "volcanoes"}),
            ("google sea turtles", {"query": "sea turtles"}),
            ("do some research on green tea", {"query": "green tea"}),
            ("Can you find out more about the moon landing?", {"query": "the moon landing"}),
            ("search for news on electric bikes please", {"query": "news on electric bikes"}),
        ),
        answers=(
            ("look up volcanoes", "volcanoes", "The search returned: volcanoes."),
            ("Research the history of tea", "Tea was first drunk in China.", "Tea was first drunk in China."),
        ),
    ),
    "compress_runs": Habits(
        topic={"compression": -8.66, "compressed": -10.56, "encoding": -10.63, "shortening": -10.89},
        route=_route(
            r"\bcompress",
            r"\brun[- ]length|\brepeated (?:letters|characters)\b",
            r"\bencode\b.*\bruns?\b",
            r"\b\w*(\w)\1\1\w*\b",
        ),
        examples=(
            ("Compress bbbbcc", {"s": "bbbbcc"}),
            ("what is the run-length code of eeeefff?", {"s": "eeeefff"}),
            ("make the string kkkkllm shorter", {"s": "kkkkllm"}),
            ("compress the text oooopp", {"s": "oooopp"}),
            ("compress the runs in yyyyyx", {"s": "yyyyyx"}),
            ("encode the runs of 4455", {"s": "4455"}),
        ),
        answers=(
            ("Compress bbbbcc", "b4c2", "bbbbcc compressed is b4c2."),
            ("make the string kkkkllm shorter", "k4l2m", "kkkkllm compressed is k4l2m."),
        ),
    ),
}


def is_built_in(tool: Tool) -> bool:
    """Whether *tool* is one of the local tools, whose habits ship with the package."""
    return tool.name in _BUILT_IN


def habits_of(tool: Tool) -> Habits:
    """Return what is known about *tool*: its hints, else the built-in ones of its name, else what its name says."""
    known = _BUILT_IN.get(tool.name, Habits())
    hints = tool.hints
    return Habits(
        topic=_read_topic(hints.get("topic")) or known.topic or _topic_of(tool),
        route=(*_read_route(hints.get("route")), *known.route),
        examples=(*_read_examples(hints.get("examples")), *known.examples),
        answers=(*_read_answers(hints.get("answers")), *known.answers),
    )


EMPTY_WORDS = frozenset(
    "a about add all an and any are as at be by call can compute convert create current do does each find for from get "
    "give given has have how if in into is it its list local make me more my new of on one or out return returns run "
    "set show some tell text that the their them then there this to tool turn two use used using value what when where "
    "which whether with you your".split()
)
_TOPIC_WORDS = 6


def _topic_of(tool: Tool) -> dict[str, float | None]:
    """Return the content words of a tool's name and description; a name made of empty words only stands for itself."""
    name = name_words(tool.name)
    content = [word for word in name if word not in EMPTY_WORDS] or name
    described = re.findall(r"[a-z]{3,}", tool.description.partition("\n")[0].lower())
    words = dict.fromkeys([*content, *(word for word in described if word not in EMPTY_WORDS)])
    return dict.fromkeys(list(words)[:_TOPIC_WORDS])


def name_words(name: str) -> list[str]:
    """Return the words in a name: `get_stockPrice` is get, stock, price."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[A-Za-z]+", spaced)]


def _read_topic(hint: object) -> dict[str, float | None]:
    if isinstance(hint, Mapping):
        return {str(word): float(mean) if isinstance(mean, int | float) else None for word, mean in hint.items()}
    return dict.fromkeys(_texts(hint))


def _read_route(hint: object) -> tuple[re.Pattern[str], ...]:
    """Read words that speak for a tool; plain text, so that no user has to know about patterns."""
    return tuple(re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) for word in _texts(hint))


def _texts(hint: object) -> list[str]:
    if isinstance(hint, str):
        return [hint]
    return [str(word) for word in hint] if isinstance(hint, Iterable) else []


def _rows(hint: object, width: int) -> list[Sequence[object]]:
    if not isinstance(hint, Iterable) or isinstance(hint, str | Mapping):
        return []
    return [row for row in hint if isinstance(row, Sequence) and not isinstance(row, str) and len(row) == width]


def _read_examples(hint: object) -> tuple[tuple[str, Mapping[str, object]], ...]:
    return tuple((text_of(asked), given) for asked, given in _rows(hint, 2) if isinstance(given, Mapping))


def _read_answers(hint: object) -> tuple[tuple[str, str, str], ...]:
    return tuple((text_of(asked), text_of(found), text_of(said)) for asked, found, said in _rows(hint, 3))
