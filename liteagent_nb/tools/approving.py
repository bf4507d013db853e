"""ApprovingInvoker: tools that are called only where somebody says yes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.acting import TIMEOUT_GRACE_S
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._wrapping import WrappingInvoker

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Tool

__all__ = ["ALL", "ApprovingInvoker", "Ask"]

ALL = "all"
"""In the place of a name: every tool."""

PATIENCE_S = 7 * 24 * 3600.0
"""How long a call waits for its answer."""

Ask: TypeAlias = Callable[[str, Mapping[str, object]], Awaitable[str]]
"""Asks whether a tool may be called with these arguments; returns why not, and nothing where it may."""


class ApprovingInvoker(WrappingInvoker):
    """Offers the tools of *invoker*; of those that *names* holds (`all`: of each), every call is asked for first.

    A call that is refused is an observation, so that the model may go another way. *timeout_s* is what a call may take
    once it is allowed; waiting for the answer does not count. Listing raises `ConfigError` for a name nobody offers.
    """

    def __init__(self, invoker: Invoker, ask: Ask, *, names: Collection[str], timeout_s: float) -> None:
        super().__init__(invoker)
        self._ask = ask
        self._names = frozenset(names)
        self._timeout_s = timeout_s
        self._limits: dict[str, float] = {}

    def _is_asked(self, name: str) -> bool:
        return ALL in self._names or name in self._names

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools on offer; those that are asked for may wait as long as the answer takes."""
        tools = await self._invoker.list_tools()
        self._limits = {tool.name: tool.timeout_s for tool in tools if tool.timeout_s}
        if unknown := self._names - {ALL} - {tool.name for tool in tools}:
            offered = ", ".join(tool.name for tool in tools)
            raise ConfigError(f"no tool is named {', '.join(sorted(unknown))}", hint=f"ask for one of: {offered}")
        return tuple(replace(tool, timeout_s=PATIENCE_S) if self._is_asked(tool.name) else tool for tool in tools)

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool, after somebody said yes where that is asked for."""
        if not self._is_asked(name):
            return await self._invoker.call_tool(name, arguments, timeout_s=timeout_s)
        if refusal := await self._ask(name, arguments):
            return Observation.failure(refusal)
        return await self._call(name, arguments, self._limits.get(name, self._timeout_s))

    async def _call(self, name: str, arguments: Mapping[str, object], limit_s: float) -> Observation:
        """Call it with its own limit; its time begins now."""
        started_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(limit_s + TIMEOUT_GRACE_S) as limit:
                observation = await self._invoker.call_tool(name, arguments, timeout_s=limit_s)
        except TimeoutError:
            if not limit.expired():
                raise
            return Observation.failure(f"timeout after {limit_s:g}s", rc=-1)
        took_ms = (asyncio.get_running_loop().time() - started_s) * 1000
        return observation if observation.t_ms else observation.timed(took_ms)
