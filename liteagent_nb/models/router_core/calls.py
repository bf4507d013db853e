"""Which call of a router an attempt belongs to, so that all attempts of a call have one set of metrics."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from liteagent_nb.models.router_core.metrics import StreamMetrics

__all__ = ["current_metrics", "goes_on_with", "measured_by"]

_metrics: ContextVar[StreamMetrics | None] = ContextVar("liteagent_router_call", default=None)


@contextmanager
def measured_by(metrics: StreamMetrics) -> Iterator[None]:
    """Let what is opened meanwhile be measured by *metrics*."""
    token = _metrics.set(metrics)
    try:
        yield
    finally:
        _metrics.reset(token)


def current_metrics() -> StreamMetrics | None:
    """Return the metrics of the call that is being answered."""
    return _metrics.get()


def goes_on_with(metrics: StreamMetrics, error: BaseException) -> None:
    """Let the attempt that takes over after *error* in the middle of a stream be measured by *metrics*.

    The router opens it in the task that reads, which may be another than the one that called.
    """
    if isinstance(error, Exception):
        _metrics.set(metrics)
