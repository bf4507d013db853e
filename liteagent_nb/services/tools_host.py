"""serve_tools: a notebook's own functions, or any Invoker, as tools for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.protocols import Invoker
from liteagent_nb.services.host import host_app
from liteagent_nb.services.http_tools_stub import create_app
from liteagent_nb.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from liteagent_nb.services.host import Host

__all__ = ["serve_tools"]

_Function: TypeAlias = Callable[..., object]


def serve_tools(
    tools: Invoker | Iterable[_Function] | Mapping[str, _Function] | _Function,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    token: str | None = None,
    timeout_s: float = 120.0,
) -> Host:
    """Serve *tools*, an Invoker or plain functions, in the background; port 0 takes a free one.

    Without *token* it is that of MINI_AGENT_API_KEY, or the one that this user's services keep in a file; an empty one
    lets every program of this machine in. *timeout_s* is for one call. Raises `ConfigError` where the port is taken.
    """
    invoker = _invoker(tools)
    return host_app(
        lambda secret: create_app(invoker, token=secret, timeout_s=timeout_s), token=token, host=host, port=port
    )


def _invoker(tools: Invoker | Iterable[_Function] | Mapping[str, _Function] | _Function) -> Invoker:
    if isinstance(tools, Invoker):
        return tools
    return Toolbox([tools] if callable(tools) else tools)
