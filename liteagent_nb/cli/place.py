"""The options of every service: where it listens, and who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = ["add_place"]


def add_place(command: argparse.ArgumentParser, *, port: int | str, host: str = "127.0.0.1") -> None:
    """Add where a service listens, and who may ask."""
    command.add_argument("--host", default=host, help="the address to bind (%(default)s)")
    command.add_argument("--port", type=int, default=port, help="0 takes a free one (%(default)s)")
    command.add_argument("--token-file", type=Path, help="where the token is kept, made where there is none")
    command.add_argument("--open", action="store_true", help="ask for no token; on loopback only")
    command.add_argument("--allow-host", action="append", default=[], metavar="NAME", help="a name it is asked by")
    command.add_argument("--drain", type=int, default=10, metavar="SECONDS", help="for what runs at the end")
