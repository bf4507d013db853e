"""`jupyter liteagent lab`: JupyterLab on a copy of the notebooks, the extension loaded."""

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
    command = commands.add_parser("lab", help="open a copy of the notebooks in JupyterLab, the extension loaded")
    command.add_argument("--dir", type=Path, default=Path("liteagent-notebooks"), help="for the copy (%(default)s)")
    command.add_argument("more", nargs="*", metavar="WORD", help="behind --, for JupyterLab: --no-browser, …")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.course import FIRST, copy_notebooks, missing_for_all, open_lab  # noqa: PLC0415 - the other commands do without
    from liteagent_nb.models.embedded.weights import find_weights  # noqa: PLC0415

    new = copy_notebooks(chosen.dir)
    say(f"{len(new)} notebooks and recordings copied to {chosen.dir}" if new else f"the copy in {chosen.dir} is used")
    if find_weights() is None:
        say("the embedded model's weights are not there: run `jupyter liteagent setup-local`, or name another model")
    if missing := missing_for_all():
        say(f'some notebooks need {", ".join(missing)}: pip install "liteagent_nb[all]"')
    return open_lab(chosen.dir / FIRST, words=chosen.more)
