"""How a strict provider plays one line of its script over a connection."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from starlette.responses import JSONResponse, Response

from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.streaming import Delta, ReplyBuilder
from liteagent_nb.testing.provider_wire import asked_of, chunk_of, completion_of, error_body, estimated, usage_chunk
from liteagent_nb.testing.script import play

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from liteagent_nb.testing.script import Line

__all__ = ["Outcome", "Playing", "Received", "cut", "sse_of", "whole_of"]

Outcome: TypeAlias = Literal["open", "refused", "done", "broken", "left"]
"""`left` is a client that went away, `broken` a fault of the script, or the server's own end."""


@dataclass(slots=True)
class Received:
    """One request, and how it ended."""

    number: int
    headers: dict[str, str]
    body: dict[str, object] = field(default_factory=dict)
    at_s: float = field(default_factory=time.monotonic)
    outcome: Outcome = "open"
    ended_s: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def end(self, outcome: Outcome) -> None:
        """Note how it ended; the first word counts."""
        if not self.ended.is_set():
            self.outcome, self.ended_s = outcome, time.monotonic()
            self.ended.set()


async def sse_of(line: Line, received: Received, *, chunk_chars: int | None, newline: str) -> AsyncGenerator[bytes]:
    """Answer as server-sent events, one chunk each; usage comes last, where it was asked for."""
    head = _head(received)
    options = received.body.get("stream_options")
    wants_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    reply = ReplyBuilder(model="", started_s=0)
    async with aclosing(_finished(line, received, chunk_chars=chunk_chars)) as deltas:
        is_first = True
        async for delta in deltas:
            reply.add(delta, now_s=0)
            yield _event(chunk_of(delta, head=head, is_first=is_first), newline)
            is_first = False
    if wants_usage:
        usage = reply.reply(usage=estimated(received.body, reply_chars=reply.chars)).usage
        yield _event(usage_chunk(usage, head=head), newline)
    yield f"data: [DONE]{newline * 2}".encode()


async def whole_of(line: Line, received: Received) -> AsyncGenerator[bytes]:
    """Answer as one JSON object."""
    builder = ReplyBuilder(model="", started_s=0)
    async with aclosing(_finished(line, received, chunk_chars=None)) as deltas:
        async for delta in deltas:
            builder.add(delta, now_s=0)
    reply = builder.reply(usage=estimated(received.body, reply_chars=builder.chars))
    yield json.dumps(completion_of(reply, usage=reply.usage, head=_head(received))).encode()


async def _finished(line: Line, received: Received, *, chunk_chars: int | None) -> AsyncGenerator[Delta]:
    """Play *line*, and add the finish reason that every provider ends with."""
    number, asked = received.number, asked_of(received.body)
    has_calls = has_finished = False
    async with aclosing(play(line, asked, number=number, chunk_chars=chunk_chars)) as deltas:
        async for delta in deltas:
            has_calls, has_finished = has_calls or bool(delta.calls), has_finished or bool(delta.finish_reason)
            yield delta
    if not has_finished:
        yield Delta(finish_reason="tool_calls" if has_calls else "stop")


def _head(received: Received) -> dict[str, object]:
    return {"id": f"chatcmpl-{received.number}", "created": 1_700_000_000, "model": received.body["model"]}


def _event(chunk: dict[str, object], newline: str) -> bytes:
    return f"data: {json.dumps(chunk, ensure_ascii=False)}{newline * 2}".encode()


async def cut(pieces: AsyncGenerator[bytes], size: int | None) -> AsyncGenerator[bytes]:
    """Cut *pieces* into pieces of *size* bytes, in the middle of a character too."""
    async with aclosing(pieces):
        async for piece in pieces:
            step = size or len(piece) or 1
            for start in range(0, len(piece), step):
                yield piece[start : start + step]


class Playing(Response):
    """A response that ends at once when its client leaves or the server closes, and that can break off."""

    def __init__(
        self, pieces: AsyncGenerator[bytes], *, content_type: str, received: Received, closing: asyncio.Event
    ) -> None:
        super().__init__()
        self._pieces = pieces
        self._content_type = content_type
        self._received = received
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and watch the client meanwhile."""
        answer = asyncio.create_task(self._answer(scope, receive, send))
        left = asyncio.create_task(_client_left(receive))
        closing = asyncio.create_task(self._closing.wait())
        await asyncio.wait({answer, left, closing}, return_when=asyncio.FIRST_COMPLETED)
        self._received.end("left" if left.done() else "broken")
        for task in (answer, left, closing):
            task.cancel()
        await asyncio.gather(answer, left, closing, return_exceptions=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_started = False
        try:
            async with aclosing(self._pieces):
                async for piece in self._pieces:
                    if not is_started:
                        await self._start(send)
                    is_started = True
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Exception as error:  # noqa: BLE001 - a script may raise anything; its client sees a status or a break
            await self._fail(error, scope, receive, send, is_started=is_started)
            return
        self._received.end("done")
        if not is_started:
            await self._start(send)
        await send({"type": "http.response.body", "body": b""})

    async def _start(self, send: Send) -> None:
        headers = [(b"content-type", self._content_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _fail(self, error: Exception, scope: Scope, receive: Receive, send: Send, *, is_started: bool) -> None:
        """Answer with the error's status; without one, begin a stream and leave it without an end."""
        status = error.status if isinstance(error, ModelError) else 500
        if is_started or status is None:
            self._received.end("broken")
            if not is_started:
                await self._start(send)
            return
        self._received.end("refused")
        body = error_body(str(error), kind="server_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004 - HTTP
        await JSONResponse(body, status_code=status)(scope, receive, send)


async def _client_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
