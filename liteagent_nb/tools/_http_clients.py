"""LoopClients: a pooled HTTP client for each event loop, opened at first use, closed with its owner or its loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import weakref
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

__all__ = ["LoopClients"]

_CONNECT_TIMEOUT_S = 10.0
_IDLE_S = 4.0
"""How long an idle connection is kept: less than the 5 s after which uvicorn closes it."""
_CLOSING_S = 1.0


class _Opened(NamedTuple):
    client: httpx.AsyncClient
    keeper: AsyncGenerator[httpx.AsyncClient]


_Clients: TypeAlias = dict[asyncio.AbstractEventLoop, _Opened]


class LoopClients:
    """Gives the running loop its client: connections cannot cross from one loop to another."""

    def __init__(self) -> None:
        self._opened: _Clients = {}
        weakref.finalize(self, _let_go, self._opened).atexit = False

    async def here(self) -> httpx.AsyncClient:
        """Return the client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            for other in [other for other in self._opened if other.is_closed()]:
                del self._opened[other]  # closed without its farewell: nothing can be closed on it any more
            keeper = _kept(loop, self._opened)
            self._opened[loop] = _Opened(await anext(keeper), keeper)
        return self._opened[loop].client

    async def aclose(self) -> None:
        """Close all; a loop that does not run any more holds up nobody."""
        for loop, (_, keeper) in list(self._opened.items()):
            if loop is asyncio.get_running_loop():
                await keeper.aclose()
            elif loop.is_running():
                closing = asyncio.run_coroutine_threadsafe(keeper.aclose(), loop)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.wrap_future(closing), _CLOSING_S)
        self._opened.clear()


async def _kept(loop: asyncio.AbstractEventLoop, opened: _Clients) -> AsyncGenerator[httpx.AsyncClient]:
    """Yield a client once. A loop that ends closes the generators that began on it, and so the client."""
    async with _new_client() as client:
        try:
            yield client
        finally:
            opened.pop(loop, None)


def _let_go(opened: _Clients) -> None:
    """Close what its owner left open when it was forgotten."""
    for loop, (_, keeper) in list(opened.items()):
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(keeper.aclose(), loop)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return whom to believe; reading it takes longer than a call."""
    return httpx.create_ssl_context(trust_env=False)


def _new_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_certificates(),
        timeout=httpx.Timeout(None, connect=_CONNECT_TIMEOUT_S),  # the whole has its limit where it is asked for
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=_IDLE_S),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # none is kept
        follow_redirects=False,
        trust_env=False,  # a proxy would see the headers, and ~/.netrc would replace one
    )
