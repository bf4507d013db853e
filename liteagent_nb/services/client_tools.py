"""The tools of a program that asks over HTTP: a model may call them, and the program itself runs them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.tools import Observation, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.core.config import AgentConfig

__all__ = ["ClientTool", "ClientTools", "asked_once"]


@dataclass(frozen=True, slots=True)
class ClientTool(Tool):
    """A tool as the program described it, in its own words."""

    said: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, said: dict[str, Any]) -> ClientTool:
        """Read OpenAI's shape, which was checked before."""
        function = said["function"]
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        return cls(function["name"], function.get("description") or "", parameters, said=said)

    def to_openai(self) -> dict[str, object]:
        """Return it as it came, with whatever else stood there."""
        return self.said


class ClientTools:
    """Offers tools that nobody runs here."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = tuple(tools)

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools."""
        return self._tools

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:  # noqa: ARG002 - the protocol's
        """Refuse: the program that asked runs its tools itself."""
        return Observation.failure(f"{name} is run by the program that asked")


def asked_once(config: AgentConfig) -> AgentConfig:
    """Return *config* for one question whose calls are handed back instead of run."""
    return replace(config, max_iterations=1, max_tools_per_iter=0)
