"""`jupyter liteagent exec-rpc`: code of other programs, over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.cli.place import add_place
from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("exec-rpc", help="run code for other programs, over HTTP")
    add_place(command, port=8790)
    command.add_argument("--gateway", default="", metavar="URL", help="run the code on a Jupyter Gateway")
    command.add_argument("--gateway-token-file", type=Path, help="holds the token of that gateway")
    command.add_argument("--isolate", action="store_true", help="without network and the user's files")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.assembly import make_executor  # noqa: PLC0415 - the other commands need no web server
    from liteagent_nb.services.exec_rpc_server import create_app  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415
    from liteagent_nb.services.tokens import read_token  # noqa: PLC0415

    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=say)
    gateway_token = read_token(chosen.gateway_token_file) if chosen.gateway_token_file else ""
    executor = make_executor(gateway=chosen.gateway, token=gateway_token, isolate=chosen.isolate)
    serve(create_app(executor, token=token, hosts=frozenset(chosen.allow_host)), place, name="exec-rpc", say=say)
    return 0
