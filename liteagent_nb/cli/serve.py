"""`jupyter liteagent serve`: agents for other programs, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.cli.place import add_place
from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("serve", help="run agents for other programs, over HTTP")
    host, port = environment.text("MINI_AGENT_API_HOST", "127.0.0.1"), environment.text("MINI_AGENT_API_PORT", "8788")
    add_place(command, host=host, port=port)
    command.add_argument("--model", default="", help="the model where none is named (LITELLM_DEFAULT_MODEL)")
    command.add_argument("--cassette", default="", metavar="FILE", help="replay it; MODE:FILE records, …")
    command.add_argument("--isolate", action="store_true", help="code has no network and none of the user's files")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.cassettes.opening import choose_cassette  # noqa: PLC0415 - the other commands need no web server
    from liteagent_nb.services.agent_proxy import create_app  # noqa: PLC0415
    from liteagent_nb.services.serving import Place, serve, token_for  # noqa: PLC0415

    place = Place(chosen.host, chosen.port, chosen.drain)
    token = token_for(place, chosen.token_file, is_open=chosen.open, say=say)
    words = chosen.cassette
    cassette = choose_cassette(words if ":" in words or not words else f"replay:{words}")
    hosts = frozenset(chosen.allow_host)
    app = create_app(model=chosen.model, cassette=cassette, isolate=chosen.isolate, token=token, hosts=hosts)
    serve(app, place, name="serve", say=say)
    return 0
