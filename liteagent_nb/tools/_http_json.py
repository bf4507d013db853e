"""JSON of a tools host: read, or refused with the beginning of what came instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.text import clean

if TYPE_CHECKING:
    from liteagent_nb.tools._http_exchange import Answer

__all__ = ["HINT", "json_of", "shown"]

HINT = "is it a tools host? GET /tools lists tools there, POST /invoke calls them"
"""What to do where something else answers."""

_SHOWN_CHARS = 80


def json_of(answer: Answer) -> Any:
    """Return what *answer* holds. Raises `ConfigError` where that is no JSON."""
    try:
        # NaN and Infinity, which JSON does not know, would break the request that tells a model of them.
        return json.loads(answer.body, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        kind = answer.kind or "something"
        raise ConfigError(f"the host answers {kind} that is not JSON: {shown(answer.body)}", hint=HINT) from None


def shown(value: object) -> str:
    """Return the beginning of *value*, for an error."""
    if isinstance(value, bytes):
        text = value[:1024].decode(errors="replace").strip()
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return clean(text[:_SHOWN_CHARS] + ("…" if len(text) > _SHOWN_CHARS else "")) or "nothing"
