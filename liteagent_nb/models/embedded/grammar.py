"""Pieces of a grammar (GBNF): the embedded model may only write what it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["literal", "one_of"]

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def literal(text: str) -> str:
    """Return *text* as a literal."""
    return f'"{clean(text).translate(_ESCAPES)}"'


def one_of(texts: Iterable[str]) -> str:
    """Return the choice between *texts*."""
    return "(" + " | ".join(literal(text) for text in texts) + ")"
