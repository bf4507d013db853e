"""EventStream: work whose events are sent while they come, as server-sent events."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.services.answers import ClientGone, Failure, Refusal, failure_of, json_bytes, stopping
from liteagent_nb.services.presence import WhileThere

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import Message, Receive, Scope, Send

__all__ = ["EventStream", "Frames", "event_bytes"]

_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
_KEEP_ALIVE = b": keep-alive\n\n"

E_contra = TypeVar("E_contra", contravariant=True)
R_contra = TypeVar("R_contra", contravariant=True)


class Frames(Protocol[E_contra, R_contra]):
    """How the events of some work and its result are written."""

    def event(self, event: E_contra) -> bytes:
        """Return *event* as it is sent; empty where it is not."""

    def dropped(self, count: int) -> bytes:
        """Return what is sent in place of events that a slow reader lost; empty where none may be lost."""

    def ending(self, result: R_contra) -> bytes:
        """Return what is sent last."""

    def failure(self, failure: Failure) -> bytes:
        """Return what is sent last where the work failed."""


class EventStream(Generic[E_contra, R_contra]):
    """An answer of server-sent events: *run* is given a watcher, whose events are sent while they come.

    What a client that reads too slowly leaves waiting is bounded: beyond it events are dropped and counted, or where
    none may be lost, the work ends. Events that come within *pause_s* of each other are sent together; a client that
    takes nothing for *stalled_after_s* is taken for gone.
    """

    def __init__(
        self,
        run: Callable[[Callable[[E_contra], None]], Awaitable[R_contra]],
        frames: Frames[E_contra, R_contra],
        *,
        begins_within_s: float = 1.0,
        keep_alive_s: float = 10.0,
        max_waiting_bytes: int = 16 << 20,
        pause_s: float = 0.0,
        stalled_after_s: float | None = None,
    ) -> None:
        self._frames = frames
        self._begins_within_s = begins_within_s
        self._keep_alive_s = keep_alive_s
        self._max_waiting_bytes = max_waiting_bytes
        self._pause_s = pause_s
        self._stalled_after_s = stalled_after_s
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dropped = 0
        self._is_too_slow = False
        self._woken = asyncio.Event()
        self._work = asyncio.ensure_future(run(self._tell))
        self._work.add_done_callback(lambda _: self._woken.set())

    async def begin(self) -> None:
        """Wait for the first event, the end, or a while: until then a failure is an answer with its status.

        Raises what the work raised by then.
        """
        try:
            await self._wait(self._begins_within_s)
            if self._work.done():
                self._work.result()
        except BaseException:
            self._work.cancel()
            await asyncio.wait({self._work})
            raise

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the work ends with it."""
        try:
            async with WhileThere(receive):
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                async for piece in self._pieces():
                    await self._send(send, {"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (ClientGone, TimeoutError):
            return
        except asyncio.CancelledError:  # the server stops
            last = self._frames.failure(stopping().failure)
            await send({"type": "http.response.body", "body": last, "more_body": False})
        finally:
            if not self._work.done():
                self._work.cancel()
                await asyncio.wait({self._work})

    async def _send(self, send: Send, message: Message) -> None:
        """Send *message*. Raises `TimeoutError` where the client takes nothing any more."""
        async with asyncio.timeout(self._stalled_after_s):
            await send(message)

    async def _pieces(self) -> AsyncIterator[bytes]:
        while not self._work.done():
            yield self._taken() or _KEEP_ALIVE
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            await self._wait(self._keep_alive_s)
        yield self._taken() + self._ending()

    async def _wait(self, timeout_s: float) -> None:
        if self._woken.is_set():
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return

    def _tell(self, event: E_contra) -> None:
        piece = self._frames.event(event)
        if not piece:
            return
        if self._waiting_bytes + len(piece) > self._max_waiting_bytes:
            self._drop()
        else:
            self._waiting.append(piece)
            self._waiting_bytes += len(piece)
        self._woken.set()

    def _drop(self) -> None:
        self._dropped += 1
        if not self._is_too_slow and not self._frames.dropped(1):
            self._is_too_slow = True
            self._work.cancel()

    def _taken(self) -> bytes:
        """Return what waits, as one piece."""
        if self._dropped:
            self._waiting.append(self._frames.dropped(self._dropped))
        taken = b"".join(self._waiting)
        self._waiting, self._waiting_bytes, self._dropped = [], 0, 0
        if not self._work.done():
            self._woken.clear()
        return taken

    def _ending(self) -> bytes:
        if self._is_too_slow:
            return self._frames.failure(_too_slow().failure)
        try:
            return self._frames.ending(self._work.result())
        except (LiteAgentError, Refusal) as error:
            failure = failure_of(error)
        except Exception as error:
            logging.getLogger(__name__).exception("the work behind a stream failed")
            failure = failure_of(error)
        return self._frames.failure(failure)


def event_bytes(name: str, content: object) -> bytes:
    """Return an event with its name and its data as JSON."""
    return b"event: " + name.encode() + b"\ndata: " + json_bytes(content) + b"\n\n"


def _too_slow() -> Refusal:
    return Refusal(408, "SlowReader", "the stream was not read, and too much waits", hint="read it while it comes")
