"""Bounding and cleaning text before it is told to a model."""

from __future__ import annotations

import re

__all__ = ["clean", "printed", "shorten", "without_colours"]

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def shorten(text: str, max_chars: int) -> str:
    """Return *text* if it fits, else its head and tail with the original size between them."""
    if len(text) <= max_chars:
        return text
    note = f"\n… [{len(text)} characters, middle left out] …\n"
    room = max(max_chars - len(note), 0)
    head = room * 2 // 3
    tail = room - head
    return text[:head] + note + (text[-tail:] if tail else "")


def clean(text: str) -> str:
    """Replace what no provider takes: lone surrogates, and NUL."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def printed(value: object) -> str:
    """Return how *value* prints; what cannot be printed is named."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<a {type(value).__name__} that cannot be shown: {type(error).__name__}>"


def without_colours(text: str) -> str:
    """Return *text* without what colours it, and moves the cursor, in a terminal."""
    return _ANSI.sub("", text)
