"""Cassette: a recording of model replies, tool results and code executions, and how it is used."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from liteagent_nb.cassettes.layout import read_tracks, written_tracks
from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.cassettes.misses import miss
from liteagent_nb.cassettes.tracks import Tracks
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from liteagent_nb.cassettes.requests import Request
    from liteagent_nb.cassettes.tracks import Take

__all__ = ["MODES", "SUFFIX", "Cassette", "Mode"]

Mode: TypeAlias = Literal["off", "record", "replay", "auto"]
"""`record` asks anew and keeps it; `replay` never asks; `auto` replays what it has and records what it has not."""

MODES: tuple[Mode, ...] = get_args(Mode)
SUFFIX = ".cassette.json"
"""How the names of cassettes end."""


class Cassette:
    """A recording in a file, and the mode in which it is used.

    Opening it reads the file; each finished reply, result and execution is written at once. No secret gets in: keys,
    headers, the environment's secrets and what looks like one are masked. Without *path* it lives in memory.
    With *real_time*, a replayed stream takes the time that the recorded one took.
    Raises `ConfigError` for a file that is no cassette, and in `replay` for one that is not there.
    """

    def __init__(self, path: Path | str | None, mode: Mode = "auto", *, real_time: bool = False) -> None:
        if mode not in MODES:
            raise ConfigError(f"there is no cassette mode {mode!r}", hint=f"one of {', '.join(MODES)}")
        self.path = None if path is None else Path(path)
        self.mode: Mode = mode
        self.real_time = real_time
        self.mask = Mask()
        self.tracks = self._read()

    @classmethod
    def of_text(cls, text: str, mode: Mode = "replay") -> Cassette:
        """Return a cassette that was carried inside something else, a notebook's cell for instance."""
        cassette = cls(None, mode)
        cassette.tracks = read_tracks(text, source=cassette.source)
        return cassette

    @property
    def source(self) -> str:
        """What people call it."""
        return self.path.name if self.path else "the cassette in this notebook"

    @property
    def text(self) -> str:
        """The whole recording, as it stands in the file."""
        return written_tracks(self.tracks)

    def _read(self) -> Tracks:
        if self.path is not None and self.path.is_file():
            return read_tracks(self.path.read_text(encoding="utf-8"), source=self.path.name)
        if self.mode == "replay" and self.path is not None:
            raise ConfigError(
                f"there is no {self.path}",
                hint="check the name, or record it: %agent cassette record, LITEAGENT_CASSETTE=record",
            )
        return Tracks()

    def recorded(self, request: Request) -> Take | None:
        """Return what to replay for *request*; None where it is to be asked. Raises `CassetteMiss` in `replay`."""
        if self.mode == "replay":
            if (take := self.tracks.play(request)) is None:
                raise miss(request, self.tracks, source=self.source)
            return take
        if self.mode == "auto" and self.tracks.known(request):
            return self.tracks.play(request)
        return None

    def record(self, request: Request, take: Take) -> None:
        """Keep what came of *request*, and write the file."""
        self.tracks.record(request, take)
        self.save()

    def save(self) -> None:
        """Write the file whole, or leave it as it is."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(self.text)
            Path(name).chmod(0o644)
            Path(name).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
