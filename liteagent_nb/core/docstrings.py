"""What a docstring says about a function and each of its parameters: Google, NumPy and Sphinx style, and comments."""

from __future__ import annotations

import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.core.signatures import Function

__all__ = ["Docstring", "parameter_comments", "read_docstring"]

_PARAMETERS = {"args", "arguments", "parameters", "params", "keyword args", "keyword arguments", "other parameters"}
_OTHERS = {
    "attributes", "example", "examples", "note", "notes", "raises", "references", "return", "returns", "see also",
    "todo", "warning", "warnings", "warns", "yield", "yields",
}  # fmt: skip
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:\s*(.*)")
_NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?")
_SPHINX_ENTRY = re.compile(r":(?:param|parameter|arg|argument|key|keyword)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:\s*(.*)")
_SPHINX_FIELD = re.compile(r":\w[\w ]*:|:\w+\s[^:]*:")


@dataclass(frozen=True, slots=True)
class Docstring:
    """What comes before the sections, and what is said of each parameter."""

    prose: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


def read_docstring(text: str | None) -> Docstring:
    """Read a docstring in whatever style it is written."""
    lines = inspect.cleandoc(text or "").splitlines()
    prose: list[str] = []
    for number, line in enumerate(lines):
        if _section(lines, number) or _SPHINX_FIELD.match(line):
            break
        prose.append(line)
    entries = [*_google_or_numpy(lines), *_sphinx(lines)]
    parameters = {name: " ".join(said.split()) for name, said in entries if said.strip()}
    return Docstring("\n".join(prose).strip(), parameters)


def _section(lines: list[str], number: int) -> str:
    """Return the name of the section that begins in this line, if one does."""
    name = lines[number].strip().lower()
    if name.endswith(":") and not lines[number][:1].isspace() and name[:-1] in _PARAMETERS | _OTHERS:
        return name[:-1]
    below = lines[number + 1].strip() if number + 1 < len(lines) else ""
    return name if name in _PARAMETERS | _OTHERS and below.startswith("---") and set(below) == {"-"} else ""


def _google_or_numpy(lines: list[str]) -> Iterator[tuple[str, str]]:
    for number in range(len(lines)):
        if _section(lines, number) in _PARAMETERS:
            if lines[number].strip().endswith(":"):
                yield from _google_entries(lines, number + 1)
            else:
                yield from _numpy_entries(lines, number + 2)


def _block(lines: list[str], start: int) -> Iterator[str]:
    """Yield the lines up to the next section."""
    for number in range(start, len(lines)):
        if _section(lines, number):
            return
        yield lines[number]


def _google_entries(lines: list[str], start: int) -> Iterator[tuple[str, str]]:
    block: list[str] = []
    for line in _block(lines, start):
        if line.strip() and not line[0].isspace():
            break
        block.append(line)
    yield from _entries(textwrap.dedent("\n".join(block)).splitlines(), _GOOGLE_ENTRY)


def _numpy_entries(lines: list[str], start: int) -> Iterator[tuple[str, str]]:
    for names, said in _entries(list(_block(lines, start)), _NUMPY_ENTRY):
        for name in names.split(","):
            yield name.strip().lstrip("*"), said


def _entries(lines: list[str], entry: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield what each line without indent names, with what follows it indented."""
    name, said = "", [""]
    for line in lines:
        match = entry.match(line)
        if match and not line[0].isspace():
            yield name, " ".join(said)
            name, said = match[1], [match[2] if entry.groups > 1 else ""]
        else:
            said.append(line)
    yield name, " ".join(said)


def _sphinx(lines: list[str]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines):
        if match := _SPHINX_ENTRY.match(line):
            said = [match[2]]
            for further in lines[number + 1 :]:
                if further.lstrip().startswith(":") or not further.strip():
                    break
                said.append(further)
            yield match[1], " ".join(said)


def parameter_comments(function: Function) -> dict[str, str]:
    """Return the comments beside the parameters, where the source can be had and each stands in a line of its own."""
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        return dict(_comments(source))
    except (OSError, TypeError, ValueError, SyntaxError, tokenize.TokenError):
        return {}


def _comments(source: str) -> Iterator[tuple[str, str]]:
    depth, is_def, before, name, row = 0, False, "", "", 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_def = is_def or token.string == "def"
        if not is_def:
            continue
        if token.type == tokenize.NAME and depth == 1 and before in {"(", ",", "*", "**"}:
            name, row = token.string, token.end[0]
        elif token.type == tokenize.COMMENT and name and token.start[0] >= row:
            yield name, token.string.lstrip("#: ")
            name = ""
        depth += (token.string in {"(", "[", "{"}) - (token.string in {")", "]", "}"})
        if depth == 0 and token.string == ":":
            return
        if token.type not in {tokenize.NL, tokenize.COMMENT}:
            before = token.string
