"""How a command tells what it does: a line at a time, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import argparse

__all__ = ["Commands", "say"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name
"""What `add_subparsers` returns."""


def say(text: str) -> None:
    """Print a line, also where the output is a pipe."""
    print(text, flush=True)
