"""WrappingInvoker: what an invoker around another one has to do besides its own topic."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Tool

__all__ = ["WrappingInvoker"]


class WrappingInvoker:
    """Offers the tools of *invoker*; `async with` opens and closes it, where it holds something open."""

    def __init__(self, invoker: Invoker) -> None:
        self._invoker = invoker

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools on offer."""
        return await self._invoker.list_tools()

    async def __aenter__(self) -> Self:
        if isinstance(self._invoker, AbstractAsyncContextManager):
            await self._invoker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._invoker, AbstractAsyncContextManager):
            await self._invoker.__aexit__(kind, error, trace)
