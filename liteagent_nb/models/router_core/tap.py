"""Tap: stands between a response and the SDK that reads it, and gives the bytes on event by event."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from liteagent_nb.models.direct.sse import BlockReader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

__all__ = ["Tap"]

_BLANK_LINE = b"\n\n"


class Tap:
    """A response to the SDK, with everything it has.

    What it is asked for it gives in the order in which it came: an event that is in `events` was not asked for yet,
    and may be taken.
    """

    def __init__(self, response: Any) -> None:
        self.events: deque[bytes] = deque()
        self.given: bytes | None = None
        """The event that was given last; None before the first, and after the last."""
        self.is_at_end = False
        """Whether nothing more will come into `events`."""
        self._response = response
        self._reader = BlockReader()
        self._source: Any = None
        self._failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    @property
    def has_next(self) -> bool:
        """Whether there is something to give without reading from the network."""
        return bool(self.events) or self.is_at_end

    async def aiter_bytes(self) -> AsyncGenerator[bytes]:
        """Yield one event after the other, then what is no event; raise what broke the connection."""
        while self.events or not self.is_at_end:
            if self.events:
                yield self._give()
            else:
                await self.afill()
        for left in self._end():
            yield left

    def iter_bytes(self) -> Generator[bytes]:
        """Yield one event after the other, then what is no event; raise what broke the connection."""
        while self.events or not self.is_at_end:
            if self.events:
                yield self._give()
            else:
                self.fill()
        yield from self._end()

    async def afill(self) -> None:
        """Read once from the network. What goes wrong is kept for when the SDK asks: it has its own words for it."""
        if self._source is None:
            self._source = self._response.aiter_bytes()
        try:
            self._take(await anext(self._source))
        except StopAsyncIteration:
            self._finish(None)
        except Exception as error:  # noqa: BLE001 - raised again in its turn
            self._finish(error)

    def fill(self) -> None:
        """Read once from the network. What goes wrong is kept for when the SDK asks: it has its own words for it."""
        if self._source is None:
            self._source = self._response.iter_bytes()
        try:
            self._take(next(self._source))
        except StopIteration:
            self._finish(None)
        except Exception as error:  # noqa: BLE001 - raised again in its turn
            self._finish(error)

    def _give(self) -> bytes:
        self.given = self.events.popleft()
        return self.given + _BLANK_LINE

    def _take(self, block: bytes) -> None:
        self.events.extend(self._reader.feed(block))

    def _finish(self, failure: Exception | None) -> None:
        self._failure, self.is_at_end = failure, True

    def _end(self) -> list[bytes]:
        self.given = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return [rest] if (rest := self._reader.rest()) else []
