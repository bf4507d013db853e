"""Window: work on many things, of which a bounded number is under way; what comes is taken as there is room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Generic, TypeVar

from liteagent_nb.core.errors import ConfigError

__all__ = ["Window"]

T = TypeVar("T")
R = TypeVar("R")
_END = object()


class Window(Generic[T, R]):
    """The work that is under way, *size* at the most, and the queue of what finished. *work* is given index and thing.

    Finished tasks put themselves into the queue: `asyncio.wait` would go through all that are under way each time.
    """

    def __init__(
        self,
        things: Iterable[T] | AsyncIterable[T],
        work: Callable[[int, T], Coroutine[Any, Any, R]],
        *,
        size: int,
    ) -> None:
        if size < 1:
            raise ConfigError(f"concurrency is {size}", hint="set it to 1 or more")
        self._work = work
        self._size = size
        self._running: dict[asyncio.Task[R], int] = {}
        self._finished: asyncio.Queue[asyncio.Task[R]] = asyncio.Queue()
        self._count = 0
        self._is_spent = False
        self._pulling: asyncio.Task[Any] | None = None
        self._later = aiter(things) if isinstance(things, AsyncIterable) else None
        self._at_once = iter(()) if isinstance(things, AsyncIterable) else iter(things)

    async def next_finished(self) -> tuple[int, asyncio.Task[R]] | None:
        """Fill up, and return the next that finished; None after the last."""
        while True:
            self._fill()
            if not self._running and self._pulling is None:
                return None
            task = await self._finished.get()
            if task is self._pulling:
                self._take_pulled(task)
                continue
            return self._running.pop(task), task

    def take_no_more(self) -> None:
        """Let what is under way finish, and begin nothing else."""
        self._is_spent = True

    def _fill(self) -> None:
        while len(self._running) < self._size and not self._is_spent and self._pulling is None:
            if self._later is not None:
                self._pulling = self._start(_next_of(self._later))
                return
            try:
                thing = next(self._at_once)
            except StopIteration:
                self._is_spent = True
                return
            self._begin(thing)

    def _take_pulled(self, task: asyncio.Task[Any]) -> None:
        """Begin what an async iterable gave; raises what it raised."""
        self._pulling = None
        thing = task.result()
        if thing is _END:
            self._is_spent = True
        elif not self._is_spent:
            self._begin(thing)

    def _begin(self, thing: T) -> None:
        task = self._start(self._work(self._count, thing))
        self._running[task] = self._count
        self._count += 1

    def _start(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._finished.put_nowait)
        return task

    async def close(self) -> None:
        """Cancel what is under way, and wait for its end."""
        tasks = [*self._running, *([self._pulling] if self._pulling else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()


async def _next_of(things: AsyncIterator[Any]) -> Any:
    return await anext(things, _END)
