"""PerLoop: something that each event loop has one of: opened by its first use there, closed with the loop."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

__all__ = ["PerLoop"]

T = TypeVar("T")

_CLOSING_S = 1.0
"""How long another loop may take to close its own."""


class _Opened(NamedTuple, Generic[T]):
    thing: T
    keeper: AsyncGenerator[T]


_ByLoop: TypeAlias = dict[asyncio.AbstractEventLoop, _Opened[T]]


class PerLoop(Generic[T]):
    """Keeps one thing for each loop: *make* returns what opens it, *is_closed* says whether somebody has closed it."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]], *, is_closed: Callable[[T], bool]) -> None:
        self._make = make
        self._is_closed = is_closed
        self._opened: _ByLoop[T] = {}
        weakref.finalize(self, _let_go, self._opened).atexit = False

    def __contains__(self, loop: asyncio.AbstractEventLoop) -> bool:
        return loop in self._opened

    async def get(self) -> T:
        """Return that of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._opened or self._is_closed(self._opened[loop].thing):
            for other in [other for other in self._opened if other.is_closed()]:
                del self._opened[other]  # closed without its farewell: nothing can be closed on it any more
            keeper = _kept(self._make, loop, self._opened)
            self._opened[loop] = _Opened(await anext(keeper), keeper)
        return self._opened[loop].thing

    async def aclose(self) -> None:
        """Close all; a loop that does not run any more holds up nobody."""
        for loop, (_, keeper) in list(self._opened.items()):
            if loop is asyncio.get_running_loop():
                await keeper.aclose()
            elif loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(keeper.aclose(), loop)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.wrap_future(closing), _CLOSING_S)
        self._opened.clear()


async def _kept(
    make: Callable[[], AbstractAsyncContextManager[T]], loop: asyncio.AbstractEventLoop, opened: _ByLoop[T]
) -> AsyncGenerator[T]:
    """Yield a thing once. A loop that ends closes the generators that began on it, and so the thing."""
    async with make() as thing:
        try:
            yield thing
        finally:
            opened.pop(loop, None)


def _let_go(opened: _ByLoop[T]) -> None:
    """Close what its owner left open when it was forgotten."""
    for loop, (_, keeper) in list(opened.items()):
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(keeper.aclose(), loop)
