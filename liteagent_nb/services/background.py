"""Serving an app from a notebook, in the background: a thread and an event loop of its own, certainly closed."""

from __future__ import annotations

import asyncio
import atexit
from typing import TYPE_CHECKING, Self

import uvicorn

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.portal import Portal
from liteagent_nb.services.serving import Place, listening, server_config, url_of

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

__all__ = ["BackgroundServer", "serve_in_background"]

_LOOK_EVERY_S = 0.01
_CLOSING_S = 5.0
"""What the app's own closing may take after the requests have ended."""


class BackgroundServer:
    """A server under way at *url*, until `close`, the end of a `with` block, or the interpreter's exit.

    `serve_in_background` makes and starts it.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, *, drain_s: int) -> None:
        self.url = url_of(listener)
        self._listener = listener
        # Without a log_config: uvicorn's would replace the handlers that the notebook's own program has set.
        self._server = uvicorn.Server(server_config(app, drain_s=drain_s, log_config=None))
        self._serving: asyncio.Task[None] | None = None
        self._closing_s = drain_s + _CLOSING_S
        # Not the shared portal: what an agent blocks there must not keep others waiting here.
        self._portal = Portal(grace_s=self._closing_s)

    def __repr__(self) -> str:
        return f"BackgroundServer({self.url!r}{'' if self.is_open else ', closed'})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether it serves."""
        return self._serving is not None and not self._serving.done() and not self._server.should_exit

    def start(self) -> None:
        """Serve, and return when it can be asked. Raises `ConfigError` where the app does not start."""
        atexit.register(self.close)
        try:
            self._portal.wait_for(self._started())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it: requests under way get a while, then they are cancelled. Closing twice does nothing more."""
        atexit.unregister(self.close)
        is_first, self._server.should_exit = not self._server.should_exit, True
        try:
            if is_first and self._serving is not None:
                self._portal.wait_for(self._ended(self._serving))
        finally:
            self._portal.close()
            self._listener.close()

    async def _started(self) -> None:
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]), name="liteagent-server")
        while not self._server.started:
            if self._serving.done():  # uvicorn exits where the app does not open
                self._serving.exception()
                raise ConfigError("the app did not start", hint="its log says why")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _ended(self, serving: asyncio.Task[None]) -> None:
        await asyncio.wait({serving}, timeout=self._closing_s)


def serve_in_background(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, drain_s: int = 2) -> BackgroundServer:
    """Serve *app* and return when it can be asked. Port 0 takes a free one.

    When it is closed, requests under way get *drain_s* seconds. Raises `ConfigError` where the port is taken, and where
    the app does not start.
    """
    server = BackgroundServer(app, listening(Place(host, port)), drain_s=drain_s)
    server.start()
    return server
