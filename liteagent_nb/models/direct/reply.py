"""The direct path: the answer of an OpenAI-compatible server, read without litellm's stream in between."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.streaming import Delta
from liteagent_nb.models.direct.chunks import BrokenStream, ChunkReader
from liteagent_nb.models.direct.errors import NoRoomToAnswer
from liteagent_nb.models.direct.sse import EventReader
from liteagent_nb.models.direct.usage import counted, told
from liteagent_nb.models.direct.wire import received
from liteagent_nb.models.litellm_chunks import usage_of
from liteagent_nb.models.litellm_errors import broken_off
from liteagent_nb.models.quiet_litellm import inside_litellm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator

    from liteagent_nb.models.direct.request import DirectRequest

__all__ = ["stream_directly", "wait_for_the_end"]

_DONE = b"[DONE]"
_LAST_BYTES_S = 0.1
"""How long an answer's end is waited for once all of it is there: only then its connection can be used again."""
_SHORTEST_REPEATED = 3
"""Shorter pieces repeat for good reasons: blanks, dashes, digits."""


async def stream_directly(request: DirectRequest, *, cost_of: Callable[[Any], float | None]) -> AsyncGenerator[Delta]:
    """Send *request* and yield what comes; the last Delta has the finish reason and the usage.

    Raises litellm's errors for a refusal or a broken connection, and `BrokenStream` or `ValueError` for an answer
    that makes no sense. Closing it closes the connection.
    """
    reply, events = _Reply(), EventReader()
    try:
        async with aclosing(received(request)) as blocks:
            async for block in blocks:
                for delta in reply.read(events.feed(block)):
                    yield delta
                if reply.is_done:
                    await wait_for_the_end(blocks)
                    break
    except NoRoomToAnswer:
        reply.cut()
    usage, is_estimate = reply.usage(request)
    yield Delta(finish_reason=reply.finish_reason(), usage=usage_of(usage, cost_of=cost_of, is_estimate=is_estimate))


async def wait_for_the_end(blocks: AsyncIterator[bytes]) -> None:
    """Read what is left of an answer that is all there, for a moment: then its connection can be used again."""
    with suppress(Exception):  # all of the answer is there: how its connection ends changes nothing
        async with asyncio.timeout(_LAST_BYTES_S):
            async for _ in blocks:
                pass


class _Reply:
    """One reply while it comes."""

    def __init__(self) -> None:
        self.is_done = False
        self._chunks = ChunkReader()
        self._deltas: list[Delta] = []
        self._reason = ""
        self._last_text, self._repeated = "", 0

    def read(self, events: Iterable[bytes]) -> Iterator[Delta]:
        """Yield what the events carry, until one says that all is done."""
        for data in events:
            if self.is_done or data.startswith(_DONE):
                self.is_done = True
                return
            delta = self._chunks.read(data)
            if delta is None:
                continue
            self._deltas.append(delta)
            if delta.finish_reason:
                # As litellm does: a reason is brought into OpenAI's words where nothing else comes with it.
                self._reason = (
                    delta.finish_reason if delta.is_content else inside_litellm.map_finish_reason(delta.finish_reason)
                )
            if delta.is_content:
                self._check_repetition(delta.text)
                yield delta

    def _check_repetition(self, text: str) -> None:
        """Raise where a model says the same piece over and over, after as many as litellm waits for."""
        if self._repeated >= inside_litellm.REPEATED_STREAMING_CHUNK_LIMIT:
            raise BrokenStream(f"The model is repeating the same chunk = {self._last_text}.")
        is_same = text == self._last_text and len(text) >= _SHORTEST_REPEATED
        self._last_text, self._repeated = text, self._repeated + 1 if is_same else 1

    def cut(self) -> None:
        """End it here, for want of room."""
        self._deltas.append(Delta(finish_reason="length"))
        self._reason = "length"

    def finish_reason(self) -> str:
        """Return why the model stopped. Raises where it has not: the stream ended before its end."""
        has_calls = any(delta.calls for delta in self._deltas)
        return "tool_calls" if has_calls and self._reason == "stop" else self._reason

    def usage(self, request: DirectRequest) -> tuple[Any, bool]:
        """Return litellm's usage object, and whether it is an estimate. Raises where the reply has no end."""
        if not self._deltas:
            raise broken_off(had_content=False)
        if not self._reason:
            raise BrokenStream("Stream ended before a finish_reason was received")
        if self._chunks.usage is not None:
            return told(self._chunks.usage), False
        return counted(request, self._deltas), True
