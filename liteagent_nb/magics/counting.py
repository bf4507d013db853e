"""Numbers with their nouns."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Return `1 step` or `2 steps`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
