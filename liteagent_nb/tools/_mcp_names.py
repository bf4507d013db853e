"""Names of tools from several MCP servers, such as every provider takes, and no two the same."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["offered_names"]

_MOST_CHARS = 64
_OTHER = re.compile(r"[^a-zA-Z0-9_-]")


def offered_names(tools: Sequence[tuple[str, str]], *, taken: Iterable[str] = ()) -> list[str]:
    """Return a name for each pair of a server and its tool's own name.

    That is the tool's own, or `server__tool` where another server, or *taken*, has the same.
    """
    plain = [_fitting(tool) for _, tool in tools]
    counts = Counter([*plain, *taken])
    seen = Counter(taken)
    names = []
    for (server, tool), name in zip(tools, plain, strict=True):
        wanted = name if counts[name] == 1 else _fitting(f"{server}__{tool}")
        seen[wanted] += 1
        names.append(wanted if seen[wanted] == 1 else _with_mark(wanted, f"{server}\0{tool}"))
    return names


def _fitting(name: str) -> str:
    """Return *name* in the letters that providers take; what had to be cut has a mark of the whole."""
    fitting = _OTHER.sub("_", name) or "tool"
    return fitting if len(fitting) <= _MOST_CHARS else _with_mark(fitting, name)


def _with_mark(name: str, whole: str) -> str:
    mark = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{name[: _MOST_CHARS - 7]}_{mark}"
