"""RouterCache: what stands in front of one router's `acompletion` and `completion`."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liteagent_nb.extras.caching.flights import Flights
from liteagent_nb.extras.caching.keys import RequestKeys
from liteagent_nb.extras.caching.records import read_reply, write_reply
from liteagent_nb.extras.caching.stores import FailsOpen, Store
from liteagent_nb.extras.caching.streams import PlayedStream, RecordedStream

__all__ = ["CacheStatus", "RouterCache"]

_POSITIONAL = ("model", "messages", "stream")


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """What a cache is and did: *hits* and *misses* of this router, *entries* of all that use the same place."""

    kind: str
    place: str
    is_up: bool
    entries: int | None
    """None where the place cannot be asked."""
    hits: int
    misses: int
    ttl_seconds: float | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, its key, and what it says about the cache itself (litellm's `cache={…}`)."""

    key: str
    wants_stored: bool
    """Whether a stored answer will do."""
    may_store: bool
    ttl_s: float | None
    is_stream: bool


class RouterCache:
    """Answers from *store* what it has, asks the router for the rest, and keeps that for *ttl_s* seconds."""

    def __init__(self, router: Any, store: Store, *, ttl_s: float | None) -> None:
        self.store = store
        self.replaced = {name: vars(router)[name] for name in ("acompletion", "completion") if name in vars(router)}
        """What stood before the router already, as a streaming core of ours does."""
        self._asks_async = router.acompletion
        self._asks_sync = router.completion
        self._keys = RequestKeys(router)
        self._place = FailsOpen(store)
        self._flights = Flights()
        self._ttl_s = ttl_s
        self._hits = self._misses = 0

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        """Answer as the router does; a hit says so in its `_hidden_params`."""
        request = _named(args, kwargs)
        asked = self._asked(request)
        if asked is None:
            return await self._asks_async(**request)
        if asked.wants_stored:
            data = await self._place.acall(lambda: self.store.aget(asked.key), None)
            if (found := self._read(data, asked, is_async=True)) is not None:
                return found
        self._misses += 1
        if asked.is_stream:
            return RecordedStream(await self._asks_async(**request), akeep=lambda data: self._akeep(asked, data))
        if not asked.wants_stored:
            return (await self._ask_and_keep(asked, request))[0]
        (reply, data), is_first = await self._flights.join(asked.key, lambda: self._ask_and_keep(asked, request))
        if is_first:
            return reply
        shared = self._read(data, asked, is_async=True)
        return shared if shared is not None else await self._asks_async(**request)

    def completion(self, *args: Any, **kwargs: Any) -> Any:
        """Answer as the router does; a hit says so in its `_hidden_params`."""
        request = _named(args, kwargs)
        asked = self._asked(request)
        if asked is None:
            return self._asks_sync(**request)
        if asked.wants_stored:
            data = self._place.call(lambda: self.store.get(asked.key), None)
            if (found := self._read(data, asked, is_async=False)) is not None:
                return found
        self._misses += 1
        response = self._asks_sync(**request)
        if asked.is_stream:
            return RecordedStream(response, keep=lambda data: self._keep(asked, data))
        self._keep(asked, write_reply(response))
        return response

    def status(self) -> CacheStatus:
        """Return what it is and did; asks the store how much there is."""
        entries = self._place.call(self.store.count, None)
        return CacheStatus(
            kind=self.store.kind,
            place=self.store.describe(),
            is_up=self._place.is_up,
            entries=entries,
            hits=self._hits,
            misses=self._misses,
            ttl_seconds=self._ttl_s,
        )

    def clear(self) -> int:
        """Remove all entries; return how many."""
        return self._place.call(self.store.clear, 0)

    def _asked(self, request: Mapping[str, Any]) -> _Asked | None:
        """Return what is asked of the cache: None where it has no part in this request."""
        control = request.get("cache")
        control = control if isinstance(control, Mapping) else {}
        if request.get("caching") is False or (key := self._keys.key_of(request)) is None:
            return None
        return _Asked(
            key=key,
            wants_stored=not control.get("no-cache"),
            may_store=not control.get("no-store"),
            ttl_s=control.get("ttl", self._ttl_s),
            is_stream=bool(request.get("stream")),
        )

    def _read(self, data: bytes | None, asked: _Asked, *, is_async: bool) -> Any:
        """Return the answer that *data* is of; None where it is of none."""
        if data is None:
            return None
        with contextlib.suppress(ValueError):
            if asked.is_stream:
                found: Any = PlayedStream(data, key=asked.key, is_async=is_async)
            else:
                found = read_reply(data, key=asked.key)
            self._hits += 1
            return found
        return None

    async def _ask_and_keep(self, asked: _Asked, request: Mapping[str, Any]) -> tuple[Any, bytes | None]:
        reply = await self._asks_async(**request)
        data = write_reply(reply)
        await self._akeep(asked, data)
        return reply, data

    async def _akeep(self, asked: _Asked, data: bytes | None) -> None:
        if data is not None and asked.may_store:
            await self._place.acall(lambda: self.store.aput(asked.key, data, asked.ttl_s), None)

    def _keep(self, asked: _Asked, data: bytes | None) -> None:
        if data is not None and asked.may_store:
            self._place.call(lambda: self.store.put(asked.key, data, asked.ttl_s), None)


def _named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the request as keywords; more positions than the router has names for are its own error."""
    if len(args) > len(_POSITIONAL):
        raise TypeError(f"acompletion() takes {len(_POSITIONAL)} positional arguments at most")
    return {**dict(zip(_POSITIONAL, args, strict=False)), **kwargs}
