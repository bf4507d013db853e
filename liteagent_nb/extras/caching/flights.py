"""One request for all who ask the same at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Flights"]

_GRACE_S = 1.0


@dataclass(slots=True)
class _Flight:
    task: asyncio.Task[Any]
    waiting: int = 0


class Flights:
    """The requests that are under way, by key."""

    def __init__(self) -> None:
        self._open: dict[str, _Flight] = {}

    async def join(self, key: str, ask: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Any, bool]:
        """Return what *ask* gives, asked once for all who join meanwhile, and whether it was asked for this one.

        A failure is everybody's. Who is cancelled leaves the others their answer; the last to leave ends the request.
        """
        loop = asyncio.get_running_loop()
        flight = self._open.get(key)
        # Loops cannot wait for one another's tasks: each asks for itself.
        is_first = flight is None or flight.task.get_loop() is not loop
        if flight is None or is_first:
            flight = self._open[key] = _Flight(loop.create_task(ask()))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task), is_first
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                await self._land(key, flight)

    async def _land(self, key: str, flight: _Flight) -> None:
        if self._open.get(key) is flight:
            del self._open[key]
        if not flight.task.done():
            flight.task.cancel()
            await asyncio.wait({flight.task}, timeout=_GRACE_S)
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # looked at, so that asyncio does not complain where all had left
