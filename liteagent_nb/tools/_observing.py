"""Runs a function under a time limit and tells what came of it, whatever that is."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from liteagent_nb.core.threads import Thread, ThreadStopped
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._rendering import failed, observed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["observe_async", "observe_sync"]

T = TypeVar("T")
Outcome: TypeAlias = Observation | Awaitable[object]

_ASK_EVERY_S = 0.1
_ASKS = 3
"""How often a function is asked to stop before it is left behind: a bare `except` may swallow the first time."""


async def observe_sync(call: Callable[[], object], *, timeout_s: float) -> Observation:
    """Call in a thread. What turns out to be awaitable is awaited here, in the time that is left."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    thread = Thread(functools.partial(_attempt, call), name="liteagent-tool").start()
    outcome: Outcome | None = None
    try:
        outcome = await _settled(thread.outcome, thread.stop, timeout_s)
    finally:
        if outcome is None or isinstance(outcome, Observation):
            thread.outcome.add_done_callback(_discard)
    if not isinstance(outcome, Observation):
        awaitable = outcome
        outcome = await observe_async(lambda: awaitable, timeout_s=timeout_s - (loop.time() - started_s))
    return outcome.timed((loop.time() - started_s) * 1000)


async def observe_async(call: Callable[[], object], *, timeout_s: float) -> Observation:
    """Call and await, as a task of its own."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    task = asyncio.create_task(_attempt_async(call))
    # Once: a second cancellation would break off its cleanup.
    outcome = await _settled(task, lambda: task.cancelling() or task.cancel(), timeout_s)
    return outcome.timed((loop.time() - started_s) * 1000)


def _discard(late: asyncio.Future[Outcome]) -> None:
    """Close what came too late to be awaited."""
    outcome = None if late.cancelled() or late.exception() else late.result()
    if inspect.iscoroutine(outcome):
        outcome.close()


def _attempt(call: Callable[[], object]) -> Outcome:
    try:
        value = call()
        return value if inspect.isawaitable(value) else observed(value)
    except ThreadStopped:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt too end the tool, nothing else
        return failed(error)


async def _attempt_async(call: Callable[[], object]) -> Observation:
    try:
        value = call()
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, str | int | float | Observation | None):
            return observed(value)
        # Showing a large table takes a while, and the loop has others to serve.
        return await Thread(functools.partial(observed, value), name="liteagent-show").start().outcome
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - in a task, SystemExit and KeyboardInterrupt would end the loop
        return failed(error)


async def _settled(work: asyncio.Future[T], stop: Callable[[], object], timeout_s: float) -> T | Observation:
    """Return what came of *work*, which is stopped when the time is over or this is cancelled."""
    try:
        await asyncio.wait({work}, timeout=timeout_s)
        is_late = not work.done()
    finally:
        await _stopped(work, stop)
    if is_late:
        left_behind = "" if work.done() else "; it does not stop and was left behind, running"
        return Observation.failure(f"timeout after {timeout_s:g}s{left_behind}", rc=-1)
    return Observation.failure("the tool cancelled itself") if work.cancelled() else work.result()


async def _stopped(work: asyncio.Future[T], stop: Callable[[], object]) -> None:
    for _ in range(_ASKS):
        if work.done():
            return
        stop()
        await asyncio.wait({work}, timeout=_ASK_EVERY_S)
