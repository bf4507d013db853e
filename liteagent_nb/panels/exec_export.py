"""Executions as cells, as a notebook, and as one output that needs neither kernel nor scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.panels.chat_export import Cell
from liteagent_nb.panels.execution_card import execution_html, execution_text
from liteagent_nb.panels.style import framed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liteagent_nb.panels.execution_card import Execution

__all__ = ["cells_of_executions", "kept_bundle", "notebook_of_executions"]

_MOST_KEPT = 40
_MOST_CHARS = 4_000_000
"""How large the output beside a panel grows; a notebook with more is no longer opened with pleasure."""


def cells_of_executions(executions: Iterable[Execution]) -> list[Cell]:
    """Return executions as cells of `%%exec`."""
    return [Cell("code", _source(one)) for one in executions]


def notebook_of_executions(executions: Sequence[Execution]) -> dict[str, object]:
    """Return executions as a notebook (nbformat 4.5) with what they showed."""
    load = _cell("load", "%load_ext liteagent_nb", ())
    ran = [_cell(f"run-{one.number}", _source(one), one.result.outputs if one.result else ()) for one in executions]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": [load, *ran]}


def kept_bundle(executions: Sequence[Execution]) -> dict[str, str]:
    """Return executions for a saved notebook: HTML for readers, and plain text that is the same each time."""
    cards: list[str] = []
    for one in reversed(executions[-_MOST_KEPT:]):
        card = execution_html(one)
        if sum(map(len, cards)) + len(card) > _MOST_CHARS:
            break
        cards.insert(0, card)
    left_out = len(executions) - len(cards)
    note = f'<div class="la-notice">… {left_out} earlier executions are not drawn</div>' if left_out else ""
    html = framed(note + "".join(cards), classes="la-kept")
    return {"text/html": html, "text/plain": "\n".join(map(execution_text, executions[-_MOST_KEPT:]))}


def _source(one: Execution) -> str:
    language = "" if one.language == "python" else f" -l {one.language}"
    where = f" -c {one.context}" if one.context else " --fresh" if one.language == "python" else ""
    return f"%%exec{language}{where}\n{one.code}"


def _cell(cell_id: str, source: str, outputs: Sequence[object]) -> dict[str, object]:
    cell = {"id": cell_id, "cell_type": "code", "metadata": {}, "source": source}
    return {**cell, "execution_count": None, "outputs": list(outputs)}
