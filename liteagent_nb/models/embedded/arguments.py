"""The arguments of a call: copied by the embedded model from the request, one parameter after another.

It continues a few examples; a grammar allows only what the request offers: its words in runs of one to eight, its
numbers, the values that the schema names. Which of them belongs where is the model's choice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liteagent_nb.models.embedded.code import code_grammar, code_prompt, like_examples, with_imports
from liteagent_nb.models.embedded.engine import Engine, Piece, Slot
from liteagent_nb.models.embedded.grammar import one_of
from liteagent_nb.models.embedded.habits import LANGUAGES, habits_of, is_built_in
from liteagent_nb.models.embedded.offer import Example, Offer, fields_of, spelled
from liteagent_nb.models.embedded.words import fitted, most_alike

if TYPE_CHECKING:
    from liteagent_nb.core.tools import Tool

__all__ = ["Arguments", "write_arguments"]


_EXAMPLES: tuple[Example, ...] = (
    ("Will it snow in Madrid tomorrow?", {"city": "Madrid"}),
    ("how cold is it in San Marino", {"city": "San Marino"}),
    ("what is the time in Lagos now?", {"city": "Lagos"}),
    ("How do you say good night in Polish?", {"text": "good night", "language": "Polish"}),
    ("translate where is the station into Dutch", {"text": "where is the station", "language": "Dutch"}),
    ("switch the heating off", {"on": False}),
    ("turn on the radio", {"on": True}),
    ("switch on the fan", {"on": True}),
    ("turn off the radio", {"on": False}),
    ("switch the heating on", {"on": True}),
    ("switch off the fan", {"on": False}),
    ("Book a table for 4 at Luigi's", {"restaurant": "Luigi's", "people": 4, "time": "none"}),
    ("subtract 3 from 10", {"a": 10, "b": 3}),
    ("multiply 6 with 7", {"a": 6, "b": 7}),
    ("add 2.5 and 4", {"a": 2.5, "b": 4}),
    ("divide 20 by 5", {"a": 20, "b": 5}),
    ("convert 90 pesos to rupees", {"amount": 90, "source": "pesos", "target": "rupees"}),
    ("change 30 francs into dollars", {"amount": 30, "source": "francs", "target": "dollars"}),
    ("Convert 15 crowns to francs", {"amount": 15, "source": "crowns", "target": "francs"}),
    ("convert 5 miles to metres", {"value": 5, "from": "miles", "to": "metres"}),
    ("please play The Beatles", {"artist": "The Beatles"}),
    ("Remind me to feed the fish", {"text": "feed the fish"}),
    ("note down buy more bread", {"text": "buy more bread"}),
    ("How are the shares of Nokia doing?", {"company": "Nokia"}),
    ("say hello to Ben", {"name": "Ben"}),
    ("Send Sara a message that says see you soon", {"to": "Sara", "text": "see you soon"}),
    ("set a timer for 5 minutes", {"minutes": 5}),
    ("tell me about the planet Venus", {"query": "the planet Venus"}),
    ("what is the capital of Peru", {"country": "Peru"}),
    ("delete the file notes.txt", {"path": "notes.txt"}),
)
_SHOWN = 4
_AFTER_COLON = re.compile(
    rf"\b(?:code|script|program|python|{LANGUAGES})\b[^:\n]{{0,20}}:\s*(\S.*)", re.IGNORECASE | re.DOTALL
)
_NONE = "none"
_LONGEST_REQUEST = 600
_MAX_TOKENS = 60
_CODE_TOKENS = 90


@dataclass(slots=True)
class Arguments:
    """What the model has written so far, and what it took."""

    given: dict[str, object] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, piece: Piece) -> str:
        """Count *piece* and return its text."""
        self.prompt_tokens += piece.prompt_tokens
        self.completion_tokens += piece.completion_tokens
        return piece.text.strip()

    @property
    def json(self) -> str:
        """The arguments as a model writes them."""
        return json.dumps(self.given, ensure_ascii=False)


async def write_arguments(engine: Engine, request: str, tool: Tool) -> Arguments:
    """Return the arguments with which *tool* does what *request* asks."""
    arguments = Arguments()
    if is_built_in(tool) and tool.name == "exec_python":
        arguments.given["code"] = await _write_code(engine, request, arguments)
    elif is_built_in(tool) and tool.name == "exec_code":
        await _write_program(engine, request, arguments)
    else:
        await _write_fields(engine, request, tool, arguments)
    return arguments


async def _write_code(engine: Engine, request: str, arguments: Arguments) -> str:
    ready = _code_in(request)
    if re.search(r"[()=]", ready):
        return ready
    examples = like_examples(request)
    piece = await engine.complete(
        code_prompt(request, examples),
        Slot.ARGUMENTS,
        grammar=code_grammar(request, examples),
        n_predict=_CODE_TOKENS,
        stop=["\n"],
    )
    return with_imports(arguments.add(piece))


def _code_in(request: str) -> str:
    """Return the code that *request* brings along: in a fence, in backticks, or after a colon; else nothing."""
    fenced = re.search(r"```(?:[\w+#]*\n)?(.+?)```|`([^`]+)`", request, re.DOTALL)
    if fenced:
        return (fenced[1] or fenced[2]).strip()
    after = re.search(
        rf"\b(?:code|script|program|python|{LANGUAGES})\b[^:\n]{{0,20}}:\s*(\S.*)", request, re.IGNORECASE | re.DOTALL
    )
    return after[1].strip() if after else ""


async def _write_program(engine: Engine, request: str, arguments: Arguments) -> None:
    code = _code_in(request)
    outside = request.replace(code, " ") if code else request
    named = re.search(rf"(?<!\w)(?:{LANGUAGES}|python)(?![\w+])", outside, re.IGNORECASE)
    language = named[0].lower() if named else "python"
    arguments.given["language"] = {"js": "javascript", "node": "javascript", "golang": "go", "c++": "cpp"}.get(
        language, language
    )
    arguments.given["code"] = code or await _write_code(engine, request, arguments)


async def _write_fields(engine: Engine, request: str, tool: Tool, arguments: Arguments) -> None:
    short = fitted(request, _LONGEST_REQUEST)
    own = habits_of(tool).examples
    examples = _like_examples(short, tool, own)
    prompt = f"{_shown(examples)}Request: {short}\n"
    offer = Offer(short, examples)
    for name, schema in fields_of(tool).items():
        is_required = _is_required(tool, name)
        allowed = [*offer.values(name, schema), *([] if is_required else [_NONE])]
        if not allowed:
            continue
        piece = await engine.complete(
            f"{prompt}{name}:",
            Slot.ARGUMENTS,
            grammar=f'root ::= " " {one_of(dict.fromkeys(allowed))} "\\n"\n',
            n_predict=_MAX_TOKENS,
            stop=["\n"],
        )
        text = arguments.add(piece)
        prompt += f"{name}: {text}\n"
        if text != _NONE or is_required:
            arguments.given[name] = offer.take(text, schema)


def _like_examples(request: str, tool: Tool, own: Sequence[Example]) -> list[Example]:
    """Return the tool's own examples, else those with the same parameters or much like *request*."""
    names = " ".join(fields_of(tool))
    asked = f"{request} {names} {names}"
    pool = own or _EXAMPLES
    return most_alike(asked, pool, text=lambda row: f"{row[0]} {' '.join(row[1])}", shown=len(own) or _SHOWN)


def _shown(examples: Sequence[Example]) -> str:
    return "".join(
        f"Request: {request}\n" + "".join(f"{name}: {spelled(value)}\n" for name, value in given.items()) + "\n"
        for request, given in examples
    )


def _is_required(tool: Tool, name: str) -> bool:
    required = tool.parameters.get("required")
    return isinstance(required, Sequence) and name in required
