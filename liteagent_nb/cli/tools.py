"""`jupyter liteagent tools`: tools for other programs, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.cli.place import add_place
from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands
    from liteagent_nb.core.protocols import Invoker

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("tools", help="offer tools to other programs, over HTTP")
    add_place(command, port=8791)
    command.add_argument(
        "--module", action="append", default=[], metavar="MODULE",
        help="the functions of package.module or file.py, instead of the tools that run code; may be repeated",
    )  # fmt: skip
    command.add_argument("--stub", action="store_true", help="echo and sleep instead, to try things out")
    command.add_argument("--allow-shell", action="append", metavar="PREFIX", help="a program exec_shell may run")
    command.add_argument("--isolate", action="store_true", help="without network and the user's files")
    command.add_argument("--timeout", type=float, default=120.0, metavar="SECONDS", help="for one call (%(default)g)")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.assembly import make_invoker  # noqa: PLC0415 - the other commands need no web server
    from liteagent_nb.core.config import AgentConfig  # noqa: PLC0415
    from liteagent_nb.services.http_tools_stub import create_app, stub_tools  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415
    from liteagent_nb.tools.modules import functions_of  # noqa: PLC0415
    from liteagent_nb.tools.toolbox import Toolbox  # noqa: PLC0415

    if chosen.stub:
        invoker: Invoker = stub_tools()
    elif chosen.module:
        invoker = Toolbox([function for module in chosen.module for function in functions_of(module)])
    else:
        config = AgentConfig(shell_allow_prefixes=chosen.allow_shell or ("echo",), tool_timeout_sec=chosen.timeout)
        invoker = make_invoker(config, isolate=chosen.isolate)
    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=say)
    app = create_app(invoker, token=token, hosts=frozenset(chosen.allow_host), timeout_s=chosen.timeout)
    serve(app, place, name="tools", say=say)
    return 0
