"""serve_tools: a notebook's own functions, or any Invoker, as tools for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Self, TypeAlias

from liteagent_nb import environment
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.services.background import serve_in_background
from liteagent_nb.services.http_tools_stub import create_app
from liteagent_nb.services.tokens import default_token_file, keep_token
from liteagent_nb.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from liteagent_nb.services.background import BackgroundServer

__all__ = ["ToolsHost", "serve_tools"]

_Function: TypeAlias = Callable[..., object]


class ToolsHost:
    """Tools that are served at *url* to those who show *token*, until `close`, or the end of a `with` block."""

    def __init__(self, server: BackgroundServer, token: str, place: str) -> None:
        self._server = server
        self._place = place
        self.token = token
        """What clients send as `Authorization: Bearer TOKEN`."""

    def __repr__(self) -> str:
        return f"ToolsHost({self.url!r}, {self._place}{'' if self._server.is_open else ', closed'})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it is: `GET /tools`, `POST /invoke`."""
        return self._server.url

    def close(self) -> None:
        """End it, and the calls that are under way."""
        self._server.close()


def serve_tools(
    tools: Invoker | Iterable[_Function] | Mapping[str, _Function] | _Function,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    timeout_s: float = 120.0,
) -> ToolsHost:
    """Serve *tools*, an Invoker or plain functions, in the background; port 0 takes a free one.

    Without *token* it is that of MINI_AGENT_API_KEY, or the one that this user's services keep in a file; an empty one
    lets every program of this machine in. *timeout_s* is for one call. Raises `ConfigError` where the port is taken.
    """
    token, place = _token(token)
    app = create_app(_invoker(tools), token=token, timeout_s=timeout_s)
    return ToolsHost(serve_in_background(app, host=host, port=port), token, place)


def _invoker(tools: Invoker | Iterable[_Function] | Mapping[str, _Function] | _Function) -> Invoker:
    if isinstance(tools, Invoker):
        return tools
    return Toolbox([tools] if callable(tools) else tools)


def _token(given: str | None) -> tuple[str, str]:
    """Return the token, and where it is."""
    if given is not None:
        return given, "with the token that was given" if given else "open to this machine"
    if known := environment.text("MINI_AGENT_API_KEY"):
        return known, "token in MINI_AGENT_API_KEY"
    kept = keep_token(default_token_file())
    return kept.text, f"token in {kept.file}"
