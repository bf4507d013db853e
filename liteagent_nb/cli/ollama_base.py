"""`jupyter liteagent ollama-base`: the address of an Ollama server that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("ollama-base", help="print the address of an Ollama server that answers")
    command.add_argument("base", nargs="*", help="addresses to try; else OLLAMA_API_BASE, else the usual places")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.models.ollama_base import resolve_ollama_base  # noqa: PLC0415 - the other commands do without

    say(resolve_ollama_base(chosen.base))
    return 0
