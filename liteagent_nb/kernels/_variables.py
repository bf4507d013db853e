"""Runs in a context, whatever its Python: what variables are there, told in short. Its source is what is sent."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Sized
from typing import Any

PLAIN = (int, float, complex, str, bytes, bool, list, tuple, dict, set, frozenset, range, type(None))
CHARS = 80
MOST = 200


def listed(names: dict[str, object], ticket: str) -> str:
    """Return the variables that code has made as a line of JSON: name, type, and a short text."""
    own = [(name, value) for name, value in dict(names).items() if is_own(name, value)]
    rows = [[name, type(value).__name__, told(value)] for name, value in sorted(own, key=lambda one: one[0])[:MOST]]
    return json.dumps({"ticket": ticket, "rows": rows})


def is_own(name: str, value: object) -> bool:
    """Whether code made it: what IPython puts there, modules and hidden names are left out."""
    if name.startswith("_") or type(value).__name__ == "module":
        return False
    return name not in {"In", "Out", "exit", "quit", "open", "get_ipython"}


def told(value: Any) -> str:
    """Return *value* in a few words; code of its own is asked only where it is a small and known thing."""
    try:
        if hasattr(type(value), "shape"):
            kind = getattr(value, "dtype", None)
            return " x ".join(str(size) for size in value.shape) + (f" {kind}" if kind is not None else "")
        if callable(value) and hasattr(value, "__name__"):
            return f"{value.__name__}(…)"
        short = reprlib.Repr()
        short.maxstring = short.maxother = CHARS
        text = short.repr(value) if isinstance(value, PLAIN) else repr(value)
        text = text if len(text) <= CHARS else f"{text[: CHARS - 1]}…"
        return f"{text} · {len(value)}" if isinstance(value, PLAIN) and isinstance(value, Sized) else text
    except Exception as error:  # noqa: BLE001 - a __repr__ may raise anything
        return f"<{type(error).__name__} in its repr>"
