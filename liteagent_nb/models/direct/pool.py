"""The pooled client of the direct path: one for each event loop, opened by its first request, closed with the loop.

aiohttp carries it, as it does litellm's own requests: it takes a quarter of httpx's CPU a request, and httpx's pool
slows down with every connection that is open at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

__all__ = ["pooled_client"]


class _Opened(NamedTuple):
    client: aiohttp.ClientSession
    keeper: AsyncGenerator[aiohttp.ClientSession]


_opened: dict[asyncio.AbstractEventLoop, _Opened] = {}


async def pooled_client() -> aiohttp.ClientSession:
    """Return the client of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _opened or _opened[loop].client.closed:
        for other in [other for other in _opened if other.is_closed()]:
            del _opened[other]  # closed without its farewell: nothing can be closed on it any more
        keeper = _kept(loop)
        _opened[loop] = _Opened(await anext(keeper), keeper)
    return _opened[loop].client


async def _kept(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[aiohttp.ClientSession]:
    """Yield a client once. A loop that ends closes the generators that began on it, and so the client."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as client:
        try:
            yield client
        finally:
            _opened.pop(loop, None)
