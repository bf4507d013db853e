"""PerLoop: something that each event loop has one of: opened by its first use there, closed with the loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

__all__ = ["PerLoop"]

T = TypeVar("T")


class _Opened(NamedTuple, Generic[T]):
    thing: T
    keeper: AsyncGenerator[T]


class PerLoop(Generic[T]):
    """Keeps one thing for each loop: *make* returns what opens it, *is_closed* says whether somebody has closed it."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]], *, is_closed: Callable[[T], bool]) -> None:
        self._make = make
        self._is_closed = is_closed
        self._opened: dict[asyncio.AbstractEventLoop, _Opened[T]] = {}

    def __contains__(self, loop: asyncio.AbstractEventLoop) -> bool:
        return loop in self._opened

    async def get(self) -> T:
        """Return that of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._opened or self._is_closed(self._opened[loop].thing):
            for other in [other for other in self._opened if other.is_closed()]:
                del self._opened[other]  # closed without its farewell: nothing can be closed on it any more
            keeper = self._kept(loop)
            self._opened[loop] = _Opened(await anext(keeper), keeper)
        return self._opened[loop].thing

    async def _kept(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[T]:
        """Yield a thing once. A loop that ends closes the generators that began on it, and so the thing."""
        async with self._make() as thing:
            try:
                yield thing
            finally:
                self._opened.pop(loop, None)
