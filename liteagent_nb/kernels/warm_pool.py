"""WarmPool: kernels that are ready before anybody asks."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from liteagent_nb.kernels.dialogue import Dialogue

if TYPE_CHECKING:
    from liteagent_nb.kernels.connection import KernelStarter

__all__ = ["WarmPool"]


class WarmPool:
    """Keeps *size* Python kernels ready, and makes the next one whenever one is taken. Opens at the first one."""

    def __init__(self, starter: KernelStarter, *, size: int = 1) -> None:
        self._starter = starter
        self._size = size
        self._ready: deque[Dialogue] = deque()
        self._filling: asyncio.Task[None] | None = None
        self._is_closed = False

    async def take(self, language: str = "python") -> Dialogue:
        """Return a kernel that is ready. Raises what its start raises."""
        while language == "python" and self._ready:
            dialogue = self._ready.popleft()
            if not dialogue.died.done():
                self._fill()
                return dialogue
            await dialogue.close()
        dialogue = await self._made(language)
        if language == "python":
            self._fill()
        return dialogue

    async def aclose(self) -> None:
        """End the kernels that nobody took."""
        self._is_closed = True
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.wait({self._filling})
        while self._ready:
            await self._ready.popleft().close()

    async def _made(self, language: str) -> Dialogue:
        dialogue = Dialogue(await self._starter.start(language))
        try:
            await dialogue.ready()
        except BaseException:
            await dialogue.close()
            raise
        return dialogue

    def _fill(self) -> None:
        if not self._is_closed and (self._filling is None or self._filling.done()):
            self._filling = asyncio.get_running_loop().create_task(self._fill_up())
            self._filling.add_done_callback(_retrieve)

    async def _fill_up(self) -> None:
        while len(self._ready) < self._size:
            self._ready.append(await self._made("python"))


def _retrieve(task: asyncio.Task[None]) -> None:
    """Look at the outcome: whoever asks next meets the same trouble, and is told."""
    if not task.cancelled():
        task.exception()
