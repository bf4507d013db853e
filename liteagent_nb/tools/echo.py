"""EchoMCP: an Invoker that says what it is told, for trying things out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.core.tools import Observation
from liteagent_nb.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.core.tools import Tool

__all__ = ["EchoMCP"]


async def _echo(text: str) -> Observation:
    """Say the text back."""
    return Observation(ok=True, result={"text": text})


class EchoMCP:
    """Offers one tool, `echo{text}` (the seed's name)."""

    def __init__(self) -> None:
        self._toolbox = Toolbox({"echo": _echo})

    async def list_tools(self) -> Sequence[Tool]:
        """Return the one tool."""
        return await self._toolbox.list_tools()

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float = 10.0) -> Observation:
        """Call it."""
        return await self._toolbox.call_tool(name, arguments, timeout_s=timeout_s)
