"""What may be written on the line of `%agent`: the options, and where they end and the task begins."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, magic_arguments

__all__ = ["OPTIONS", "Asked", "Option", "agent_options", "read_line"]

F = TypeVar("F", bound=Callable[..., Any])

_WORD = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|\S)+)""")
_SEVERAL: Mapping[str, Any] = {"action": "append"}
_FLAG: Mapping[str, Any] = {"action": "store_true", "default": None}


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flags, what it does, and how argparse reads it."""

    flags: tuple[str, ...]
    help: str
    reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it."""
        return self.reading.get("action") != "store_true"


OPTIONS = (
    Option(("-m", "--model"), "a litellm model name, local/smollm2, or the name of a Model object of this notebook"),
    Option(("--max-iterations",), "how many times the model may be asked", {"type": int, "metavar": "N"}),
    Option(("--max-seconds",), "how long the whole run may take", {"type": float, "metavar": "S"}),
    Option(("--max-tokens",), "how many tokens the whole run may use", {"type": int, "metavar": "N"}),
    Option(("--budget",), "how much the whole run may cost", {"type": float, "metavar": "USD"}),
    Option(("--price",), "what the model costs: USD for a million tokens, prompt and answer", {"metavar": "IN/OUT"}),
    Option(
        ("--notebook-budget",), "how much all runs together may cost, from now on", {"type": float, "metavar": "USD"}
    ),
    Option(("--notebook-tokens",), "how many tokens all runs together may use", {"type": int, "metavar": "N"}),
    Option(("--notebook-seconds",), "how long all runs together may take", {"type": float, "metavar": "S"}),
    Option(
        ("--cassette",),
        "off, record, replay or auto; a file (auto); or MODE:FILE",
        {"metavar": "CASSETTE"},
    ),
    Option(("--temperature",), "how freely the model words its answer", {"type": float, "metavar": "T"}),
    Option(
        ("--tool",),
        "a function of this notebook that the model may call; may be repeated",
        {**_SEVERAL, "metavar": "NAME"},
    ),
    Option(("--no-tools",), "let the model answer without any tool", _FLAG),
    Option(("--allow-shell",), "a program that exec_shell may run; may be repeated", {**_SEVERAL, "metavar": "PREFIX"}),
    Option(("--auto-run",), "run the first code block of an answer", _FLAG),
    Option(("--escalate",), "a stronger model that takes over when limits come near", {"metavar": "MODEL"}),
    Option(("--concurrency",), "how many tools may run at once", {"type": int, "metavar": "N"}),
    Option(("--timeout",), "how long one tool may take", {"type": float, "metavar": "S"}),
    Option(("--api-base",), "the URL of an OpenAI-compatible server", {"metavar": "URL"}),
    Option(("--system",), "what the model is told before the conversation", {"metavar": "TEXT"}),
    Option(("--fresh",), "begin a new conversation", _FLAG),
    Option(("-o", "--output"), "keep the Run under this name", {"metavar": "NAME"}),
    Option(("-q", "--quiet"), "draw nothing while it runs; with -o show nothing at all", _FLAG),
    Option(("--help",), "show this text", _FLAG),
)
"""Every option of `%agent`."""

_BY_FLAG = {flag: option for option in OPTIONS for flag in option.flags}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cell asks for: the options as read, and the task as written."""

    chosen: Namespace
    task: str
    words: str | None = ""
    """What of the task stands on the line itself; None where `--` says that it is no command."""


def agent_options(function: F) -> F:
    """Let IPython's own reader of magic arguments know the options."""
    untyped: Any = (argument, magic_arguments)  # as IPython's are
    describe, finish = untyped
    decorated = describe("task", nargs="*", help="what to do; the body of a %%%%agent cell comes after it")(function)
    for option in reversed(OPTIONS):
        decorated = describe(*option.flags, help=option.help, **option.reading)(decorated)
    return cast("F", finish()(decorated))


def read_line(parser: Any, line: str, cell: str | None) -> Asked:
    """Return what *line* and *cell* ask for; the task is taken from the raw text, quotes and all.

    Raises `UsageError` for an unknown option or a bad value.
    """
    end = _end_of_options(line)
    chosen = parser.parse_argstring(re.sub(r"(^|\s)--\s*$", "", line[:end]))
    for name, value in vars(chosen).items():
        setattr(chosen, name, _unquoted(value))
    words = line[end:].strip()
    task = "\n\n".join(part for part in (words, (cell or "").strip("\n")) if part.strip())
    return Asked(chosen, task, None if line[:end].rstrip().endswith("--") else words)


def _end_of_options(line: str) -> int:
    """Return where the task begins: at the first word that is no option and no option's value."""
    position = 0
    while (word := _WORD.match(line, position)) and word[1].startswith("-") and len(word[1]) > 1:
        position = word.end()
        if word[1] == "--":
            return position
        option = _known(word[1])
        is_complete = "=" in word[1] or (not word[1].startswith("--") and len(word[1]) > 2)  # noqa: PLR2004 (-mNAME)
        if option.takes_value and not is_complete and (value := _WORD.match(line, position)):
            position = value.end()
    return position


def _unquoted(value: Any) -> Any:
    """Return *value* without the quotes around it, which IPython's splitter leaves in place."""
    if isinstance(value, list):
        return [_unquoted(one) for one in value]
    is_quoted = isinstance(value, str) and len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


def _known(word: str) -> Option:
    flag = word.partition("=")[0] if word.startswith("--") else word[:2]
    if flag in _BY_FLAG:
        return _BY_FLAG[flag]
    near = get_close_matches(flag, _BY_FLAG, n=1)
    advice = f"did you mean {near[0]}?" if near else "%agent --help lists them"
    raise UsageError(f"unknown option {flag}: {advice} (write -- before a task that begins with a dash)")
