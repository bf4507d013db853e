"""VerifiedStream: litellm's own core serves, the extracted one reads the same events, and differences are told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from liteagent_nb.models.quiet_litellm import inside_litellm
from liteagent_nb.models.router_core.pieces import is_same_chunk, settled
from liteagent_nb.models.router_core.streams import ExtractedStream

if TYPE_CHECKING:
    from liteagent_nb.models.router_core.lane import Shape
    from liteagent_nb.models.router_core.metrics import StreamMetrics

__all__ = ["VerifiedStream"]

_log = logging.getLogger(__name__)
_SHOWN_CHARS = 300


class VerifiedStream(ExtractedStream):
    """Hands out litellm's chunks alone; what the fast way would have made of them is compared, and thrown away."""

    def __init__(self, opened: Any, metrics: StreamMetrics, proven: set[Shape]) -> None:
        super().__init__(opened, metrics, proven)
        self._guessed: Any = None
        self._merged_chunks: list[Any] = []
        self._fast_run: list[Any] = []

    def _fast(self) -> None:
        events = self._tap.events
        taken = self._lane.take(events[0]) if events else None
        self._guessed = taken[0] if taken else None

    def _learn(self, chunk: Any) -> None:
        guessed, self._guessed = self._guessed, None
        if guessed is None:
            self._merge(self.chunks[self._known :])
            super()._learn(chunk)
            return
        self.metrics.fast_pieces += 1
        is_same = is_same_chunk(guessed, chunk)
        # litellm sees what the reader writes into its chunk, so that one is kept
        self._fast_run.append(chunk if is_same else guessed)
        if not is_same:
            self._tell(f"litellm made {chunk!r} of an event, the fast way {guessed!r}")

    def _ended(self, error: BaseException) -> None:
        if isinstance(error, StopAsyncIteration | StopIteration):
            self._merge(self.chunks[self._known :])
            self._compare_wholes()
        super()._ended(error)

    def _merge(self, made: list[Any]) -> None:
        self._merged_chunks += [*settled(self._fast_run), *made]
        self._fast_run = []

    def _compare_wholes(self) -> None:
        """Compare the reply that litellm puts together of all chunks with the one of merged runs."""
        build = inside_litellm.stream_chunk_builder
        whole, of_merged = (build(chunks, messages=self.messages) for chunks in (self.chunks, self._merged_chunks))
        if _told(whole) != _told(of_merged):
            self._tell(f"litellm puts {of_merged!r} together of merged runs, {whole!r} of all chunks")

    def _tell(self, what: str) -> None:
        if not self.metrics.differences:
            _log.warning("the router's cores differ, legacy is used: %s", what[:_SHOWN_CHARS])
        self.metrics.differ(what)


def _told(whole: Any) -> dict[str, Any] | None:
    """Return what a reply says; None where there is none: of no chunks litellm puts nothing together."""
    return None if whole is None else dict(whole.model_dump())
