"""Which call of a router an attempt belongs to, so that all attempts of a call have one set of metrics."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liteagent_nb.models.router_core.metrics import StreamMetrics

__all__ = ["Call", "answering", "current_call", "goes_on_with"]


class Call:
    """One call: its metrics, and the stream that was opened for it last, for as long as litellm holds it."""

    def __init__(self, metrics: StreamMetrics) -> None:
        self.metrics = metrics
        self._opened: Callable[[], Any] = lambda: None

    @property
    def unended(self) -> Any:
        """The stream that was opened last, if it is not over."""
        return self._opened() if self.metrics.total_ms is None else None

    def opens(self, stream: Any) -> None:
        """Note that *stream* was opened."""
        self._opened = weakref.ref(stream)


_call: ContextVar[Call | None] = ContextVar("liteagent_router_call", default=None)


@contextmanager
def answering(call: Call) -> Iterator[None]:
    """Let what is opened meanwhile belong to *call*."""
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


def current_call() -> Call | None:
    """Return the call that is being answered."""
    return _call.get()


def goes_on_with(metrics: StreamMetrics, error: BaseException) -> None:
    """Let the attempt that takes over after *error* in the middle of a stream be measured by *metrics*.

    The router opens it in the task that reads, which may be another than the one that called.
    """
    if isinstance(error, Exception):
        _call.set(Call(metrics))
