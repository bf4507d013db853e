"""`jupyter liteagent setup-local`: the embedded model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("setup-local", help="fetch the embedded model's weights and check them")
    command.set_defaults(run=_run)


def _run(_chosen: argparse.Namespace) -> int:
    from liteagent_nb.models.embedded.weights import install_weights  # noqa: PLC0415 - the other commands do without

    install_weights(say)
    return 0
