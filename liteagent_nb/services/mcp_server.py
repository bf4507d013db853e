"""An Invoker's tools, and the agent itself, for MCP clients: over stdio, or over HTTP behind the guard."""

from __future__ import annotations

import contextlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services.guard import Guard, GuardSettings, warn_if_open
from liteagent_nb.services.metrics import Tally

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server import Server
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from liteagent_nb.core.protocols import Invoker

__all__ = ["create_app", "create_server", "serve_mcp"]

PATH = "/mcp"
_ABOUT = "Tools that run on the user's machine, and an agent that uses them: ask_agent."


def create_server(
    invoker: Invoker, *, config: AgentConfig | None = None, offers_agent: bool = True
) -> Server[dict[str, Any]]:
    """Return the MCP server that offers the tools of *invoker*; with *offers_agent*, `ask_agent` beside them.

    *config* holds for its runs, and its `tool_timeout_sec` for every call. Raises `ConfigError` without the extra.
    """
    try:
        from mcp.server import Server  # noqa: PLC0415 - needs the extra `mcp`

        from liteagent_nb.services.mcp_tools import McpTools  # noqa: PLC0415 - it, too
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        raise ConfigError(
            f"serving MCP needs the package {error.name}", hint='pip install "liteagent_nb[mcp]"'
        ) from None
    tools = McpTools(invoker, config or AgentConfig(), offers_agent=offers_agent)
    return Server(
        "liteagent_nb",
        version=version("liteagent_nb"),
        instructions=_ABOUT if offers_agent else None,
        on_list_tools=tools.listed,
        on_call_tool=tools.called,
    )


async def serve_mcp(invoker: Invoker, *, config: AgentConfig | None = None, offers_agent: bool = True) -> None:
    """Serve MCP over stdin and stdout until stdin is closed; what else is printed meanwhile goes to stderr."""
    server = create_server(invoker, config=config, offers_agent=offers_agent)
    from mcp.server.stdio import stdio_server  # noqa: PLC0415 - needs the extra `mcp`

    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def create_app(
    invoker: Invoker,
    *,
    config: AgentConfig | None = None,
    offers_agent: bool = True,
    token: str | None = None,
    hosts: frozenset[str] = frozenset(),
    max_work: int = 64,
) -> Guard:
    """Return the app that serves MCP over streamable HTTP at `/mcp`; it may be served once.

    Without *token*, that of the environment is asked for. *hosts* are names it is asked by, beside those of loopback.
    """
    settings = GuardSettings(
        token=environment.text("MINI_AGENT_API_KEY") if token is None else token,
        hosts=hosts,
        limited_paths=frozenset({PATH}),
        max_work=max_work,
    )
    server = create_server(invoker, config=config, offers_agent=offers_agent)
    return Guard(_app_of(server, settings), settings, Tally())


def _app_of(server: Server[dict[str, Any]], settings: GuardSettings) -> Starlette:
    """Return the SDK's own app; the guard stands for its checks of Host and Origin."""
    from mcp.server.transport_security import TransportSecuritySettings  # noqa: PLC0415 - needs the extra `mcp`
    from starlette.routing import Route  # noqa: PLC0415 - stdio needs no web server

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=settings.max_body_bytes,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        custom_starlette_routes=[Route("/health", _health)],
    )
    inner = app.router.lifespan_context

    @contextlib.asynccontextmanager
    async def lifespan(served: Starlette) -> AsyncIterator[Any]:
        warn_if_open(settings, "mcp")
        async with inner(served) as state:
            yield state

    app.router.lifespan_context = lifespan
    return app


async def _health(_request: Request) -> Response:
    from liteagent_nb.services.answers import json_answer  # noqa: PLC0415 - stdio needs no web server

    return json_answer({"ok": True})
