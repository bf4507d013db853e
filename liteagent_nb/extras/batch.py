"""Many requests through one router: a bounded window of them, answers as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, overload

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["AsksModels", "Requests", "acompletion_as_completed"]

Requests: TypeAlias = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]
"""The keyword arguments of each `acompletion`."""
_END = object()


class AsksModels(Protocol):
    """What a batch is asked through: litellm's `Router`, litellm itself, or anything with its `acompletion`."""

    async def acompletion(self, **request: Any) -> Any:
        """Answer one request."""


@overload
def acompletion_as_completed(
    router: AsksModels, requests: Requests, *, concurrency: int = 5, return_exceptions: Literal[False] = False
) -> AsyncGenerator[tuple[int, Any]]: ...
@overload
def acompletion_as_completed(
    router: AsksModels, requests: Requests, *, concurrency: int = 5, return_exceptions: bool
) -> AsyncGenerator[tuple[int, Any | BaseException]]: ...
async def acompletion_as_completed(
    router: AsksModels, requests: Requests, *, concurrency: int = 5, return_exceptions: bool = False
) -> AsyncGenerator[tuple[int, Any]]:
    """Give `(index, response)` of each of *requests*, in the order in which they complete.

    Requests are taken one by one as there is room, so *requests* may be endless, and may be async; at most
    *concurrency* are under way, and nothing but them is kept. A failure ends the batch: it is raised, with the index as
    a note, after the others were cancelled. With *return_exceptions* it is given in its response's place. Leaving early
    (closing the generator, a `break`, an error, a cancellation) cancels those under way, and waits for their end.
    """
    if concurrency < 1:
        raise ConfigError(f"concurrency is {concurrency}", hint="set it to 1 or more")
    window = _Window(router, requests, concurrency)
    try:
        while (finished := await window.next_finished()) is not None:
            index, task = finished
            failure = _failure_of(task)
            if failure is not None and not return_exceptions:
                failure.add_note(f"request {index} of the batch failed")
                raise failure
            del finished
            yield index, task.result() if failure is None else failure
            del task, failure
    finally:
        await window.close()


def _failure_of(task: asyncio.Task[Any]) -> BaseException | None:
    return asyncio.CancelledError("the request was cancelled") if task.cancelled() else task.exception()


class _Window:
    """The requests that are under way, and the queue of those that finished.

    Finished tasks put themselves into the queue: `asyncio.wait` would go through all that are under way each time.
    """

    def __init__(self, router: AsksModels, requests: Requests, size: int) -> None:
        self._router = router
        self._size = size
        self._running: dict[asyncio.Task[Any], int] = {}
        self._finished: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
        self._count = 0
        self._is_spent = False
        self._pulling: asyncio.Task[Any] | None = None
        self._later = aiter(requests) if isinstance(requests, AsyncIterable) else None
        self._at_once = iter(()) if isinstance(requests, AsyncIterable) else iter(requests)

    async def next_finished(self) -> tuple[int, asyncio.Task[Any]] | None:
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

    def _fill(self) -> None:
        while len(self._running) < self._size and not self._is_spent and self._pulling is None:
            if self._later is not None:
                self._pulling = self._start(_next_of(self._later))
                return
            try:
                request = next(self._at_once)
            except StopIteration:
                self._is_spent = True
                return
            self._ask(request)

    def _take_pulled(self, task: asyncio.Task[Any]) -> None:
        """Ask what an async iterable gave; raises what it raised."""
        self._pulling = None
        request = task.result()
        if request is _END:
            self._is_spent = True
        else:
            self._ask(request)

    def _ask(self, request: Mapping[str, Any]) -> None:
        task = self._start(_answer(self._router, request, self._count))
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


async def _answer(router: AsksModels, request: Any, index: int) -> Any:
    if not isinstance(request, Mapping):
        hint = 'give each as {"model": …, "messages": […]}'
        raise ConfigError(f"request {index} is a {type(request).__name__}", hint=hint)
    return await router.acompletion(**request)


async def _next_of(requests: AsyncIterator[Any]) -> Any:
    return await anext(requests, _END)
