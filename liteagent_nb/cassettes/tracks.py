"""Tracks: what was asked and what came of it, found by what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.cassettes.requests import Request

if TYPE_CHECKING:
    from liteagent_nb.cassettes.requests import Kind
    from liteagent_nb.core.chat import Price

__all__ = ["Take", "Track", "Tracks"]

Take: TypeAlias = Mapping[str, object]
"""What came of a request once, as JSON."""


@dataclass(slots=True)
class Track:
    """A request and its takes: the same thing may be asked more than once, and answered differently."""

    request: Request
    takes: list[Take] = field(default_factory=list)
    played: int = 0
    """How often it was replayed since the cassette was opened."""
    recorded: int = 0
    """How often it was recorded since then."""

    @property
    def is_unused(self) -> bool:
        """Whether nobody asked for it since the cassette was opened."""
        return not (self.played or self.recorded)


class Tracks:
    """All that a cassette holds, in the order it was first asked."""

    def __init__(
        self,
        tracks: Iterable[Track] = (),
        prices: Mapping[str, Price | None] | None = None,
        seeing: Iterable[str] = (),
    ) -> None:
        self._by_key = {track.request.key: track for track in tracks}
        self.prices = dict(prices or {})
        """What the models cost when they were recorded; None where nobody knew."""
        self.seeing = set(seeing)
        """The models that were known to see pictures when they were recorded."""

    def __iter__(self) -> Iterator[Track]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def known(self, request: Request) -> bool:
        """Whether *request* was on the cassette when it was opened, and has not been recorded anew since."""
        track = self._by_key.get(request.key)
        return track is not None and not track.recorded

    def play(self, request: Request) -> Take | None:
        """Return the next take of *request*, after the last one the first again; None where there is none."""
        track = self._by_key.get(request.key)
        if track is None or not track.takes:
            return None
        take = track.takes[track.played % len(track.takes)]
        track.played += 1
        return take

    def record(self, request: Request, take: Take) -> None:
        """Keep *take*; what was there of the same request before the cassette was opened makes room."""
        track = self._by_key.setdefault(request.key, Track(request))
        if not track.recorded:
            track.takes.clear()
        track.takes.append(take)
        track.recorded += 1

    def trim(self) -> int:
        """Drop what nobody asked for since the cassette was opened; return how many tracks that was."""
        unused = [track for track in self if track.is_unused]
        for track in unused:
            del self._by_key[track.request.key]
        return len(unused)

    def of(self, kind: Kind) -> list[Track]:
        """Return the tracks of one kind."""
        return [track for track in self if track.request.kind == kind]
