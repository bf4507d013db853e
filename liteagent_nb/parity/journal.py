"""Journal: a line for each trial, in a file that several may append to at once."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.parity.rows import read_row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.parity.rows import Row

__all__ = ["Broken", "Journal", "read_journal"]

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT


class Journal:
    """Appends to *path*, without secrets. Raises `ConfigError` where it cannot be written."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._mask = Mask()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._write(b"")
        except OSError as error:
            message = f"no journal can be kept in {path}: {error.strerror}"
            raise ConfigError(message, hint="name another file: --out, PARITY_OUT") from None

    def add(self, row: Mapping[str, object]) -> None:
        """Append one line. Raises `OSError` where the disk is full."""
        self._write(json.dumps(self._masked(row), ensure_ascii=False, allow_nan=False).encode() + b"\n")

    def _masked(self, value: object) -> object:
        """Return *value* without secrets; the names of fields are ours."""
        if isinstance(value, str):
            return self._mask.text(value)
        if isinstance(value, dict):
            return {name: self._masked(inner) for name, inner in value.items()}
        return [self._masked(inner) for inner in value] if isinstance(value, list) else value

    def _write(self, line: bytes) -> None:
        """Write at once, so that lines of several writers stay whole; after a line that was cut, on a fresh one."""
        number = os.open(self.path, _FLAGS, 0o644)
        try:
            size = os.fstat(number).st_size
            is_cut = bool(line and size and os.pread(number, 1, size - 1) != b"\n")
            os.write(number, b"\n" + line if is_cut else line)
        finally:
            os.close(number)


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that says nothing: where, and what is wrong with it."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.why}"


def read_journal(path: Path | str) -> tuple[list[Row], list[Broken]]:
    """Return the rows of a journal, and the lines that are none. Raises `ConfigError` for a file that is not there."""
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint="check the name") from None
    rows: list[Row] = []
    broken: list[Broken] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(read_row(line.decode()))
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as error:
            broken.append(Broken(str(path), number, _why(error)))
    return rows, broken


def _why(error: Exception) -> str:
    return f"it is no JSON ({error.msg})" if isinstance(error, json.JSONDecodeError) else str(error)
