"""The pooled clients: one for each event loop, closed with it, and one for all threads, closed at exit."""

from __future__ import annotations

import atexit
import functools

import httpx

from liteagent_nb.core.per_loop import PerLoop
from liteagent_nb.models.quiet_litellm import ssl_context

__all__ = ["loops_client", "threads_client"]

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=4.0)
"""An idle connection is kept for less than the 5 s after which uvicorn closes it."""

loops_client = PerLoop(
    lambda: httpx.AsyncClient(verify=ssl_context(), limits=_LIMITS), is_closed=lambda client: client.is_closed
).get


@functools.cache
def threads_client() -> httpx.Client:
    """Return the client of those who wait."""
    client = httpx.Client(verify=ssl_context(), limits=_LIMITS)
    atexit.register(client.close)
    return client
