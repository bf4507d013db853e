"""CompositeInvoker: several invokers as one."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Self

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.tools.toolbox import unknown_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Observation, Tool

__all__ = ["CompositeInvoker"]


class CompositeInvoker:
    """Offers the tools of several invokers. `async with` opens and closes those that hold something open."""

    def __init__(self, invokers: Iterable[Invoker]) -> None:
        self._invokers = tuple(invokers)
        self._owners: dict[str, Invoker] = {}
        self._open = AsyncExitStack()

    def each(self, change: Callable[[Invoker], Invoker]) -> CompositeInvoker:
        """Return the same of changed invokers; it opens and closes none of them."""
        return CompositeInvoker(change(invoker) for invoker in self._invokers)

    async def list_tools(self) -> Sequence[Tool]:
        """Return all tools; raises `ConfigError` where two invokers offer the same name."""
        tools: list[Tool] = []
        owners: dict[str, Invoker] = {}
        for invoker in self._invokers:
            for tool in await invoker.list_tools():
                if tool.name in owners:
                    raise ConfigError(
                        f"{_called(owners[tool.name])} and {_called(invoker)} both offer {tool.name!r}",
                        hint='leave one out, or rename a function: Toolbox({"other_name": it})',
                    )
                owners[tool.name] = invoker
                tools.append(tool)
        self._owners = owners
        return tuple(tools)

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool on the invoker that offers it."""
        if name not in self._owners:
            await self.list_tools()
        owner = self._owners.get(name)
        if owner is None:
            return unknown_tool(name, self._owners)
        return await owner.call_tool(name, arguments, timeout_s=timeout_s)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            for invoker in self._invokers:
                if isinstance(invoker, AbstractAsyncContextManager):
                    await opening.enter_async_context(invoker)
            self._open = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.__aexit__(kind, error, trace)


def _called(invoker: Invoker) -> str:
    return type(invoker).__name__
