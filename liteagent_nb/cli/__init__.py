"""`jupyter liteagent …`: one file a command, each with the function `add` that adds its parser."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from liteagent_nb.cli import check, demo, exec_rpc, lab, mcp, ollama_base, parity, serve, setup_local, tools
from liteagent_nb.core.errors import LiteAgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_COMMANDS = (demo, lab, check, setup_local, serve, exec_rpc, tools, mcp, parity, ollama_base)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 1 for a failure that is explained in two lines."""
    chosen = _parser().parse_args(argv)
    try:
        return int(chosen.run(chosen))
    except LiteAgentError as error:
        print("\n".join(error._render_traceback_()), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jupyter liteagent", description="An LLM agent in a notebook cell.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return parser
