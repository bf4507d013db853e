"""The MCP servers that a notebook uses: one invoker for each file, kept from question to question."""

from __future__ import annotations

import atexit
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.assembly import make_mcp_invoker
from liteagent_nb.magics.choosing import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.core.portal import Portal
    from liteagent_nb.tools.mcp_invoker import McpInvoker

__all__ = ["McpServers", "server_files"]


class McpServers:
    """Makes and keeps them; no server is left when they are closed, at the latest at exit."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._made: dict[Path, tuple[int, McpInvoker]] = {}

    def __getitem__(self, file: str) -> McpInvoker:
        """Return the invoker of *file*, made anew where it was written since. Raises `ConfigError` for what is none."""
        path = Path(file).expanduser().absolute()
        written_ns = path.stat().st_mtime_ns if path.is_file() else 0
        if path not in self._made or self._made[path][0] != written_ns:
            invoker = make_mcp_invoker(path, taken=BUILT_IN)
            self._end(path)
            if not self._made:
                atexit.register(self.close)
            self._made[path] = written_ns, invoker
        return self._made[path][1]

    def named(self, files: Iterable[str]) -> list[McpInvoker]:
        """Return the invokers of *files*."""
        return [self[file] for file in files]

    def _end(self, path: Path) -> None:
        if path in self._made:
            self._portal.wait_for(self._made.pop(path)[1].aclose())

    def close(self) -> int:
        """End all servers, and return how many files named them; the next question may start them again."""
        atexit.unregister(self.close)
        count = len(self._made)
        for path in list(self._made):
            self._end(path)
        return count


def server_files() -> list[str]:
    """Return the files here that may name MCP servers."""
    found = (path.name for path in Path.cwd().glob("*.json") if not path.name.endswith(".cassette.json"))
    return sorted(found)
