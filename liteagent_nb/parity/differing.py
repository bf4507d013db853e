"""Where two texts part, told for people."""

from __future__ import annotations

from itertools import takewhile

__all__ = ["difference"]

_BEFORE = 20
_AFTER = 30


def difference(one: str, other: str) -> str:
    """Return the place where *one* and *other* part, with a little of both; empty where they are the same."""
    if one == other:
        return ""
    place = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return f"from character {place} on {_shown(one, place)} became {_shown(other, place)}"


def _shown(text: str, place: int) -> str:
    start, end = max(place - _BEFORE, 0), place + _AFTER
    dots = ("…" if start else "", "…" if end < len(text) else "")
    return repr(f"{dots[0]}{text[start:end]}{dots[1]}")
