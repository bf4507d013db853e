"""SeeingInvoker: tools whose pictures are made small enough for a model to be shown."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.tools._wrapping import WrappingInvoker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from liteagent_nb.core.execution import Output
    from liteagent_nb.core.pictures import Picture
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Observation

__all__ = ["PictureMaker", "SeeingInvoker"]

PictureMaker: TypeAlias = "Callable[[Sequence[Output]], tuple[Picture, ...]]"
"""Makes what a model can be shown of what code showed; blocks while it does."""


class SeeingInvoker(WrappingInvoker):
    """Offers the tools of *invoker*; *look* makes pictures of what they show, in a thread."""

    def __init__(self, invoker: Invoker, look: PictureMaker) -> None:
        super().__init__(invoker)
        self._look = look

    async def call_tool(self, name: str, arguments: Mapping[str, object], *, timeout_s: float) -> Observation:
        """Call the tool; what it showed is there for a model as well."""
        observation = await self._invoker.call_tool(name, arguments, timeout_s=timeout_s)
        if not observation.outputs or observation.pictures:
            return observation
        return replace(observation, pictures=await asyncio.to_thread(self._look, observation.outputs))
