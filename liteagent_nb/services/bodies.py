"""Reading the bodies of requests by hand: an object with known names, or a refusal that says what does not fit."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from liteagent_nb.services.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["read_object", "read_text", "unfit"]

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How a half of a character may be written; most often its other half follows."""


def read_object(body: bytes, *, known: Collection[str]) -> Mapping[str, object]:
    """Return the object in *body*. Raises a `Refusal`: 400 for bad JSON, 422 for another value or an unknown name."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "BadJson", f"the body is not JSON: {error}", hint="/openapi.json has the schema") from None
    if not isinstance(said, dict):
        raise unfit("the body must be an object")
    if unknown := sorted(set(said) - set(known)):
        raise unfit(f"unknown: {', '.join(map(repr, unknown))}; known: {', '.join(known)}")
    if _HALF.search(body) and _has_half_characters(said):
        raise unfit("the body holds half a character (a lone surrogate)")
    return said


def _has_half_characters(said: object) -> bool:
    try:
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def read_text(said: Mapping[str, object], name: str, default: str) -> str:
    """Return the text *name*, or *default* where it is left out. Raises a `Refusal` with 422 for what is no text."""
    value = said.get(name, default)
    if not isinstance(value, str):
        raise unfit(f"`{name}` must be a string")
    return value


def unfit(message: str) -> Refusal:
    """Return the refusal of a body that is JSON, and not what was asked for."""
    return Refusal(422, "BadBody", message, hint="/openapi.json has the schema")
