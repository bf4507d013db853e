"""Routers with a cache, in a file and in a real Redis, and the provider behind them."""

from __future__ import annotations

import pytest
from cache_setups import QUESTIONS, new_router, server_of
from redis_servers import serving_redis

from liteagent_nb import configure_cache, configure_cache_redis, remove_cache
from liteagent_nb.extras.cache import aremove_cache
from liteagent_nb.testing.provider import serving_provider


@pytest.fixture(scope="module")
def provider():
    with serving_provider(answer="one two three", chunk_chars=4) as serving:
        yield serving


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory):
    with serving_redis(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def router(provider):
    return new_router(server_of(provider))


@pytest.fixture(params=["disk", "redis"])
async def cached(request, router, tmp_path):
    """Return a router with a cache, in either place."""
    if request.param == "disk":
        configure_cache(router, cache_dir=tmp_path)
    else:
        port = request.getfixturevalue("redis_port")
        configure_cache_redis(router, host="127.0.0.1", port=port, ttl_seconds=300, namespace=f"t{next(QUESTIONS)}")
    yield router
    await aremove_cache(router)


@pytest.fixture
async def on_disk(router, tmp_path):
    configure_cache(router, cache_dir=tmp_path / "cache")
    yield router
    remove_cache(router)


@pytest.fixture
def asked(provider):
    """Return a function that tells how often the provider was asked in this test."""
    before = len(provider.requests)
    return lambda: len(provider.requests) - before
