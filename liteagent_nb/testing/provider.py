"""StrictProvider: an OpenAI-compatible server that refuses what real providers refuse, and fails as they fail."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from liteagent_nb.testing.provider_answers import Playing, Received, cut, sse_of, whole_of
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError, expanded
from liteagent_nb.testing.provider_wire import check_body, error_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from starlette.requests import Request

    from liteagent_nb.testing.provider_faults import WireLine
    from liteagent_nb.testing.script import Line

__all__ = ["StrictProvider", "serving_provider"]

_LOOK_AGAIN_S = 0.002


class StrictProvider:
    """Answers chat requests from a script, one line each, and with *answer* once the script is spent.

    *cut_bytes* cuts the bytes of a stream into pieces of that size, in the middle of a character too.
    """

    def __init__(
        self,
        *script: WireLine,
        answer: WireLine | None = None,
        key: str = "test-key",
        models: tuple[str, ...] = ("test-model",),
        chunk_chars: int | None = None,
        cut_bytes: int | None = None,
        newline: str = "\n",
    ) -> None:
        self.url = ""
        """The base that clients are given: `http://127.0.0.1:PORT/v1`."""
        self.key = key
        self.models = models
        self.requests: list[Received] = []
        self.violations: list[str] = []
        """What was refused with status 400, and why."""
        self._script = list(expanded(script))
        self._answer = answer
        self._chunk_chars = chunk_chars
        self._cut_bytes = cut_bytes
        self._newline = newline
        self._closing = asyncio.Event()
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/models", self._list_models, methods=["GET"]),
        ]
        self.app = Starlette(routes=routes)
        """The server as an ASGI application."""

    def say(self, *script: WireLine) -> None:
        """Add lines to the script."""
        self._script.extend(expanded(script))

    def close(self) -> None:
        """End every answer that is still going on; to be called on the server's loop."""
        self._closing.set()

    async def _list_models(self, request: Request) -> Response:
        if refusal := self._unauthorized(request):
            return refusal
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.models]
        return JSONResponse({"object": "list", "data": entries})

    async def _chat(self, request: Request) -> Response:
        received = Received(len(self.requests) + 1, dict(request.headers))
        self.requests.append(received)
        raw = await request.body()
        response = self._unauthorized(request) or self._refusal(raw, received) or self._next_answer(received)
        if not isinstance(response, Playing):
            received.end("refused")
        return response

    def _unauthorized(self, request: Request) -> Response | None:
        sent = request.headers.get("authorization", "")
        if sent == f"Bearer {self.key}":
            return None
        # The whole key is told on purpose: clients must keep it out of what they show.
        message = f"Incorrect API key provided: {sent.removeprefix('Bearer ')}."
        return JSONResponse(error_body(message, kind="invalid_request_error", code="invalid_api_key"), status_code=401)

    def _refusal(self, raw: bytes, received: Received) -> Response | None:
        try:
            received.body = check_body(json.loads(raw))
        except ValueError as violation:
            self.violations.append(str(violation))
            return JSONResponse(error_body(str(violation), kind="invalid_request_error"), status_code=400)
        if received.body["model"] in self.models:
            return None
        message = f"The model `{received.body['model']}` does not exist or you do not have access to it."
        return JSONResponse(error_body(message, kind="invalid_request_error", code="model_not_found"), status_code=404)

    def _next_answer(self, received: Received) -> Response:
        line = self._script.pop(0) if self._script else self._answer
        if line is None:
            return JSONResponse(error_body("the script has no more answers", kind="script"), status_code=400)
        if isinstance(line, RateLimited):
            headers = {} if line.retry_after is None else {"retry-after": str(line.retry_after)}
            body = error_body(line.message, kind="requests", code=line.code)
            return JSONResponse(body, status_code=429, headers=headers)
        if isinstance(line, ServerError):
            body = error_body(line.message, kind="server_error")
            return Response(line.body or json.dumps(body), line.status, media_type="application/json")
        return self._playing(line, received)

    def _playing(self, line: Line | Garbage, received: Received) -> Response:
        if isinstance(line, Garbage):
            pieces, content_type = _verbatim(line.data), line.content_type
        elif received.body.get("stream"):
            pieces = sse_of(line, received, chunk_chars=self._chunk_chars, newline=self._newline)
            content_type = "text/event-stream; charset=utf-8"
        else:
            pieces, content_type = whole_of(line, received), "application/json"
        pieces = cut(pieces, self._cut_bytes)
        return Playing(pieces, content_type=content_type, received=received, closing=self._closing)


async def _verbatim(data: bytes) -> AsyncGenerator[bytes]:
    yield data


@contextmanager
def serving_provider(
    *script: WireLine,
    answer: WireLine | None = None,
    key: str = "test-key",
    models: tuple[str, ...] = ("test-model",),
    chunk_chars: int | None = None,
    cut_bytes: int | None = None,
    newline: str = "\n",
) -> Iterator[StrictProvider]:
    """Serve a `StrictProvider` on a free port of this machine, in a thread with its own event loop."""
    provider = StrictProvider(
        *script,
        answer=answer,
        key=key,
        models=models,
        chunk_chars=chunk_chars,
        cut_bytes=cut_bytes,
        newline=newline,
    )
    # With its protocol named: asyncio turns Nagle's algorithm off only then, which costs 44 ms a request.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        provider.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        with _running(provider, listener) as loop:
            try:
                yield provider
            finally:
                loop.call_soon_threadsafe(provider.close)


class _PromptServer(uvicorn.Server):
    """Ends when it is told to; uvicorn itself looks ten times a second, which is most of what a short test takes."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told_to_end = asyncio.Event()

    async def main_loop(self) -> None:
        """Serve until told to end."""
        await self.on_tick(0)
        await self.told_to_end.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, and wait for the answers that are under way."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(_LOOK_AGAIN_S)


@contextmanager
def _running(provider: StrictProvider, listener: socket.socket) -> Iterator[asyncio.AbstractEventLoop]:
    # uvicorn calls a broken-off answer an error of the application; here it is the script's.
    server = _PromptServer(uvicorn.Config(provider.app, lifespan="off", log_config=None, log_level="critical"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(server, listener, loop), name="strict-provider")
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.002)
        yield loop
    finally:
        loop.call_soon_threadsafe(server.told_to_end.set)
        thread.join()


def _serve(server: uvicorn.Server, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[listener]))
