"""Masking keys in texts that people and models get to see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["redact"]

_MASK = "***"
_SHORTEST_SECRET = 6
"""Shorter values are placeholders ("none", "EMPTY"); masking them would garble plain words."""

_KEY_SHAPES = re.compile(
    r"""
      \b(?:sk|pk|rk|gsk|xai|hf|ghp|gho|ghs|pplx|nvapi|r8|xox[abprs])[-_][A-Za-z0-9_\-]{8,}
    | \bgithub_pat_\w{8,}
    | \bAIza[\w\-]{20,}
    | \bA(?:KIA|SIA)[A-Z0-9]{12,}
    | \beyJ[\w\-]{8,}\.[\w\-]{4,}(?:\.[\w\-]*)?
    """,
    re.VERBOSE,
)
_BEARER = re.compile(r"\b(Bearer|Basic)(\s+)[^\s\"',;]{4,}", re.IGNORECASE)
_NAMED = re.compile(
    r"""(["']?\b[\w\-]*(?:api[_\-\ ]?key|access[_\-]?token|auth[_\-]?token|secret|passw(?:or)?d|authorization)
        (?:\\*["']?\s*[=:]\s*|["']?\s+provided:\s*)\\*["']?)(?!Bearer\b|Basic\b)[^\s"',;&)}\]\\]+""",
    re.IGNORECASE | re.VERBOSE,
)
_TOKEN = re.compile(
    r"""(["']?\b[\w\-]*token\\*["']?\s*[=:]\s*\\*["']?)(?=[^\s"',;]*\d)[^\s"',;&)}\]\\]{8,}""", re.IGNORECASE
)
"""A token in the other sense, a word of a text, has no digits or is shorter."""
_IN_URL = re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+(@)")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return *text* with *secrets*, and what has the shape of a key, replaced by `***`."""
    for secret in sorted({secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, _MASK)
    text = _IN_URL.sub(rf"\1{_MASK}\2", text)
    text = _BEARER.sub(rf"\1\2{_MASK}", text)
    text = _NAMED.sub(rf"\1{_MASK}", text)
    text = _TOKEN.sub(rf"\1{_MASK}", text)
    return _KEY_SHAPES.sub(_MASK, text)
