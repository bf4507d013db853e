"""`python -m liteagent_nb.compat PROGRAM …` or `SCRIPT.py …`: run it with the seed's import paths."""

from __future__ import annotations

import runpy
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.compat import install
from liteagent_nb.core.errors import ConfigError, LiteAgentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_OUR_COMMANDS = {"scripts/mvp_check.py": "check", "scripts/resolve_ollama_base.sh": "ollama-base"}
"""The seed's scripts, and the commands that take their places."""


def main(argv: Sequence[str]) -> int:
    """Be the program or the script that *argv* begins with, with the seed's import paths."""
    install()
    sys.argv[:] = argv
    try:
        if argv and argv[0] in _OUR_COMMANDS and not Path(argv[0]).exists():
            sys.argv[:] = ["jupyter-liteagent", _OUR_COMMANDS[argv[0]], *argv[1:]]
            return int(_program(sys.argv)() or 0)
        if argv and argv[0].endswith(".py"):
            sys.path.insert(0, str(Path(argv[0]).resolve().parent))
            runpy.run_path(argv[0], run_name="__main__")
            return 0
        return int(_program(argv)() or 0)
    except LiteAgentError as error:
        sys.stderr.write("\n".join([*error._render_traceback_(), ""]))
        return 1


def _program(argv: Sequence[str]) -> Callable[[], int | None]:
    name = argv[0] if argv else ""
    found = list(entry_points(group="console_scripts", name=name))
    if not found:
        hint = "python -m liteagent_nb.compat uvicorn … or python -m liteagent_nb.compat SCRIPT.py"
        raise ConfigError(f"there is no program {name!r} of this Python", hint=hint)
    program: Callable[[], int | None] = found[0].load()
    return program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
