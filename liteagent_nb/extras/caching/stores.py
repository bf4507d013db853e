"""What a place for answers is, and the one that never costs an answer: it fails open."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["FailsOpen", "Store"]

T = TypeVar("T")
_LEFT_ALONE_S = 10.0
"""How long a place that failed is not asked again."""


class Store(Protocol):
    """Bytes under keys, for a while. Any method may raise anything; `describe` does not."""

    kind: str

    def describe(self) -> str:
        """Say where it is, without a secret."""

    def get(self, key: str) -> bytes | None:
        """Return what is under *key*."""

    def put(self, key: str, data: bytes, ttl_s: float | None) -> None:
        """Keep *data* under *key*, for *ttl_s* seconds."""

    async def aget(self, key: str) -> bytes | None:
        """Return what is under *key*."""

    async def aput(self, key: str, data: bytes, ttl_s: float | None) -> None:
        """Keep *data* under *key*, for *ttl_s* seconds."""

    def count(self) -> int:
        """Return how many entries there are."""

    def clear(self) -> int:
        """Remove all entries; return how many."""

    def close(self) -> None:
        """Let go of what is open."""

    async def aclose(self) -> None:
        """Let go of what is open on this event loop too."""


class FailsOpen:
    """A store whose failures are misses: said once, and then it is left alone for a while."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._again_at_s = 0.0
        self._is_told = False

    @property
    def is_up(self) -> bool:
        """Whether it is asked; not where it failed just now."""
        return time.monotonic() >= self._again_at_s

    def call(self, work: Callable[[], T], default: T) -> T:
        """Return what *work* on the store gives, or *default*."""
        if not self.is_up:
            return default
        try:
            found = work()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a cache, the answer is not lost
            self._failed(error)
            return default
        self._is_told = False
        return found

    async def acall(self, work: Callable[[], Awaitable[T]], default: T) -> T:
        """Return what *work* on the store gives, or *default*."""
        if not self.is_up:
            return default
        try:
            found = await work()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a cache, the answer is not lost
            self._failed(error)
            return default
        self._is_told = False
        return found

    def _failed(self, error: Exception) -> None:
        self._again_at_s = time.monotonic() + _LEFT_ALONE_S
        if self._is_told:
            return
        self._is_told = True
        reason = str(error) or type(error).__name__
        message = f"the cache ({self.store.describe()}) does not work: {reason}. Answers are not kept meanwhile."
        warnings.warn(message, RuntimeWarning, stacklevel=2)
