"""A conversation as Markdown and as cells: what it said, and the code that it ran."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from markdown_it import MarkdownIt

from liteagent_nb.panels.cards import as_text, shown_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liteagent_nb.core.steps import Run
    from liteagent_nb.core.tools import ToolInvocation
    from liteagent_nb.panels.chat_turns import Turn

__all__ = ["Cell", "cells_of", "code_of", "markdown_of", "notebook_of"]

_NO_CODE = {"text", "txt", "markdown", "md", "json", "yaml", "toml", "console", "output"}
_PYTHON = {"", "python", "py", "python3", "ipython", "ipython3"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook to be."""

    kind: Literal["code", "markdown"]
    source: str


def code_of(run: Run) -> list[str]:
    """Return the code of a run, a cell each: the blocks of its answer, else what its tools ran last."""
    cells = [cell.source for cell in _answer_cells(run.final_answer) if cell.kind == "code"]
    return cells or [cell.source for cell in _ran(run)][-1:]


def cells_of(turns: Sequence[Turn]) -> list[Cell]:
    """Return a conversation as cells: questions and prose as Markdown, code as code."""
    return [cell for turn in turns if not turn.is_replaced for cell in _turn_cells(turn)]


def notebook_of(turns: Sequence[Turn]) -> dict[str, object]:
    """Return a conversation as a notebook (nbformat 4.5)."""
    cells = [_written(number, cell) for number, cell in enumerate(cells_of(turns))]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def markdown_of(turns: Sequence[Turn]) -> str:
    """Return a conversation as one Markdown text, the calls with what they brought back."""
    return "\n\n".join(part for turn in turns if not turn.is_replaced for part in _turn_markdown(turn)) + "\n"


def _written(number: int, cell: Cell) -> dict[str, object]:
    outputs: dict[str, object] = {"execution_count": None, "outputs": []} if cell.kind == "code" else {}
    return {"id": f"turn-{number}", "cell_type": cell.kind, "metadata": {}, "source": cell.source, **outputs}


def _turn_cells(turn: Turn) -> Iterator[Cell]:
    yield Cell("markdown", _quoted(turn.question.text))
    yield from _ran(turn.run)
    yield from _answer_cells(turn.run.final_answer)


def _turn_markdown(turn: Turn) -> Iterator[str]:
    yield _quoted(turn.question.text)
    for invocation in turn.run.tool_invocations:
        yield from _call_markdown(invocation)
    if turn.run.final_answer.strip():
        yield turn.run.final_answer.strip()
    if turn.run.stopped_reason != "success":
        yield f"*{turn.run.stopped_reason}*"


def _call_markdown(invocation: ToolInvocation) -> Iterator[str]:
    shown = shown_arguments(invocation.name, invocation.arguments, language=invocation.observation.language)
    yield f"**{invocation.name}**{'' if invocation.ok else ' failed'}"
    if shown.code or shown.rest:
        yield _fenced(shown.code or as_text(shown.rest), shown.language)
    outcome = invocation.observation.text if invocation.ok else invocation.error or invocation.stderr
    if outcome.strip():
        yield _fenced(outcome, "")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def _fenced(text: str, language: str) -> str:
    """Return *text* in a fence that is longer than any in it."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _ran(run: Run) -> Iterator[Cell]:
    """Yield the code that tools ran well."""
    for invocation in run.tool_invocations:
        shown = shown_arguments(invocation.name, invocation.arguments, language=invocation.observation.language)
        if invocation.ok and shown.code:
            yield Cell("code", _runnable(shown.code, shown.language))


def _runnable(code: str, language: str) -> str:
    """Return *code* as a cell runs it: other languages through `%%exec`."""
    return code.rstrip() if language.lower() in _PYTHON else f"%%exec -l {language.lower()}\n{code.rstrip()}"


def _answer_cells(text: str) -> Iterator[Cell]:
    """Yield an answer's prose and its fenced blocks, without their fences, in order."""
    lines, done = text.splitlines(), 0
    for token in _parser().parse(text):
        if token.type != "fence" or token.level or token.map is None:
            continue
        yield from _prose(lines[done : token.map[0]])
        done = token.map[1]
        yield _block(token.content, token.info.strip().partition(" ")[0])
    yield from _prose(lines[done:])


def _block(code: str, language: str) -> Cell:
    is_code = re.fullmatch(r"[\w+#-]*", language) and language.lower() not in _NO_CODE
    return Cell("code", _runnable(code, language)) if is_code else Cell("markdown", _fenced(code, language))


def _prose(lines: Sequence[str]) -> Iterator[Cell]:
    text = "\n".join(lines).strip()
    if text:
        yield Cell("markdown", text)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")
