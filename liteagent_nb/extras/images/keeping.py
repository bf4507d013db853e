"""A folder of finished pictures: found by content and parameters, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Shelf"]

_SUFFIX = ".picture"
"""One line of JSON, then the bytes."""


class Shelf:
    """Keeps bytes with a few words about them in *folder*. Any number of processes may share it."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).expanduser()

    def key(self, *what: object) -> str:
        """Return the name that *what* is kept under."""
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()

    def find(self, key: str) -> tuple[dict[str, Any], bytes] | None:
        """Return what is kept under *key*; None where there is nothing, or nothing whole."""
        try:
            head, _, data = (self._folder / f"{key}{_SUFFIX}").read_bytes().partition(b"\n")
            words = json.loads(head)
        except (OSError, ValueError):
            return None
        return (words, data) if isinstance(words, dict) and words.get("bytes") == len(data) else None

    def keep(self, key: str, words: Mapping[str, object], data: bytes) -> None:
        """Keep *data* under *key*: a temporary file that takes the place of what was there in one step."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=f".{key[:12]}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(json.dumps({**words, "bytes": len(data)}).encode() + b"\n" + data)
            Path(name).replace(self._folder / f"{key}{_SUFFIX}")
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
