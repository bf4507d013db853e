"""fetch_remote_image: a picture of the web as a data URL, fetched with care."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from liteagent_nb.core.errors import ConfigError, FetchError, LiteAgentError
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.extras.images.addresses import CheckedResolver, Private, check_literal
from liteagent_nb.extras.images.compressing import MAX_PIXELS, compress_image, compressed
from liteagent_nb.extras.images.keeping import Shelf

if TYPE_CHECKING:
    import os

    from liteagent_nb.extras.images.compressing import Compressed, Format

__all__ = ["Limits", "fetch_image", "fetch_remote_image", "fetched"]

MAX_MB = 20.0
TOTAL_S = 15.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_BLOCK = 64 << 10
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "liteagent_nb"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much, and whom it may ask."""

    max_mb: float = MAX_MB
    connect_s: float = 5.0
    total_s: float = TOTAL_S
    redirects: int = 3
    allow_private: Private = False


def fetch_remote_image(
    url: str,
    *,
    max_kb: float = 256,
    cache_dir: str | os.PathLike[str] | None = None,
    format: Format = "auto",  # noqa: A002 - as in compress_image
    max_pixels: int = MAX_PIXELS,
    max_mb: float = MAX_MB,
    timeout_s: float = TOTAL_S,
    allow_private: Private = False,
    max_age_s: float = 86_400.0,
) -> str:
    """Return the picture at an http(s) *url* as a data URL, made by `compress_image`.

    Private addresses are refused unless *allow_private* is true, or names the host: each name is looked up, and what
    was looked at is what is connected to, after each of at most three redirects as well. At most *max_mb* megabytes are
    read, in *timeout_s* seconds in all. What it is, its bytes tell. With *cache_dir*, what was fetched is good for
    *max_age_s* seconds.
    Works inside a running event loop. Raises `ConfigError` for an address that may not be asked and for what is no
    picture, `FetchError` where the server does not deliver.
    """
    limits = Limits(max_mb=max_mb, total_s=timeout_s, allow_private=allow_private)
    data = fetch(url, limits) if cache_dir is None else _kept_or_fetched(url, limits, Shelf(cache_dir), max_age_s)
    return compress_image(data, max_kb=max_kb, cache_dir=cache_dir, format=format, max_pixels=max_pixels)


def fetched(url: str) -> Compressed:
    """Return the picture at *url* within the usual limits, with what was done for it."""
    return compressed(fetch(url, Limits()))


def fetch(url: str, limits: Limits) -> bytes:
    """Return the bytes at *url*: `fetch_image`, waited for."""
    return shared_portal().wait_for(fetch_image(url, limits))


def _kept_or_fetched(url: str, limits: Limits, shelf: Shelf, max_age_s: float) -> bytes:
    key = shelf.key("remote", url, _told(limits.allow_private))
    if (found := shelf.find(key)) and 0 <= time.time() - found[0]["at_s"] < max_age_s:
        return found[1]
    data = fetch(url, limits)
    shelf.keep(key, {"at_s": time.time()}, data)
    return data


def _told(private: Private) -> object:
    return private if isinstance(private, bool) else sorted(private)


async def fetch_image(url: str, limits: Limits = Limits()) -> bytes:
    """Return the bytes at *url* as they are; raises as `fetch_remote_image` does."""
    try:
        async with asyncio.timeout(limits.total_s):
            return await _followed(URL(url), limits)
    except LiteAgentError:
        raise
    except TimeoutError:
        late = f"{url} did not answer in time ({limits.connect_s:g} s, {limits.total_s:g} s in all)"
        raise FetchError(late, hint="try again, or raise timeout_s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise FetchError(f"{url} cannot be fetched: {error}", hint="check the address, and the network") from None
    except ValueError as error:
        raise ConfigError(f"{url!r} is no address: {error}", hint="https://…") from None


async def _followed(url: URL, limits: Limits) -> bytes:
    resolver = CheckedResolver(allow_private=limits.allow_private)
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    timeout = aiohttp.ClientTimeout(sock_connect=limits.connect_s, sock_read=limits.connect_s)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as client:
        for _ in range(limits.redirects + 1):
            _check_address(url, limits)
            async with client.get(url, allow_redirects=False, headers=_HEADERS) as response:
                if response.status in _REDIRECTS:
                    url = url.join(URL(response.headers.get("Location", "")))
                    continue
                return await _read(response, limits)
    raise FetchError(f"more than {limits.redirects} redirects, the last to {url}", hint="give the last address itself")


def _check_address(url: URL, limits: Limits) -> None:
    if url.scheme not in {"http", "https"} or not url.host:
        raise ConfigError(f"{url} is no address of the web", hint="https://…")
    check_literal(url.host, allow_private=limits.allow_private)


async def _read(response: aiohttp.ClientResponse, limits: Limits) -> bytes:
    """Return the body, or give up at the limit; what the server says of its length and kind is not believed."""
    if response.status != _OK:
        raise FetchError(f"{response.url} answers {response.status} {response.reason}", hint="check the address")
    parts: list[bytes] = []
    most, size = int(limits.max_mb * (1 << 20)), response.content_length or 0
    while size <= most:
        part = await response.content.read(_BLOCK)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size = sum(map(len, parts))
    raise FetchError(f"{response.url} has more than {limits.max_mb:g} MB", hint="raise max_mb")
