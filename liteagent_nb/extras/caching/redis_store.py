"""Answers in Redis: shared by machines. It is asked for 40 ms at most."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypeVar

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["RedisStore"]

T = TypeVar("T")
_LIMIT_S = 0.04
_LATE_S = 0.06
"""An answer limit that ends later than this was held up by the event loop: that is no fault of Redis."""
_AT_ONCE = 500


class RedisStore:
    """The keys `NAMESPACE:…` of one Redis, connected to when asked. Raises `ConfigError` without the extra `redis`."""

    kind = "redis"

    def __init__(
        self, *, host: str, port: int, db: int, username: str | None, password: str | None, ssl: bool, namespace: str
    ) -> None:
        self._redis, self._async_redis = _modules()
        self._address = f"{host}:{port}/{db}"
        self._prefix = f"{namespace}:"
        self._options = {
            "host": host,
            "port": port,
            "db": db,
            "username": username,
            "password": password,
            "ssl": ssl,
            "socket_timeout": _LIMIT_S,
            "socket_connect_timeout": _LIMIT_S,
        }
        self._client: Any = None
        self._async_clients: dict[asyncio.AbstractEventLoop, Any] = {}

    def describe(self) -> str:
        """Say which Redis, and which keys of it."""
        return f"redis://{self._address}, keys {self._prefix}*"

    def get(self, key: str) -> bytes | None:
        """Return what is under *key*."""
        found: bytes | None = self._sync().get(self._prefix + key)
        return found

    def put(self, key: str, data: bytes, ttl_s: float | None) -> None:
        """Keep *data* under *key*."""
        self._sync().set(self._prefix + key, data, px=_milliseconds(ttl_s))

    async def aget(self, key: str) -> bytes | None:
        """Return what is under *key*."""
        return await self._in_time(lambda client: client.get(self._prefix + key))

    async def aput(self, key: str, data: bytes, ttl_s: float | None) -> None:
        """Keep *data* under *key*."""
        await self._in_time(lambda client: client.set(self._prefix + key, data, px=_milliseconds(ttl_s)))

    def count(self) -> int:
        """Return how many of its keys there are."""
        return sum(1 for _ in self._keys())

    def clear(self) -> int:
        """Remove its keys, and no others; return how many."""
        removed, batch = 0, []
        for key in self._keys():
            batch.append(key)
            if len(batch) == _AT_ONCE:
                removed, batch = removed + self._sync().unlink(*batch), []
        return int(removed + (self._sync().unlink(*batch) if batch else 0))

    def close(self) -> None:
        """Close the connections that belong to no event loop."""
        if self._client is not None:
            self._client.close()
        self._client = None

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and those of none."""
        self.close()
        client = self._async_clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def _in_time(self, work: Callable[[Any], Awaitable[T]]) -> T | None:
        """Return what *work* gives within the limit, the connection and its greeting included."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(_LIMIT_S):
                return await work(self._async())
        except TimeoutError:
            if time.perf_counter() - started > _LATE_S:
                return None
            raise TimeoutError(f"no answer within {_LIMIT_S * 1000:.0f} ms") from None

    def _keys(self) -> Any:
        return self._sync().scan_iter(match=f"{_literally(self._prefix)}*", count=_AT_ONCE)

    def _sync(self) -> Any:
        if self._client is None:
            self._client = self._redis.Redis(**self._options, retry=_never(self._redis))
        return self._client

    def _async(self) -> Any:
        """Return the client of the running event loop: its connections work on no other."""
        loop = asyncio.get_running_loop()
        client = self._async_clients.get(loop)
        if client is None:
            # Connections hold on to their loop, so that nothing else would ever drop those of loops that are over.
            self._async_clients = {each: its for each, its in self._async_clients.items() if not each.is_closed()}
            client = self._async_redis.Redis(**self._options, retry=_never(self._async_redis))
            self._async_clients[loop] = client
        return client


def _modules() -> tuple[Any, Any]:
    try:
        import redis  # noqa: PLC0415 - the extra `redis`
        import redis.asyncio as async_redis  # noqa: PLC0415 - with it
    except ImportError:
        hint = 'run `pip install "liteagent_nb[redis]"`, or use configure_cache(router), which needs no server'
        raise ConfigError("the Redis cache needs the package redis", hint=hint) from None
    return redis, async_redis


def _never(module: Any) -> Any:
    """Return what never tries again: the model is there to be asked."""
    from redis.backoff import NoBackoff  # noqa: PLC0415 - the extra `redis`

    return module.retry.Retry(NoBackoff(), 0)


def _milliseconds(ttl_s: float | None) -> int | None:
    return None if ttl_s is None else max(1, int(ttl_s * 1000))


def _literally(prefix: str) -> str:
    """Return *prefix* as a pattern that matches itself only."""
    return "".join(f"\\{char}" if char in "*?[]\\" else char for char in prefix)
