"""Many requests through one router: a bounded window of them, answers as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, overload

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.windows import Window

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["AsksModels", "Requests", "acompletion_as_completed"]

Requests: TypeAlias = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]
"""The keyword arguments of each `acompletion`."""


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
    window = Window(requests, partial(_answer, router), size=concurrency)
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


async def _answer(router: AsksModels, index: int, request: Any) -> Any:
    if not isinstance(request, Mapping):
        hint = 'give each as {"model": …, "messages": […]}'
        raise ConfigError(f"request {index} is a {type(request).__name__}", hint=hint)
    return await router.acompletion(**request)
