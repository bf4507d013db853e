"""`jupyter liteagent mcp`: tools and the agent for MCP clients."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from liteagent_nb.cli.place import add_place
from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("mcp", help="offer tools and the agent to MCP clients, over stdio or HTTP")
    command.add_argument("--http", action="store_true", help="serve streamable HTTP at /mcp, not stdin and stdout")
    add_place(command, port=8792)
    command.add_argument("--model", default="", help="which model the agent asks where a client names none")
    command.add_argument("--max-iterations", type=int, default=8, metavar="N", help="of a run (%(default)s)")
    command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="of a tool (%(default)s)")
    command.add_argument("--allow-shell", action="append", metavar="PREFIX", help="a program that exec_shell may run")
    command.add_argument("--no-agent", action="store_true", help="offer the tools only, not ask_agent")
    command.add_argument("--isolate", action="store_true", help="code sees no network and none of the user's files")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.assembly import make_invoker  # noqa: PLC0415 - the other commands do without
    from liteagent_nb.core.config import AgentConfig  # noqa: PLC0415
    from liteagent_nb.core.portal import shared_portal  # noqa: PLC0415
    from liteagent_nb.services.mcp_server import create_app, serve_mcp  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415

    config = AgentConfig(
        model=chosen.model,
        max_iterations=chosen.max_iterations,
        tool_timeout_sec=chosen.timeout,
        shell_allow_prefixes=tuple(chosen.allow_shell or ("echo",)),
    )
    tools, offers_agent = make_invoker(config, isolate=chosen.isolate), not chosen.no_agent
    if not chosen.http:
        # At once: a thread reads stdin, which nothing can break off. What runs is ended by its supervisors.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        shared_portal().wait_for(serve_mcp(tools, config=config, offers_agent=offers_agent))
        return 0
    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=say)
    hosts = frozenset(chosen.allow_host)
    app = create_app(tools, config=config, offers_agent=offers_agent, token=token, hosts=hosts)
    serve(app, place, name="mcp", say=say)
    return 0
