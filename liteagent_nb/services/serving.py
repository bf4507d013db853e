"""Serving an app from a shell: one socket, a token by default, and a graceful end."""

from __future__ import annotations

import contextlib
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services.guard import is_loopback
from liteagent_nb.services.tokens import default_token_file, keep_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

__all__ = ["Place", "listening", "serve", "server_config", "token_for", "url_of"]

_KEEP_ALIVE_S = 75
_BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service listens, and how long its running work gets when it is told to stop."""

    host: str = "127.0.0.1"
    port: int = 0
    drain_s: int = 10


def token_for(place: Place, file: Path | None, *, is_open: bool, say: Callable[[str], None]) -> str:
    """Return the token to ask for: `MINI_AGENT_API_KEY`, or one that is kept in *file* and said once.

    Raises `ConfigError` where *is_open*, and others than this machine's programs could ask.
    """
    if is_open:
        if not is_loopback(place.host):
            raise ConfigError(f"without a token {place.host} is not served", hint="leave --open out, or bind 127.0.0.1")
        return ""
    if file is None and (known := environment.text("MINI_AGENT_API_KEY")):
        return known
    token = keep_token(file or default_token_file())
    say(f"token: {token.text}\n  (kept in {token.file}, not shown again)" if token.is_new else f"token: {token.file}")
    return token.text


def serve(app: ASGIApp, place: Place, *, name: str, say: Callable[[str], None]) -> None:
    """Serve *app* until SIGTERM or SIGINT; what runs then gets its time, and is cancelled after it."""
    config = server_config(app, drain_s=place.drain_s)
    # uvicorn raises the signal again at its end, when all is closed: SIGTERM was answered then.
    before = signal.signal(signal.SIGTERM, _ignore)
    with listening(place) as listener:
        say(f"{name}: {url_of(listener)}")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        finally:
            signal.signal(signal.SIGTERM, before)


def server_config(app: ASGIApp, *, drain_s: int, **more: Any) -> uvicorn.Config:
    """Return how uvicorn serves *app*; *more* goes to it as it is."""
    return uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=drain_s,
        server_header=False,
        ws="none",
        **more,
    )


def url_of(listener: socket.socket) -> str:
    """Return the URL that *listener* is reached by."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def listening(place: Place) -> socket.socket:
    """Return a socket that listens at *place*. Raises `ConfigError` where it cannot be bound."""
    with contextlib.ExitStack() as opening:
        try:
            # Without the port: 70000 would become 4464 there.
            family, _, _, _, address = socket.getaddrinfo(place.host, None, type=socket.SOCK_STREAM)[0]
            # TCP by name: asyncio turns Nagle's delay off only where a socket says so, and each answer waits 40 ms.
            listener = opening.enter_context(socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((str(address[0]), place.port))
            listener.listen(_BACKLOG)
        except (OSError, OverflowError) as error:
            message = f"{place.host}:{place.port} cannot be bound: {error}"
            raise ConfigError(message, hint="choose another port") from None
        opening.pop_all()
    return listener


def _ignore(*_signal: object) -> None:
    """Do nothing."""
