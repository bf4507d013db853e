"""Names of the notebook in a task: `` $`x` `` tells the model what x is."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.summaries import summarize

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find_name", "near", "with_references"]

_REFERENCE = re.compile(r"(\\?)\$`([^\W\d]\w*(?:\.[^\W\d]\w*)*)`")
_MAX_INLINE_CHARS = 80


def with_references(task: str, names: Mapping[str, object], *, max_chars: int = 2_000) -> str:
    """Return *task* with each `` $`x` `` replaced by the name, and what x is told to the model.

    A summary of one short line stands beside the name, a longer one at the end. A backslash before it keeps the text as
    it is. Raises `ConfigError` for a name that does not exist.
    """
    blocks: dict[str, str] = {}

    def told(found: re.Match[str]) -> str:
        if found[1]:
            return found[0][1:]
        summary = summarize(find_name(found[2], names), max_chars=max_chars)
        if len(summary) <= _MAX_INLINE_CHARS and "\n" not in summary:
            return f"`{found[2]}` ({summary})"
        blocks[found[2]] = summary
        return f"`{found[2]}`"

    text = _REFERENCE.sub(told, task)
    return "\n\n".join([text, *(f"`{name}` is:\n{summary}" for name, summary in blocks.items())])


def find_name(dotted: str, names: Mapping[str, object]) -> object:
    """Return what *dotted* names. Raises `ConfigError` that offers near names."""
    first, *attributes = dotted.split(".")
    if first not in names:
        raise ConfigError(f"there is no {first} in this notebook", hint=near(first, names))
    value = names[first]
    for attribute in attributes:
        try:
            value = getattr(value, attribute)
        except AttributeError:
            raise ConfigError(f"{dotted}: there is no {attribute}", hint=near(attribute, dir(value))) from None
    return value


def near(word: str, known: Mapping[str, object] | list[str]) -> str:
    """Return a hint that offers the names that look like *word*."""
    public = [name for name in known if not name.startswith("_")]
    found = get_close_matches(word, public, n=3)
    return f"did you mean {' or '.join(found)}?" if found else f"run the cell that defines {word} first"
