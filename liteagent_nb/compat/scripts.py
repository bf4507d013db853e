"""The seed's scripts, which are commands of `jupyter liteagent` here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["program_of"]

_COMMANDS = {
    "local/scripts/router_core_parity.py": ("parity", "run", "legacy", "extracted"),
    "local/scripts/parity_summarize.py": ("parity", "summarize", "--rule", "seed", "--json"),
    "scripts/mvp_check.py": ("check",),
    "scripts/resolve_ollama_base.sh": ("ollama-base",),
}


def program_of(argv: Sequence[str]) -> list[str]:
    """Return the command line that takes the place of a script of the seed; empty for anything else.

    A file of that name is run itself.
    """
    command = _COMMANDS.get(argv[0]) if argv and not Path(argv[0]).exists() else None
    # The summary's --in is where ours has the files themselves.
    return ["jupyter-liteagent", *command, *(word for word in argv[1:] if word != "--in")] if command else []
