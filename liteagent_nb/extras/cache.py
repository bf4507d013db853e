"""A cache for a router: in Redis, or in a file of one's own.

litellm's own cache is not used: a plain install of it crashes at the first hit, its keys leave out the server that
answers, and one setting is for the whole process. Its `Router` cannot be subclassed, and no hook of it may answer in
its place. So the cache is put before two methods of the one router that is given, as attributes of that object, which
`Router` allows for: litellm, and every other router, stay as they are. `remove_cache` takes it away again.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.caching.disk import DiskStore
from liteagent_nb.extras.caching.front import CacheStatus, RouterCache
from liteagent_nb.extras.caching.redis_store import RedisStore

if TYPE_CHECKING:
    from liteagent_nb.extras.caching.stores import Store

__all__ = [
    "CacheStatus",
    "aremove_cache",
    "cache_status",
    "clear_cache",
    "configure_cache",
    "configure_cache_redis",
    "remove_cache",
]

_METHODS = ("acompletion", "completion")


def configure_cache(
    router: Any, *, ttl_seconds: float | None = None, cache_dir: str | Path | None = None, max_mb: float = 256
) -> None:
    """Keep *router*'s answers in a file on this machine, for all processes of this user.

    The file is in *cache_dir*, the user's cache folder where none is named; beyond *max_mb* the oldest answers go, and
    all go after *ttl_seconds*. Requests are the same where everything is that can change the answer: messages, tools,
    parameters, servers, and whose key. Streams, tool calls and whole answers are kept apart and come back as they came,
    with `_hidden_params["cache_hit"]`. Per request, `cache={"no-cache": True}` asks anew, `{"no-store": True}` does not
    keep, `{"ttl": 60}` keeps for so long; `caching=False` leaves the cache out. Errors, streams that broke off and
    answers of fallback models are not kept. litellm's callbacks are not called for hits.
    """
    if max_mb <= 0:
        raise ConfigError(f"max_mb is {max_mb}", hint="set it to the megabytes that the file may grow to")
    _install(router, DiskStore(_folder(cache_dir), max_mb=max_mb), ttl_s=ttl_seconds)


def configure_cache_redis(
    router: Any,
    host: str = "127.0.0.1",
    port: int = 6379,
    ttl_seconds: float | None = None,
    *,
    ttl: float | None = None,
    password: str | None = None,
    username: str | None = None,
    db: int = 0,
    ssl: bool = False,
    namespace: str = "liteagent",
) -> None:
    """Keep *router*'s answers in Redis (extra `redis`), under keys `NAMESPACE:…`; else as `configure_cache` does.

    *ttl* is another name of *ttl_seconds*. A Redis that does not answer within 40 ms costs that once, and one warning:
    it is left alone for ten seconds then, and the models are asked. Raises `ConfigError` without the extra.
    """
    store = RedisStore(
        host=host, port=int(port), db=db, username=username, password=password, ssl=ssl, namespace=namespace
    )
    _install(router, store, ttl_s=ttl_seconds if ttl_seconds is not None else ttl)


def cache_status(router: Any) -> CacheStatus | None:
    """Return what *router*'s cache is and did; None where it has none."""
    cache = _cache_of(router)
    return cache.status() if cache else None


def clear_cache(router: Any) -> int:
    """Remove what is kept where *router*'s cache keeps it; return how many answers that were."""
    cache = _cache_of(router)
    return cache.clear() if cache else 0


def remove_cache(router: Any) -> None:
    """Take *router*'s cache away; what is kept stays where it is."""
    cache = _cache_of(router)
    if cache is None:
        return
    for name in _METHODS:
        delattr(router, name)
    for name, method in cache.replaced.items():
        setattr(router, name, method)
    cache.store.close()


async def aremove_cache(router: Any) -> None:
    """Take *router*'s cache away, and close the connections of this event loop."""
    cache = _cache_of(router)
    remove_cache(router)
    if cache is not None:
        await cache.store.aclose()


def _install(router: Any, store: Store, *, ttl_s: float | None) -> None:
    if isinstance(router, ModuleType) or not all(callable(getattr(router, name, None)) for name in _METHODS):
        hint = "give it a litellm.Router"
        raise ConfigError(f"a {type(router).__name__} is no router that a cache can be put before", hint=hint)
    if ttl_s is not None and ttl_s <= 0:
        raise ConfigError(
            f"ttl_seconds is {ttl_s}", hint="set it to the seconds that an answer is kept, or leave it out"
        )
    remove_cache(router)
    cache = RouterCache(router, store, ttl_s=ttl_s)
    for name in _METHODS:
        setattr(router, name, getattr(cache, name))


def _cache_of(router: Any) -> RouterCache | None:
    owner = getattr(getattr(router, "acompletion", None), "__self__", None)
    return owner if isinstance(owner, RouterCache) else None


def _folder(named: str | Path | None) -> Path:
    if named is not None:
        return Path(named).expanduser()
    import platformdirs  # noqa: PLC0415 - only where no folder is named

    return platformdirs.user_cache_path("liteagent_nb")
