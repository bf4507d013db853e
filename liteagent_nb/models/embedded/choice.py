"""Which tool a request needs, if any: the embedded model says what the request is about, and the topics are compared.

The score of a topic word is its log-probability after "This message is about", less its mean over a dozen other
requests (batch calibration): so a word that is likely after anything says nothing. A tool counts its best word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from liteagent_nb.core.tools import Tool
from liteagent_nb.models.embedded.engine import Engine, Piece, Slot
from liteagent_nb.models.embedded.habits import (
    CHAT_ROUTE,
    CHAT_TOPICS,
    EMPTY_WORDS,
    Habits,
    habits_of,
    is_built_in,
    name_words,
)
from liteagent_nb.models.embedded.words import fitted, numbers_in, words_in

__all__ = ["CALIBRATION", "Choice", "choose_tool", "measure_topics", "topic_prompt"]

_EXAMPLES = (
    ("What is 12 plus 30?", "math"),
    ("Hi, nice to meet you", "greeting"),
    ("Open the terminal and list my files", "shell"),
    ("Will it snow in Madrid?", "weather"),
    ("Find articles about whales", "search"),
    ("Tell me something funny", "joke"),
    ("How do I bake bread?", "cooking"),
    ("Run this Ruby program: puts 1", "code"),
    ("Wake me at seven", "alarm"),
    ("What is love?", "philosophy"),
    ("Book a flight to Lima", "travel"),
    ("Zip this string", "compression"),
)

CALIBRATION = (
    "What is 8 times 15?", "How many vowels are in giraffe?", "echo hi in the terminal", "Run this PHP: echo 2;",
    "Look up volcanoes", "Compress bbbbcc", "Good evening!", "Write a song about rain", "Who painted the Mona Lisa?",
    "Why do cats purr?", "Will it be windy in Lyon?", "Send a message to Ben",
)  # fmt: skip
"""The requests whose mean is taken off."""

_UNLIKELY = -15.0
"""What a word counts that is not among the likely ones."""
_ROUTE_BONUS = 3.0
_SECOND_ROUTE_BONUS = 2.0
_NO_ROUTE = -2.0
_NAME_BONUS = 7.0
_CHAT_BONUS = 5.0
_FITS_BONUS = 2.0
_MISFIT = -5.0
_MIN_SCORE = 3.5
"""What a tool must reach at least: below, a topic is guesswork."""
_LONGEST_REQUEST = 600


@dataclass(frozen=True, slots=True)
class Choice:
    """The tool that a request needs, or None; with every score, and what it cost to find out."""

    tool: Tool | None
    scores: Mapping[str, float]
    prompt_tokens: int = 0
    completion_tokens: int = 0


def topic_prompt(request: str) -> str:
    """Return the text whose next word is the topic of *request*."""
    shown = "".join(f'Message: "{text}"\nThis message is about {topic}.\n\n' for text, topic in _EXAMPLES)
    short = fitted(request, _LONGEST_REQUEST).replace('"', "'")
    return f'{shown}Message: "{short}"\nThis message is about'


async def choose_tool(engine: Engine, request: str, tools: Sequence[Tool], means: dict[str, float]) -> Choice:
    """Return the tool that *request* needs. *means* keeps what was measured for words that ship without a constant."""
    named = _named_tool(request, tools)
    if named is not None:
        return Choice(named, {named.name: float("inf")})
    habits = {tool.name: habits_of(tool) for tool in tools}
    spent = await _calibrate(engine, habits, means)
    words, piece = await engine.next_words(topic_prompt(request), Slot.CHOICE)
    scores = {tool.name: _score(request, tool, habits[tool.name], words, means) for tool in tools}
    none = max(_likely(words, word) - mean for word, mean in CHAT_TOPICS.items())
    none += _CHAT_BONUS if CHAT_ROUTE.search(request) else 0.0
    best = max(tools, key=lambda tool: scores[tool.name])
    is_needed = scores[best.name] >= max(_MIN_SCORE, none)
    return Choice(
        best if is_needed else None,
        scores | {"": none},
        spent.prompt_tokens + piece.prompt_tokens,
        spent.completion_tokens + piece.completion_tokens,
    )


def _named_tool(request: str, tools: Sequence[Tool]) -> Tool | None:
    """Return the tool that *request* asks for by name: `exec_python`, `the weather tool`, `call add`, `add(2, 3)`."""
    for tool in tools:
        name = re.escape(tool.name)
        words = [word for word in name_words(tool.name) if word != "exec"]
        spoken = r"[ _-]".join(map(re.escape, words)) or name
        patterns = [
            rf"(?<!\w)(?:{name}|{spoken}) (?:tool|function)(?!\w)",
            rf"(?<!\w)(?:tool|function) `?(?:{name}|{spoken})(?!\w)",
            rf"(?<!\w)(?:use|call|invoke) (?:the )?`?(?:{name}|{spoken})(?!\w)",
            rf"(?<!\w){name}\(",
        ]
        if "_" in tool.name:
            patterns.append(rf"(?<!\w){name}(?!\w)")
        if any(re.search(pattern, request, re.IGNORECASE) for pattern in patterns):
            return tool
    return None


def _score(request: str, tool: Tool, habits: Habits, words: Mapping[str, float], means: Mapping[str, float]) -> float:
    topics = {word: means[word] if mean is None else mean for word, mean in habits.topic.items()}
    best = max((_likely(words, word) - mean for word, mean in topics.items()), default=0.0)
    routes = sum(pattern.search(request) is not None for pattern in habits.route)
    bonus = (_NO_ROUTE if is_built_in(tool) else 0.0, _ROUTE_BONUS)[routes > 0] + (0.0, _SECOND_ROUTE_BONUS)[routes > 1]
    return best + bonus + _fit(request, tool) + (_NAME_BONUS if _is_named(request, tool) else 0.0)


def _fit(request: str, tool: Tool) -> float:
    """Return what it says that a tool of numbers only is offered as many numbers as it takes, or not."""
    properties = tool.parameters.get("properties")
    schemas = list(properties.values()) if isinstance(properties, Mapping) else []
    types = {schema.get("type") for schema in schemas if isinstance(schema, Mapping)}
    if not types or not types <= {"number", "integer"}:
        return 0.0
    required = tool.parameters.get("required")
    least = len(required) if isinstance(required, Sequence) else 0
    return _FITS_BONUS if least <= len(numbers_in(request)) <= len(schemas) else _MISFIT


def _is_named(request: str, tool: Tool) -> bool:
    """Whether *request* has a content word of the tool's name; the built-in tools have their routes instead."""
    if is_built_in(tool):
        return False
    named = name_words(tool.name)
    content = [word for word in named if word not in EMPTY_WORDS] or named
    return not set(words_in(" ".join(content))).isdisjoint(words_in(request))


def _likely(words: Mapping[str, float], word: str) -> float:
    """Return the log-probability of *word*; of its longest beginning where the model writes it in pieces."""
    found = [words[form] for form in _forms(word) if form in words]
    if not found:
        # A space and four letters at least: less could begin anything.
        beginnings = (f" {word}"[:length] for length in range(len(word), 4, -1))
        found = [words[part] for part in beginnings if part in words][:1]
    return max([_UNLIKELY, *found])


def _forms(word: str) -> Iterator[str]:
    yield from (f" {word}", f" {word}s", f" {word}ing", f" {word.removesuffix('s')}")
    if word.endswith("e"):
        yield from (f" {word[:-1]}ing", f" {word[:-1]}ion")


async def _calibrate(engine: Engine, habits: Mapping[str, Habits], means: dict[str, float]) -> Piece:
    missing = {word for known in habits.values() for word, mean in known.topic.items() if mean is None} - means.keys()
    if not missing:
        return Piece()
    measured, piece = await measure_topics(engine, missing)
    means.update(measured)
    return piece


async def measure_topics(engine: Engine, words: set[str]) -> tuple[dict[str, float], Piece]:
    """Return each word's mean log-probability over the calibration requests; a second of work."""
    sums = dict.fromkeys(words, 0.0)
    prompt_tokens = completion_tokens = 0
    for request in CALIBRATION:
        likely, piece = await engine.next_words(topic_prompt(request), Slot.CHOICE)
        for word in words:
            sums[word] += _likely(likely, word) / len(CALIBRATION)
        prompt_tokens += piece.prompt_tokens
        completion_tokens += piece.completion_tokens
    return sums, Piece("", prompt_tokens, completion_tokens)
