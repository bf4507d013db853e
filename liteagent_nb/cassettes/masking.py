"""Keeping secrets out of recordings, whatever they are nested in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Mask"]


_PIXELS = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_PICTURE = re.compile(rf"data:image/[\w.+-]+;base64,{_PIXELS.pattern}")
"""Nothing but pixels: no secret is in it, chance may make one up, and looking for it takes long."""


class Mask:
    """Replaces secrets in JSON values by `***`: those it was told of, the environment's, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = {*secrets, *environment.secret_values()}

    def add(self, secrets: Iterable[str]) -> None:
        """Mask these too from now on."""
        self._secrets.update(secrets)

    def text(self, text: str) -> str:
        """Return *text* without secrets. Within a JSON object its values are masked, so that it stays one."""
        if text[:11] == "data:image/" and _PICTURE.fullmatch(text):
            return text
        if text[:1] == "{" and (inside := _read(text)) is not None:
            masked = self(inside)
            return text if masked == inside else json.dumps(masked, ensure_ascii=False)
        return redact(text, self._secrets)

    def __call__(self, value: object) -> object:
        """Return *value* without secrets, in keys and in texts."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._named(str(key), inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self(inner) for inner in value]
        return value

    def _named(self, key: str, value: object) -> object:
        if key[:6] == "image/" and isinstance(value, str) and _PIXELS.fullmatch(value):
            return value
        return "***" if isinstance(value, str) and value and _is_given_away(key, value) else self(value)


def _is_given_away(key: str, value: str) -> bool:
    """Whether the name of *value* says that it is a secret: `{"api_key": "…"}`."""
    first = next(iter(value.split()), value)
    return redact(f"{key}={first}") != f"{key}={redact(first)}"


def _read(text: str) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
