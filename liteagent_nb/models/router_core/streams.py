"""The streams of a router with a core of ours: litellm's own, measured, and with a fast way for text."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from liteagent_nb.models.quiet_litellm import inside_litellm
from liteagent_nb.models.router_core.calls import goes_on_with
from liteagent_nb.models.router_core.lane import Lane
from liteagent_nb.models.router_core.pieces import settled
from liteagent_nb.models.router_core.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from liteagent_nb.models.router_core.lane import Shape
    from liteagent_nb.models.router_core.metrics import StreamMetrics

__all__ = ["ExtractedStream", "MeasuredStream"]

_COUNTED_IN_LAST = 3
"""Where in a reply the server says what it has counted."""

_AT_A_STRETCH = 32
"""How many pieces that are there already are given before other tasks have their turn: their streams want to begin."""

_Wrapper: Any = inside_litellm.CustomStreamWrapper


class MeasuredStream(_Wrapper):  # type: ignore[misc]
    """litellm's stream as it is, measured."""

    chunks: list[Any]

    def __init__(self, opened: Any, metrics: StreamMetrics) -> None:
        self.__dict__.update(opened.__dict__)  # its state goes on here: it is not begun a second time
        self._opened = opened  # were it let go, litellm would take the call for over
        self.metrics = metrics

    async def __anext__(self) -> Any:
        try:
            chunk = await super().__anext__()
        except BaseException as error:
            self._ended(error)
            raise
        self.metrics.note(chunk)
        return chunk

    def __next__(self) -> Any:
        try:
            chunk = super().__next__()
        except BaseException as error:
            self._ended(error)
            raise
        self.metrics.note(chunk)
        return chunk

    async def aclose(self) -> None:
        """Close the connection."""
        self.metrics.end()
        await super().aclose()

    def close(self) -> None:
        """Close the connection."""
        self.metrics.end()
        super().close()

    def _ended(self, error: BaseException) -> None:
        self.metrics.end()
        goes_on_with(self.metrics, error)


class ExtractedStream(MeasuredStream):
    """litellm's stream whose text takes the fast way; every other event is read by the SDK and by litellm."""

    def __init__(self, opened: Any, metrics: StreamMetrics, proven: set[Shape]) -> None:
        super().__init__(opened, metrics)
        self._lane = Lane(proven)
        self._tap = Tap(opened.completion_stream.response)
        self._all_chunks = self.chunks
        """As the caller sees them; `chunks`, which litellm counts at the end, has runs of text merged."""
        self._known = 0
        self._run: list[Any] = []
        self._run_text: list[str] = []
        self._stretch = 0
        opened.completion_stream.response = self._tap

    async def __anext__(self) -> Any:
        while self._lane.is_open and not self._closed:
            if self._stretch >= _AT_A_STRETCH:
                self._stretch = 0
                await self._or_closed(asyncio.sleep(0))
            if (chunk := self._fast()) is not None:
                self._stretch += 1
                return chunk
            if self._tap.has_next:
                break
            await self._or_closed(self._tap.afill())
        self._settle()
        try:
            chunk = await super().__anext__()
        finally:
            self._unsettle()
        self._learn(chunk)
        return chunk

    def __next__(self) -> Any:
        while self._lane.is_open and not self._closed:
            if (chunk := self._fast()) is not None:
                return chunk
            if self._tap.has_next:
                break
            self._read()
        self._settle()
        try:
            chunk = super().__next__()
        finally:
            self._unsettle()
        self._learn(chunk)
        return chunk

    async def _or_closed(self, waiting: Awaitable[None]) -> None:
        try:
            await waiting
        except BaseException:  # cancelled, and the SDK, which would close the connection, is not reading
            await self._tap.aclose()
            raise

    def _read(self) -> None:
        try:
            self._tap.fill()
        except BaseException:  # interrupted, and the SDK, which would close the connection, is not reading
            self._tap.close()
            raise

    def _fast(self) -> Any:
        """Return the next chunk if it takes the fast way, with what litellm notes of one noted."""
        events = self._tap.events
        taken = self._lane.take(events[0]) if events else None
        if taken is None:
            return None
        events.popleft()
        chunk, text = taken
        self._run.append(chunk)
        self._run_text.append(text)
        self._all_chunks.append(chunk)
        self.metrics.pieces += 1
        self.metrics.fast_pieces += 1
        return chunk

    def _settle(self) -> None:
        """Let litellm know what went the fast way."""
        if self._run:
            if self.chunks is self._all_chunks:
                self.chunks = self._all_chunks[: -len(self._run)]
            self.chunks += settled(self._run)
            self.response_uptil_now += "".join(self._run_text)
            self._repeated_messages_count = 1
            self._run, self._run_text = [], []
        self._known = len(self.chunks)

    def _unsettle(self) -> None:
        """Let the caller see the chunks that litellm has made."""
        if self.chunks is not self._all_chunks:
            self._all_chunks += self.chunks[self._known :]

    async def _async_build_complete_streaming_response(self) -> Any:
        """Put the whole together here, which litellm does in a thread: what is merged is not worth the way there.

        Not so where the server has not counted: a tokenizer has to, and that takes its time.
        """
        if any(getattr(chunk, "usage", None) is not None for chunk in self.chunks[-_COUNTED_IN_LAST:]):
            return self._build_complete_streaming_response()
        return await super()._async_build_complete_streaming_response()

    def _learn(self, chunk: Any) -> None:
        if self.received_finish_reason is not None:
            self._lane.close()
        elif self._tap.given is not None:
            self._lane.learn(self._tap.given, chunk)
