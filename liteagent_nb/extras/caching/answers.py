"""AnswerCache: a model's answers kept for agents, streams and tool calls alike; a hit says that it is one."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

from liteagent_nb.cassettes.streams import Piece, read_stream, written_stream
from liteagent_nb.core.chat import Price
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.meter import estimate, request_chars
from liteagent_nb.core.streaming import Delta
from liteagent_nb.extras.caching.disk import DiskStore
from liteagent_nb.extras.caching.front import CacheStatus
from liteagent_nb.extras.caching.keys import RequestKeys
from liteagent_nb.extras.caching.stores import FailsOpen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from liteagent_nb.cassettes.masking import Mask
    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.tools import Tool
    from liteagent_nb.extras.caching.stores import Store

__all__ = ["AnswerCache", "CachedModel"]


class AnswerCache:
    """Answers in a file of *cache_dir* (the user's cache folder), or in *store*; kept for *ttl_seconds*.

    Requests are the same where everything is that can change the answer: model, messages, tools, parameters, server,
    and whose key; what they are found by is a digest of it, in which no secret can be read.
    """

    def __init__(
        self,
        cache_dir: str | Path | None = None,
        *,
        ttl_seconds: float | None = None,
        max_mb: float = 256,
        store: Store | None = None,
    ) -> None:
        if ttl_seconds is not None and ttl_seconds <= 0:
            raise ConfigError(f"ttl_seconds is {ttl_seconds}", hint="set it to the seconds that an answer is kept")
        self.store: Store = store or DiskStore(_folder(cache_dir), max_mb=max_mb)
        self.hits = self.misses = 0
        self._ttl_s = ttl_seconds
        self._place = FailsOpen(self.store)
        self._keys: dict[str, RequestKeys] = {}
        self._locks: WeakValueDictionary[tuple[int, str], asyncio.Lock] = WeakValueDictionary()

    def before(self, name: str, make: Callable[[], Model]) -> CachedModel:
        """Return the model *name*, which *make* gives where it is to be asked."""
        return CachedModel(self, name, make)

    def status(self) -> CacheStatus:
        """Return what it is and did; asks the store how much there is."""
        return CacheStatus(
            kind=self.store.kind,
            place=self.store.describe(),
            is_up=self._place.is_up,
            entries=self._place.call(self.store.count, None),
            hits=self.hits,
            misses=self.misses,
            ttl_seconds=self._ttl_s,
        )

    def clear(self) -> int:
        """Remove all entries; return how many."""
        return self._place.call(self.store.clear, 0)

    def close(self) -> None:
        """Let go of what is open; what is kept stays where it is."""
        self.store.close()

    def key_of(self, name: str, request: Mapping[str, Any]) -> str | None:
        """Return what *request* is found by; None where something in it cannot be compared."""
        if name not in self._keys:
            alone = {"model_name": name, "litellm_params": {"model": name}}
            self._keys[name] = RequestKeys(_OneModel([alone]))
        key = self._keys[name].key_of({**request, "model": name})
        return key and f"agent-{key}"

    def turn_of(self, key: str) -> asyncio.Lock:
        """Return what all who ask the same at the same time wait for: the first asks, the others find its answer."""
        return self._locks.setdefault((id(asyncio.get_running_loop()), key), asyncio.Lock())

    async def find(self, key: str) -> list[Delta] | None:
        """Return the answer under *key*, marked as a hit, for which nothing is paid."""
        data = await self._place.acall(lambda: self.store.aget(key), None)
        try:
            found = None if data is None else [_hit(piece.delta) for piece in read_stream(json.loads(data)["stream"])]
        except (ValueError, LookupError, TypeError, AttributeError):
            found = None
        self.hits, self.misses = self.hits + (found is not None), self.misses + (found is None)
        return found

    async def keep(self, key: str, deltas: Sequence[Delta]) -> None:
        """Keep a whole answer under *key*; not one that says nothing."""
        if any(delta.is_content for delta in deltas):
            told = written_stream([Piece(delta, 0) for delta in deltas], cast("Mask", _as_it_is))
            data = json.dumps({"stream": told}).encode()
            await self._place.acall(lambda: self.store.aput(key, data, self._ttl_s), None)


class CachedModel:
    """Answers from *cache*; what is not there is asked of the model that *make* gives, and kept."""

    def __init__(self, cache: AnswerCache, name: str, make: Callable[[], Model]) -> None:
        self._cache = cache
        self._name = name
        self._make = make
        self._model: Model | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    @property
    def price(self) -> Price | None:
        """The model's price; that of a hit is none."""
        return self._asked().price

    @property
    def sees_pictures(self) -> bool | None:
        """Whether the model sees."""
        return getattr(self._asked(), "sees_pictures", None)

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer piece by piece, as the answer once came."""
        request = {**settings, "messages": list(transcript), "tools": [tool.to_openai() for tool in tools]}
        key = self._cache.key_of(self._name, request)
        async with nullcontext() if key is None else self._cache.turn_of(key):
            if key is not None and (found := await self._cache.find(key)) is not None:
                for delta in found:
                    yield delta
                if not any(delta.usage for delta in found):  # nobody counted: it is free all the same
                    chars = sum(delta.chars for delta in found)
                    usage = estimate(request_chars(transcript, tools), chars, Price(0.0, 0.0))
                    yield Delta(usage=usage, is_replayed=True, is_cached=True)
                return
            answer = self._ask(transcript, tools, settings, key=key)
            async with aclosing(answer):
                async for delta in answer:
                    yield delta

    async def _ask(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object], *, key: str | None
    ) -> AsyncGenerator[Delta]:
        """Ask, and keep what came to its end; what broke off, or was left, is not kept."""
        model = self._asked() if self._model is not None else await asyncio.to_thread(self._asked)
        said: list[Delta] = []
        stream = cast("AsyncGenerator[Delta]", model.stream(transcript, tools, settings))
        async with aclosing(stream):
            async for delta in stream:
                said.append(delta)
                yield delta
        if key:
            await self._cache.keep(key, said)

    def _asked(self) -> Model:
        if self._model is None:
            self._model = self._make()
        return self._model


@dataclass(frozen=True, slots=True)
class _OneModel:
    """What the keys of requests are made of, for a model that no router stands before."""

    model_list: list[dict[str, Any]]


def _hit(delta: Delta) -> Delta:
    usage = None if delta.usage is None else replace(delta.usage, cost_usd=0.0)
    return replace(delta, usage=usage, is_replayed=True, is_cached=True)


def _as_it_is(value: object) -> object:
    return value


def _folder(named: str | Path | None) -> Path:
    if named:
        return Path(named).expanduser()
    import platformdirs  # noqa: PLC0415 - only where no folder is named

    return platformdirs.user_cache_path("liteagent_nb") / "agent"
