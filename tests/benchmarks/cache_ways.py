"""The ways of `cache.py`, each run in a process of its own: has the same asked many times, prints what that took.

    python tests/benchmarks/cache_ways.py WAY SERVER REDIS_PORT

The measures are `plain` (an answer of 1.2 KB), `stream` (50 pieces), and `dead`: what setting up and the first question
take longer where Redis accepts connections and never answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import statistics
import sys
import tempfile
import time
import warnings

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
warnings.simplefilter("ignore")

HITS = {"plain": 300, "stream": 60}
WARM_UPS = 5
GIVES_UP_S = 5
"""How long a question is waited for where Redis is dead."""
SETTLES_S = 0.3
"""What litellm does after its answer is given counts too."""
ANSWER = os.urandom(600).hex().encode()


class BareRedis:
    """redis-py, asked for 1.2 KB under one key."""

    def __init__(self, server, port):
        import redis.asyncio

        self._client = redis.asyncio.Redis(port=port)

    async def start(self):
        await self._client.set("bench:bare", ANSWER)

    async def ask(self, measure):
        return await self._client.get("bench:bare")

    async def close(self):
        await self._client.aclose()


class Routed:
    """litellm's Router, with what is put before it or set beside it."""

    def __init__(self, server, port, *, caches=False):
        import litellm

        self.litellm, self.port, self.server = litellm, port, server
        litellm.suppress_debug_info = True
        params = {"model": "openai/test-model", "api_base": f"{server}/plain/0/1/200/v1", "api_key": "none"}
        streamed = params | {"api_base": f"{server}/plain/0/1/50/v1"}
        models = [
            {"model_name": "plain", "litellm_params": params},
            {"model_name": "stream", "litellm_params": streamed},
        ]
        self.router = litellm.Router(model_list=models, cache_responses=caches)

    async def start(self):
        """Set the cache up."""

    async def ask(self, measure, text="hi"):
        request = {"model": measure, "messages": [{"role": "user", "content": text}]}
        if measure == "plain":
            return await self.router.acompletion(**request)
        return [piece async for piece in await self.router.acompletion(**request, stream=True)]

    async def close(self):
        """Close what was opened."""


class Ours(Routed):
    async def start(self):
        from liteagent_nb import configure_cache, configure_cache_redis

        if self.port:
            configure_cache_redis(self.router, port=self.port, namespace="bench-ours")
        else:
            configure_cache(self.router, cache_dir=tempfile.mkdtemp())

    async def close(self):
        from liteagent_nb.extras.cache import aremove_cache

        await aremove_cache(self.router)


class LitellmsOwn(Routed):
    def __init__(self, server, port):
        super().__init__(server, port, caches=True)

    async def start(self):
        redis = {"type": "redis", "host": "127.0.0.1", "port": str(self.port)}
        options = redis if self.port else {"type": "local"}
        # In a thread: it waits for Redis, without an end where that is dead.
        self.litellm.cache = await asyncio.to_thread(self.litellm.Cache, **options)


WAYS = {
    "bare_redis": (BareRedis, True, ("plain",)),
    "ours_disk": (Ours, False, ("plain", "stream")),
    "ours_redis": (Ours, True, ("plain", "stream", "dead")),
    "litellm_memory": (LitellmsOwn, False, ("plain", "stream")),
    "litellm_redis": (LitellmsOwn, True, ("plain", "stream", "dead")),
}
"""Each way, whether it uses Redis, and what is measured of it."""


async def hits(way, measure):
    """Return what one hit takes: CPU of the process, and wall time."""
    for _ in range(WARM_UPS):
        await way.ask(measure)
        await asyncio.sleep(SETTLES_S / WARM_UPS)
    walls, cpu_s = [], time.process_time()
    for _ in range(HITS[measure]):
        started = time.perf_counter()
        await way.ask(measure)
        walls.append(time.perf_counter() - started)
    await asyncio.sleep(SETTLES_S)
    cpu_s = time.process_time() - cpu_s
    return {"cpu_us": cpu_s / HITS[measure] * 1e6, "wall_us": statistics.median(walls) * 1e6}


async def dead(kind, server):
    """Return how much longer the first question and later ones take, in milliseconds, where Redis never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        way = kind(server, silent.getsockname()[1])
        usual = statistics.median([await timed(way.ask("plain", f"usual {number}")) for number in range(WARM_UPS)])
        first = await timed(way.start()) + await timed(way.ask("plain", "first")) - usual
        if first > GIVES_UP_S * 1000:
            return {"first_ms": first}
        later = [await timed(way.ask("plain", f"later {number}")) for number in range(WARM_UPS)]
        return {"first_ms": first, "later_ms": statistics.median(later) - usual}


async def timed(work):
    """Return how long *work* takes, in milliseconds; no more than it is waited for."""
    started = time.perf_counter()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, GIVES_UP_S)
    return (time.perf_counter() - started) * 1000


async def measured(name, server, port):
    kind, uses_redis, measures = WAYS[name]
    way = kind(server, port if uses_redis else None)
    await way.start()
    told = {measure: await hits(way, measure) for measure in measures if measure != "dead"}
    await way.close()
    return told | ({"dead": await dead(kind, server)} if "dead" in measures else {})


def main():
    name, server, port = sys.argv[1:]
    runner = asyncio.Runner()
    print(json.dumps(runner.run(measured(name, server, int(port)))), flush=True)
    os._exit(0)  # a thread of litellm's may wait for a dead Redis


if __name__ == "__main__":
    main()
