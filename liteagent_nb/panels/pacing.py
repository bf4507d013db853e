"""Paced: updates of a view, at most so many a second, and the last one always."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Paced"]

INTERVAL_S = 1 / 30
"""Faster, and the kernel's socket drops messages without a word, `idle` among them."""


class Paced:
    """Calls *send* soon after it is told to, but no more often than every *interval_s*; lives on one event loop."""

    def __init__(self, send: Callable[[], object], *, interval_s: float = INTERVAL_S) -> None:
        self._send = send
        self._interval_s = interval_s
        self._next_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Send now if the last time is long enough ago; else once, later."""
        loop = asyncio.get_running_loop()
        wait_s = self._next_s - loop.time()
        if wait_s <= 0:
            self.now()
        elif self._timer is None:
            self._timer = loop.call_later(wait_s, self.now)

    def now(self) -> None:
        """Send what there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._send()
        self._next_s = asyncio.get_running_loop().time() + self._interval_s
