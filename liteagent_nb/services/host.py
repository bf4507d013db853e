"""Host: an app that a notebook serves in the background, with its token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from liteagent_nb import environment
from liteagent_nb.services.background import serve_in_background
from liteagent_nb.services.tokens import default_token_file, keep_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

__all__ = ["Host", "host_app"]


class Host:
    """What is served at *url* to those who show *token*, until `close`, the end of a `with` block, or the exit."""

    def __init__(self, app: ASGIApp, *, token: str, token_place: str, host: str = "127.0.0.1", port: int = 0) -> None:
        self.token = token
        """What clients send as `Authorization: Bearer TOKEN`; never shown."""
        self.token_place = token_place
        """Where people find it."""
        self._server = serve_in_background(app, host=host, port=port)

    def __repr__(self) -> str:
        return f"Host({self.url!r}, {self.token_place}{'' if self.is_open else ', closed'})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return self._server.url

    @property
    def is_open(self) -> bool:
        """Whether it serves."""
        return self._server.is_open

    def close(self) -> None:
        """End it, and what is under way there."""
        self._server.close()


def host_app(
    make_app: Callable[[str], ASGIApp], *, token: str | None = None, host: str = "127.0.0.1", port: int = 0
) -> Host:
    """Serve what *make_app* makes for a token: the given one, that of MINI_AGENT_API_KEY, or the one kept in a file.

    An empty token lets every program of this machine in. Raises `ConfigError` where the port is taken.
    """
    text, place = _token(token)
    return Host(make_app(text), token=text, token_place=place, host=host, port=port)


def _token(given: str | None) -> tuple[str, str]:
    """Return the token, and where it is."""
    if given is not None:
        return given, "with the token that was given" if given else "open to this machine"
    if known := environment.text("MINI_AGENT_API_KEY"):
        return known, "token in MINI_AGENT_API_KEY"
    kept = keep_token(default_token_file())
    return kept.text, f"token in {kept.file}"
