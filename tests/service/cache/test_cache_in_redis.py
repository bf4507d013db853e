"""Answers in Redis: dead, silent, restarted, locked ones."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time

import pytest
import redis
from cache_setups import is_hit, question
from free_ports import free_port
from redis_servers import serving_redis

import liteagent_nb
from liteagent_nb import (
    cache_status,
    configure_cache_redis,
    remove_cache,
)
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.cache import aremove_cache
from liteagent_nb.extras.caching.redis_store import RedisStore


async def test_a_redis_that_refuses_costs_nothing_but_one_warning(router, asked):
    configure_cache_redis(router, port=free_port())
    requests = [question(), question()]

    with pytest.warns(RuntimeWarning, match="Answers are not kept") as warned:
        answers = [await router.acompletion(**request) for request in (*requests, *requests)]

    assert len(warned) == 1
    assert not any(map(is_hit, answers))
    assert asked() == 4
    assert cache_status(router).is_up is False
    assert cache_status(router).entries is None


class Canned:
    """A router that answers at once, with what is not kept."""

    async def acompletion(self, **request):
        return None

    def completion(self, **request):
        return None


@pytest.fixture(scope="module")
def silent_port():
    """Take connections, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_redis_that_never_answers_is_waited_for_once_and_not_long(silent_port, is_async):
    router = Canned()
    configure_cache_redis(router, port=silent_port)

    async def ask_often():
        for _ in range(40):
            await router.acompletion(model="m") if is_async else router.completion(model="m")

    started = time.perf_counter()
    with pytest.warns(RuntimeWarning, match="does not work"):
        await ask_often()
    took_s = time.perf_counter() - started
    await aremove_cache(router)

    assert took_s < 40 * 0.04 / 2  # each would wait its 40 ms


async def test_an_event_loop_that_was_busy_is_not_taken_for_a_dead_redis(silent_port):
    store = RedisStore(
        host="127.0.0.1", port=silent_port, db=0, username=None, password=None, ssl=False, namespace="late"
    )
    asking = asyncio.create_task(store.aget("key"))
    await asyncio.sleep(0.01)
    time.sleep(0.15)  # noqa: ASYNC251 - that is what other people's code does

    assert await asking is None

    with pytest.raises(TimeoutError, match="no answer within 40 ms"):
        await store.aget("key")
    await store.aclose()


async def test_a_redis_that_dies_and_comes_back_is_used_again(router, tmp_path, monkeypatch, asked):
    request = question()
    monkeypatch.setattr("liteagent_nb.extras.caching.stores._LEFT_ALONE_S", 0.05)
    with serving_redis(tmp_path) as port:
        configure_cache_redis(router, port=port)
        await router.acompletion(**request)
        assert is_hit(await router.acompletion(**request))
    with pytest.warns(RuntimeWarning, match="does not work"):
        assert not is_hit(await router.acompletion(**request))
    await asyncio.sleep(0.06)
    with serving_redis(tmp_path, port=port):
        assert not is_hit(await router.acompletion(**request))
        assert is_hit(await router.acompletion(**request))
        await aremove_cache(router)
    assert asked() == 3


async def test_a_password_is_used_and_never_shown(router, tmp_path):
    with serving_redis(tmp_path) as port:
        with redis.Redis(port=port) as client:
            client.config_set("requirepass", "pass-word-1234")
        configure_cache_redis(router, port=port, password="wrong-word-1234")
        with pytest.warns(RuntimeWarning) as warned:
            await router.acompletion(**question())
        await aremove_cache(router)
        configure_cache_redis(router, port=port, password="pass-word-1234", db=3)
        request = question()
        await router.acompletion(**request)
        hit = await router.acompletion(**request)
        place = cache_status(router).place
        await aremove_cache(router)

    assert "word-1234" not in str(warned[0].message) + place
    assert is_hit(hit)


def test_a_cache_is_used_from_several_event_loops(router, tmp_path, redis_port):
    configure_cache_redis(router, port=redis_port, namespace="loops")
    request, answers = question(), []

    def ask():
        async def twice():
            answers.extend([await router.acompletion(**request) for _ in range(2)])
            await router.acompletion.__self__.store.aclose()

        with asyncio.Runner() as runner:
            runner.run(twice())

    for _ in range(3):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    remove_cache(router)

    assert [is_hit(answer) for answer in answers] == [False, True, True, True, True, True]


def test_without_the_extra_the_error_names_it(router, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(ConfigError, match="needs the package redis") as caught:
        liteagent_nb.configure_cache_redis(router)

    assert "liteagent_nb[redis]" in caught.value.hint
    assert "configure_cache(router)" in caught.value.hint
