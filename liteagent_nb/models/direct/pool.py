"""The pooled client of the direct path: one for each event loop, opened by its first request, closed with the loop.

aiohttp carries it, as it does litellm's own requests: it takes a quarter of httpx's CPU a request, and httpx's pool
slows down with every connection that is open at once.
"""

from __future__ import annotations

import aiohttp

from liteagent_nb.core.per_loop import PerLoop

__all__ = ["pooled_client"]


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())


_clients = PerLoop(_client, is_closed=lambda client: client.closed)
pooled_client = _clients.get
