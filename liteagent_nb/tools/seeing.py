"""SeeingInvoker: tools whose pictures are made small enough for a model to be shown."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from liteagent_nb.core.execution import Output
    from liteagent_nb.core.pictures import Picture
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Observation, Tool

__all__ = ["PictureMaker", "SeeingInvoker"]

PictureMaker: TypeAlias = "Callable[[Sequence[Output]], tuple[Picture, ...]]"
"""Makes what a model can be shown of what code showed; blocks while it does."""


class SeeingInvoker:
    """Offers the tools of *invoker*; *look* makes pictures of what they show, in a thread."""

    def __init__(self, invoker: Invoker, look: PictureMaker) -> None:
        self._invoker = invoker
        self._look = look

    async def list_tools(self) -> Sequence[Tool]:
        """Return the tools on offer."""
        return await self._invoker.list_tools()

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool; what it showed is there for a model as well."""
        observation = await self._invoker.call_tool(name, arguments, timeout_s=timeout_s)
        if not observation.outputs or observation.pictures:
            return observation
        return replace(observation, pictures=await asyncio.to_thread(self._look, observation.outputs))

    async def __aenter__(self) -> Self:
        if isinstance(self._invoker, AbstractAsyncContextManager):
            await self._invoker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self._invoker, AbstractAsyncContextManager):
            await self._invoker.__aexit__(kind, error, trace)
