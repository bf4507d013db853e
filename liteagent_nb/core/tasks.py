"""Waiting for work that may be cancelled: its cleanup gets a while, then it is left behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["finish_or_abandon", "is_being_cancelled", "wait_in_any_case"]

T = TypeVar("T")


def is_being_cancelled() -> bool:
    """Whether somebody asked the current task to stop; False where only what it awaits was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def finish_or_abandon(work: Coroutine[None, None, T], *, grace_s: float) -> T:
    """Await *work*. When cancelled, give its cleanup *grace_s* seconds and go on without it.

    A stop must hold against code that ignores it: a tool that swallows the cancellation, a connection that hangs in
    closing.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_retrieve)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=grace_s)
        raise


async def wait_in_any_case(future: asyncio.Future[T], *, timeout_s: float | None = None) -> None:
    """Wait for *future*, also when cancelled meanwhile: half a cleanup is none."""
    waiting = asyncio.ensure_future(asyncio.wait({future}, timeout=timeout_s))
    is_cancelled = False
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        raise asyncio.CancelledError


def _retrieve(task: asyncio.Task[T]) -> None:
    """Look at the outcome, so that asyncio does not complain about work that was left behind."""
    if not task.cancelled():
        task.exception()
