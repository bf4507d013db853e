"""EventStream: an execution as server-sent events: outputs as they come, its result at the end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.services.answers import ClientGone, failed_answer, house_error_answer, json_bytes, stopping
from liteagent_nb.services.exec_wire import as_json
from liteagent_nb.services.presence import WhileThere

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from liteagent_nb.core.execution import ExecResult, Output, OutputWatcher

__all__ = ["EventStream"]

_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
_BEGINS_WITHIN_S = 1.0
"""Until then a failure is an answer with its status; after that, an event."""


class EventStream:
    """The answer of `POST /exec/stream`: `output` events, and a `result` or an `error` at the end.

    A client that reads too slowly loses outputs: `dropped` says how many. Its `result` has them all.
    """

    def __init__(
        self,
        run: Callable[[OutputWatcher], Awaitable[ExecResult]],
        *,
        keep_alive_s: float = 10.0,
        max_waiting_bytes: int = 16 << 20,
    ) -> None:
        self._keep_alive_s = keep_alive_s
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dropped = 0
        self._woken = asyncio.Event()
        self._work = asyncio.ensure_future(run(self._tell))
        self._work.add_done_callback(lambda _: self._woken.set())

    async def begin(self) -> None:
        """Wait for the first output, the end, or a while. Raises what the execution raised by then."""
        try:
            await self._wait(_BEGINS_WITHIN_S)
            if self._work.done():
                self._work.result()
        except BaseException:
            self._work.cancel()
            raise

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the execution ends with it."""
        try:
            async with WhileThere(receive):
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                async for piece in self._pieces():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ClientGone:
            return
        except asyncio.CancelledError:  # the server stops
            await send({"type": "http.response.body", "body": _error_event(stopping().answer()), "more_body": False})
        finally:
            if not self._work.done():
                self._work.cancel()
                await asyncio.wait({self._work})

    async def _pieces(self) -> AsyncIterator[bytes]:
        while not self._work.done():
            yield self._taken() or b": keep-alive\n\n"
            await self._wait(self._keep_alive_s)
        yield self._taken() + self._ending()

    async def _wait(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return

    def _tell(self, output: Output) -> None:
        piece = _event("output", output)
        if self._waiting_bytes + len(piece) > self._max_waiting_bytes:
            self._dropped += 1
        else:
            self._waiting.append(piece)
            self._waiting_bytes += len(piece)
        self._woken.set()

    def _taken(self) -> bytes:
        """Return what waits, as one piece."""
        if self._dropped:
            self._waiting.append(_event("dropped", {"count": self._dropped}))
        taken = b"".join(self._waiting)
        self._waiting, self._waiting_bytes, self._dropped = [], 0, 0
        if not self._work.done():
            self._woken.clear()
        return taken

    def _ending(self) -> bytes:
        try:
            return _event("result", as_json(self._work.result()))
        except LiteAgentError as error:
            answer = house_error_answer(error)
        except Exception as error:
            logging.getLogger(__name__).exception("the executor failed")
            answer = failed_answer(error)
        return _error_event(answer)


def _event(name: str, content: object) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + json_bytes(content) + b"\n\n"


def _error_event(answer: Response) -> bytes:
    return b"event: error\ndata: " + bytes(answer.body) + b"\n\n"
