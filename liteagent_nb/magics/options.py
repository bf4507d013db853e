"""Reading the line of a magic: its options, and where they end and the text begins."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, magic_arguments

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.magics.references import find_name

__all__ = ["FLAG", "SEVERAL", "Asked", "Line", "Option", "Settings", "variable_name"]

F = TypeVar("F", bound=Callable[..., Any])

_WORD = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|\S)+)""")
_VARIABLE = re.compile(r"\$[^\W\d]\w*(?:\.[^\W\d]\w*)*")
SEVERAL: Mapping[str, Any] = {"action": "append"}
"""An option that may be repeated."""
FLAG: Mapping[str, Any] = {"action": "store_true", "default": None}
"""An option that takes no value."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its flags, what it does, and how argparse reads it."""

    flags: tuple[str, ...]
    help: str
    reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reader(self) -> Mapping[str, Any]:
        """How argparse reads it, a variable in the place of a number too."""
        kind = self.reading.get("type")
        return {**self.reading, "type": _later(kind)} if kind else self.reading

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it."""
        return self.reading.get("action") != "store_true"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cell asks for: the options as read, and the text as written."""

    chosen: Namespace
    task: str
    words: str | None = ""
    """What of the text stands on the line itself; None where `--` says that it is no command."""


class Settings:
    """An option where it was given, else the trait of the same name."""

    def __init__(self, chosen: Namespace, traits: object) -> None:
        self._chosen = chosen
        self._traits = traits

    @property
    def given(self) -> dict[str, object]:
        """The options that were given."""
        return {name: value for name, value in vars(self._chosen).items() if value is not None and name != "task"}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._chosen, name, None)
        return getattr(self._traits, name, None) if value is None else value


@dataclass(frozen=True, slots=True)
class Line:
    """What may be written on the line of the magic *name*: options, then a text."""

    name: str
    text: tuple[str, str]
    """What the text is called in the help, and what it is."""
    options: tuple[Option, ...]

    def __call__(self, function: F) -> F:
        """Let IPython's own reader of magic arguments know the options; decorates the magic's function."""
        untyped: Any = (argument, magic_arguments)  # as IPython's are
        describe, finish = untyped
        decorated = describe(self.text[0], nargs="*", help=self.text[1])(function)
        for option in reversed(self.options):
            decorated = describe(*option.flags, help=option.help, **option.reader)(decorated)
        return cast("F", finish()(decorated))

    @property
    def flags(self) -> list[str]:
        """The long names of the options, sorted."""
        return sorted(flag for option in self.options for flag in option.flags if flag.startswith("--"))

    def read(self, parser: Any, line: str, cell: str | None, names: Mapping[str, object]) -> Asked:
        """Return what *line* and *cell* ask for; the text is taken from the raw line, quotes and all.

        The value of an option may be a variable of *names*, as `$name` or `$name.attribute`. Raises `UsageError` for
        an unknown option or a bad value, `ConfigError` for a variable that is not there.
        """
        end = self._end_of_options(line)
        chosen = parser.parse_argstring(re.sub(r"(^|\s)--\s*$", "", line[:end]))
        for name, value in vars(chosen).items():
            setattr(chosen, name, _meant(value, names))
        words = line[end:].strip()
        task = "\n\n".join(part for part in (words, (cell or "").strip("\n")) if part.strip())
        return Asked(chosen, task, None if line[:end].rstrip().endswith("--") else words)

    def options_first(self, line: str) -> str:
        """Return *line* with its options in front of the text, wherever they stand; behind `--` all is text."""
        options, text, position = "", "", 0
        while word := _WORD.match(line, position):
            end = self._end_of_option(line, position)
            if word[1] == "--":
                return f"{options} {text}{line[end:]}"
            if end > position:
                options += line[position:end]
            else:
                text += word[0]
            position = max(end, word.end())
        return f"{options} {text}"

    def _end_of_options(self, line: str) -> int:
        """Return where the text begins: at the first word that is no option and no option's value."""
        position = 0
        while (end := self._end_of_option(line, position)) > position:
            if line[position:end].strip() == "--":
                return end
            position = end
        return position

    def _end_of_option(self, line: str, position: int) -> int:
        """Return where the option at *position* ends, its value too; *position* itself where there is none."""
        word = _WORD.match(line, position)
        if word is None or not word[1].startswith("-") or word[1] == "-":
            return position
        if word[1] == "--":
            return word.end()
        is_complete = "=" in word[1] or (not word[1].startswith("--") and len(word[1]) > 2)  # noqa: PLR2004 (-mNAME)
        takes_value = self._known(word[1]).takes_value and not is_complete
        value = _WORD.match(line, word.end()) if takes_value else None
        return value.end() if value else word.end()

    def _known(self, word: str) -> Option:
        flag = word.partition("=")[0] if word.startswith("--") else word[:2]
        by_flag = {flag: option for option in self.options for flag in option.flags}
        if flag in by_flag:
            return by_flag[flag]
        near = get_close_matches(flag, by_flag, n=1)
        advice = f"did you mean {near[0]}?" if near else f"%{self.name} --help lists them"
        raise UsageError(f"unknown option {flag}: {advice} (write -- before a {self.text[0]} that begins with a dash)")


@dataclass(frozen=True, slots=True)
class _Variable:
    """A variable that stands for a number."""

    name: str
    kind: Callable[[Any], Any]

    def read(self, names: Mapping[str, object]) -> Any:
        value = find_name(self.name, names)
        try:
            return self.kind(value)
        except (TypeError, ValueError):
            raise UsageError(f"${self.name} is {value!r}, no {self.kind.__name__}") from None


def _later(kind: Callable[[Any], Any]) -> Callable[[str], Any]:
    """Return what reads *kind*, and of `$name` the name alone: argparse knows no variables."""

    def read(text: str) -> Any:
        return _Variable(text[1:], kind) if _VARIABLE.fullmatch(text) else kind(text)

    read.__name__ = kind.__name__  # argparse says it where the text is none
    return read


def _meant(value: Any, names: Mapping[str, object]) -> Any:
    """Return the variable that *value* names, or *value* without its quotes, which IPython's splitter leaves there."""
    if isinstance(value, _Variable):
        return value.read(names)
    if isinstance(value, list):
        return [_meant(one, names) for one in value]
    if not isinstance(value, str):
        return value
    if _VARIABLE.fullmatch(value):
        return find_name(value[1:], names)
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


def variable_name(name: str | None) -> str:
    """Return the name that `-o` gives, or none. Raises `ConfigError` for what cannot be a variable."""
    if name and not name.isidentifier():
        raise ConfigError(f"{name!r} is no name for a variable", hint="write -o NAME with letters, digits and _")
    return name or ""
