"""The HTTP client of a tools host: pooled, without cookies, proxies or redirects of its own."""

from __future__ import annotations

import functools
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx

from liteagent_nb.core.per_loop import PerLoop

if TYPE_CHECKING:
    import ssl

__all__ = ["new_clients"]

_CONNECT_TIMEOUT_S = 10.0
_IDLE_S = 4.0
"""How long an idle connection is kept: less than the 5 s after which uvicorn closes it."""


def new_clients() -> PerLoop[httpx.AsyncClient]:
    """Return what gives each event loop its client: connections cannot cross from one loop to another."""
    return PerLoop(_new_client, is_closed=lambda client: client.is_closed)


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
