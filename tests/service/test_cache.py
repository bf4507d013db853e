"""The cache before a router: real providers, a real Redis, a real file."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from itertools import count

import pytest
from pydantic import BaseModel
from redis_servers import free_port, serving_redis

import liteagent_nb
from liteagent_nb import (
    acompletion_as_completed,
    assemble_stream_text,
    cache_status,
    clear_cache,
    configure_cache,
    configure_cache_redis,
    extract_content,
    remove_cache,
)
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.cache import aremove_cache
from liteagent_nb.extras.caching.disk import DiskStore
from liteagent_nb.extras.caching.redis_store import RedisStore
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.testing import breaks_off, call, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import ServerError

QUESTIONS = count()
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}
TOOL_TURNED = {
    "function": {"parameters": {"type": "object"}, "description": "Adds.", "name": "add"},
    "type": "function",
}


@pytest.fixture(scope="module")
def provider():
    with serving_provider(answer="one two three", chunk_chars=4) as serving:
        yield serving


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory):
    with serving_redis(tmp_path_factory.mktemp("redis")) as port:
        yield port


def new_router(*servers, **more):
    deployments = [
        {"model_name": "m", "litellm_params": {"model": "openai/test-model", **server}} for server in servers
    ]
    return litellm.Router(model_list=deployments, num_retries=0, **more)


def server_of(provider, key="test-key"):
    return {"api_base": provider.url, "api_key": key}


def question():
    """Return a request that no other test made."""
    return {"model": "m", "messages": [{"role": "user", "content": f"question {next(QUESTIONS)}"}]}


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


def is_hit(response):
    return response._hidden_params.get("cache_hit") is True


async def pieces_of(stream):
    return [piece async for piece in stream]


async def test_the_second_answer_is_the_first_and_says_that_it_is_a_hit(cached, asked):
    request = question()

    first, second = await cached.acompletion(**request), await cached.acompletion(**request)

    assert asked() == 1
    assert not is_hit(first)
    assert is_hit(second)
    assert second._hidden_params["response_cost"] == 0
    assert type(second) is type(first)
    assert second.model_dump(exclude_none=True) == first.model_dump(exclude_none=True)
    assert extract_content(second) == "one two three"


async def test_a_stream_comes_back_in_the_same_pieces(cached, asked):
    request = question() | {"stream": True, "stream_options": {"include_usage": True}}

    first = await pieces_of(await cached.acompletion(**request))
    stream = await cached.acompletion(**request)
    second = await pieces_of(stream)

    assert asked() == 1
    assert is_hit(stream)
    assert all(map(is_hit, second))
    assert [piece.model_dump_json() for piece in second] == [piece.model_dump_json() for piece in first]
    assert len(second) > 3
    assert second[-1].usage.total_tokens > 0
    assert isinstance(stream, litellm.CustomStreamWrapper)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_tool_calls_come_back_whole(cached, provider, asked, is_stream):
    provider.say(call("add", a=1, b="zwei"))
    request = question() | {"tools": [TOOL], "stream": is_stream}

    async def calls():
        response = await cached.acompletion(**request)
        if is_stream:
            response = litellm.stream_chunk_builder(await pieces_of(response))
        return [each.model_dump() for each in response.choices[0].message.tool_calls]

    first, second = await calls(), await calls()

    assert asked() == 1
    assert second == first
    assert second[0]["function"] == {"name": "add", "arguments": '{"a": 1, "b": "zwei"}'}


async def test_the_sync_side_hits_what_the_async_side_kept_and_streams_too(cached, asked):
    request = question()
    await cached.acompletion(**request)

    def sync():
        hit = cached.completion(**request)
        streams = [cached.completion(**request, stream=True) for _ in range(1)]
        texts = [assemble_stream_text(streams[0]), assemble_stream_text(cached.completion(**request, stream=True))]
        return hit, texts

    hit, texts = await asyncio.to_thread(sync)

    assert is_hit(hit)
    assert texts == ["one two three"] * 2
    assert asked() == 2


async def test_a_whole_answer_and_a_stream_are_kept_apart(on_disk, asked):
    request = question()

    await on_disk.acompletion(**request)
    text = await assemble_stream_text(await on_disk.acompletion(**request, stream=True))
    again = await assemble_stream_text(await on_disk.acompletion(**request, stream=True))

    assert text == again == "one two three"
    assert asked() == 2


async def test_twenty_who_ask_the_same_at_once_ask_once(on_disk, provider, asked):
    provider.say(slow(0.1, "one two"))
    request = question()

    answers = await asyncio.gather(*(on_disk.acompletion(**request) for _ in range(20)))

    assert asked() == 1
    assert {extract_content(answer) for answer in answers} == {"one two"}
    assert sum(map(is_hit, answers)) == 19
    assert len({id(answer) for answer in answers}) == 20


async def test_who_leaves_first_takes_no_ones_answer_and_the_last_ends_the_request(on_disk, provider):
    provider.say(slow(0.2, "one two"), slow(30, "never"))
    request = question()
    staying, leaving = (asyncio.create_task(on_disk.acompletion(**request)) for _ in range(2))
    await asyncio.sleep(0.05)
    leaving.cancel()

    assert extract_content(await staying) == "one two"

    alone = asyncio.create_task(on_disk.acompletion(**question()))
    await asyncio.sleep(0.1)
    alone.cancel()
    await asyncio.gather(alone, return_exceptions=True)
    assert await asyncio.to_thread(provider.requests[-1].ended.wait, 2)
    assert provider.requests[-1].outcome == "left"


async def test_a_failure_is_everybodys_and_is_not_kept(on_disk, provider, asked):
    provider.say(ServerError(500))
    request = question()

    failures = await asyncio.gather(*(on_disk.acompletion(**request) for _ in range(3)), return_exceptions=True)

    assert all(isinstance(failure, Exception) for failure in failures)
    assert extract_content(await on_disk.acompletion(**request)) == "one two three"
    assert asked() == 2


async def test_a_stream_that_breaks_off_or_is_left_is_not_kept(on_disk, provider, asked):
    provider.say(breaks_off("one two three"))
    request = question() | {"stream": True}

    with pytest.raises(Exception):  # noqa: B017, PT011 - litellm has many names for it
        await pieces_of(await on_disk.acompletion(**request))
    left = await on_disk.acompletion(**request)
    await anext(left)
    await left.aclose()
    stream = await on_disk.acompletion(**request)

    assert await assemble_stream_text(stream) == "one two three"
    assert asked() == 3


async def test_the_order_of_keys_does_not_matter_and_everything_else_does(on_disk, asked):
    request = question()

    async def hits(**more):
        return is_hit(await on_disk.acompletion(**request, **more))

    assert not await hits(tools=[TOOL])
    assert await hits(tools=[TOOL_TURNED])
    assert await hits(tools=[TOOL], metadata={"trace": "1"}, timeout=30, temperature=None)
    assert not await hits()
    assert not await hits(temperature=0.5)
    assert not await hits(extra_body={"seed": 1})
    assert not await hits(extra_body={"seed": 2})
    assert not await hits(user="somebody")
    assert not await hits(metadata={"tags": ["paid"]})


async def test_two_servers_and_two_keys_never_share_an_answer(provider, tmp_path):
    with serving_provider(answer="another", key="other-key") as other:
        request = question()
        routers = [new_router(server) for server in (server_of(provider), server_of(other, "other-key"))]
        for router in routers:
            configure_cache(router, cache_dir=tmp_path)

        texts = [extract_content(await router.acompletion(**request)) for router in routers]
        with pytest.raises(litellm.AuthenticationError):
            await routers[0].acompletion(**request, api_key="wrong-key")
        for router in routers:
            remove_cache(router)

    assert texts == ["one two three", "another"]


async def test_the_environments_server_is_part_of_the_key(provider, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    router, request = new_router({}), question()
    configure_cache(router, cache_dir=tmp_path)

    await router.acompletion(**request)
    hit = await router.acompletion(**request)
    with serving_provider(answer="another") as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        moved = await router.acompletion(**request)
    remove_cache(router)

    assert is_hit(hit)
    assert not is_hit(moved)


async def test_a_changed_deployment_or_alias_is_another_key(provider, tmp_path):
    with serving_provider(answer="another") as other:
        router = new_router(server_of(provider), model_group_alias={"alias": "m"})
        configure_cache(router, cache_dir=tmp_path)
        request = question() | {"model": "alias"}
        await router.acompletion(**request)
        assert is_hit(await router.acompletion(**request))

        router.set_model_list(
            [{"model_name": "m", "litellm_params": {"model": "openai/test-model", **server_of(other)}}]
        )
        moved = await router.acompletion(**request)
        remove_cache(router)

    assert extract_content(moved) == "another"


async def test_nothing_that_is_stored_holds_a_secret_an_address_or_in_its_key_a_prompt(
    cached, provider, tmp_path, redis_port
):
    import redis

    request = question()
    await cached.acompletion(**request)
    hit = await cached.acompletion(**request)

    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    with redis.Redis(port=redis_port) as client:
        stored += b"".join(key + (client.get(key) or b"") for key in client.scan_iter())
    assert hit._hidden_params["cache_key"].encode() in stored
    assert len(hit._hidden_params["cache_key"]) == 64
    for secret in ("test-key", provider.url, request["messages"][0]["content"]):
        assert secret.encode() not in stored


async def test_a_request_may_ask_anew_or_not_be_kept(on_disk, asked):
    request = question()

    async def hits(**more):
        return is_hit(await on_disk.acompletion(**request, **more))

    assert not await hits(cache={"no-store": True})
    assert not await hits()
    assert await hits()
    assert not await hits(cache={"no-cache": True})
    assert not await hits(caching=False)
    assert asked() == 4


async def test_pydantics_formats_are_compared_and_what_cannot_be_is_sent(on_disk, asked):
    class Sum(BaseModel):
        value: int

    class Product(BaseModel):
        value: float

    request = question()

    async def hits(**more):
        return is_hit(await on_disk.acompletion(**request, **more))

    assert not await hits(response_format=Sum)
    assert await hits(response_format=Sum)
    assert not await hits(response_format=Product)
    assert not await hits(logger_fn=print)
    request["messages"][0]["name"] = object
    before = cache_status(on_disk)
    with pytest.raises(Exception):  # noqa: B017, PT011 - the router's own word for it
        await on_disk.acompletion(**request)
    assert cache_status(on_disk) == before


async def test_answers_expire(router, tmp_path, redis_port, asked):
    request = question()
    configure_cache(router, cache_dir=tmp_path, ttl_seconds=0.05)
    await router.acompletion(**request)
    await asyncio.sleep(0.06)
    assert not is_hit(await router.acompletion(**request))

    configure_cache_redis(router, port=redis_port, ttl=0.05, namespace="expires")
    await router.acompletion(**request)
    await asyncio.sleep(0.06)
    assert not is_hit(await router.acompletion(**request))
    await aremove_cache(router)
    assert asked() == 4


async def test_status_and_clear_tell_and_remove_only_what_is_the_caches_own(cached, redis_port):
    import redis

    with redis.Redis(port=redis_port) as client:
        client.set("somebody:else", "stays")
        requests = [question(), question()]
        for request in [*requests, *requests]:
            await cached.acompletion(**request)

        before = cache_status(cached)
        removed = clear_cache(cached)
        after = cache_status(cached)

        assert (before.entries, before.hits, before.misses, before.is_up) == (2, 2, 2, True)
        assert before.kind in before.place or before.place.endswith("answers.sqlite")
        assert (removed, after.entries) == (2, 0)
        assert client.get("somebody:else") == b"stays"


async def test_without_a_cache_there_is_nothing_to_tell_or_remove(router):
    assert cache_status(router) is None
    assert clear_cache(router) == 0
    remove_cache(router)


async def test_a_removed_cache_leaves_the_router_as_it_was(router, tmp_path, asked):
    before = router.acompletion
    configure_cache(router, cache_dir=tmp_path / "one")
    configure_cache(router, cache_dir=tmp_path / "two")
    remove_cache(router)
    request = question()

    await router.acompletion(**request)
    await router.acompletion(**request)

    assert router.acompletion == before
    assert asked() == 2


async def test_the_routers_own_batches_use_the_cache(on_disk, asked):
    request = question()

    for _ in range(2):
        await on_disk.abatch_completion(models=["m"], messages=request["messages"])
        stream = await on_disk.abatch_completion_fastest_response(**request, stream=True)
        assert await assemble_stream_text(stream) == "one two three"

    assert asked() == 2


async def test_a_batch_pays_once_for_what_it_asks_twice(on_disk, asked):
    three = [question() for _ in range(3)]

    answers = [answer async for _, answer in acompletion_as_completed(on_disk, three * 10, concurrency=8)]

    assert [extract_content(answer) for answer in answers] == ["one two three"] * 30
    assert asked() == 3


async def test_without_a_folder_it_is_the_users_cache_folder(router, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    configure_cache(router)
    await router.acompletion(**question())
    place = cache_status(router).place
    remove_cache(router)

    assert place.startswith(str(tmp_path))
    assert [str(path) for path in tmp_path.rglob("answers.sqlite")] == [place]


async def test_an_answer_of_a_fallback_model_is_not_kept(provider, tmp_path, asked):
    deployments = [
        {"model_name": "m", "litellm_params": {"model": "openai/missing", **server_of(provider)}},
        {"model_name": "spare", "litellm_params": {"model": "openai/test-model", **server_of(provider)}},
    ]
    router = litellm.Router(model_list=deployments, num_retries=0, fallbacks=[{"m": ["spare"]}], disable_cooldowns=True)
    configure_cache(router, cache_dir=tmp_path)
    request = question()

    answers = [await router.acompletion(**request) for _ in range(2)]
    remove_cache(router)

    assert [extract_content(answer) for answer in answers] == ["one two three"] * 2
    assert asked() == 4


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
    import redis

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


async def test_a_damaged_or_foreign_file_is_a_miss_with_one_warning(router, tmp_path, asked):
    (tmp_path / "answers.sqlite").write_text("this is no database, by all that is known" * 100)
    configure_cache(router, cache_dir=tmp_path)
    request = question()

    with pytest.warns(RuntimeWarning, match=r"answers\.sqlite") as warned:
        answers = [await router.acompletion(**request) for _ in range(2)]
    remove_cache(router)

    assert len(warned) == 1
    assert not any(map(is_hit, answers))


async def test_an_entry_that_cannot_be_read_is_a_miss(on_disk, tmp_path, asked):
    request = question()
    await on_disk.acompletion(**request)
    with sqlite3.connect(tmp_path / "cache" / "answers.sqlite") as file:
        for garbage in (b"{", b"[]", b'{"hidden": {}}', b'{"hidden": {}, "reply": {"choices": 7}}', b"\xff"):
            file.execute("UPDATE answers SET data = ?", (garbage,))
            file.commit()
            assert not is_hit(await on_disk.acompletion(**request))
    file.close()

    assert is_hit(await on_disk.acompletion(**request))
    assert asked() == 6


async def test_the_file_stays_within_its_bound_and_the_newest_stay(router, provider, tmp_path):
    provider.say(*("x" * 20_000 for _ in range(30)))
    configure_cache(router, cache_dir=tmp_path, max_mb=0.2)
    requests = [question() for _ in range(30)]
    for request in requests:
        await router.acompletion(**request)

    newest, oldest = await router.acompletion(**requests[-1]), await router.acompletion(**requests[0])
    entries = cache_status(router).entries
    remove_cache(router)

    assert is_hit(newest)
    assert not is_hit(oldest)
    assert 5 <= entries <= 11


def test_the_file_is_the_users_alone(on_disk_sync):
    mode = stat.S_IMODE(on_disk_sync.stat().st_mode)

    assert mode == 0o600
    assert stat.S_IMODE(on_disk_sync.parent.stat().st_mode) == 0o700


@pytest.fixture
def on_disk_sync(router, tmp_path):
    folder = tmp_path / "cache"
    configure_cache(router, cache_dir=folder)
    router.completion(**question())
    yield folder / "answers.sqlite"
    remove_cache(router)


WRITING = """
import sys
from pathlib import Path
from liteagent_nb.extras.caching.disk import DiskStore
from liteagent_nb.extras.caching.redis_store import RedisStore

store = DiskStore(Path(sys.argv[1]), max_mb=10)
for number in range(50):
    store.put(f"{sys.argv[2]}-{number}", b"x" * 100, None)
store.close()
"""


def test_processes_share_one_file(tmp_path):
    command = [sys.executable, "-W", "error", "-c", WRITING, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    codes = [process.wait(60) for process in processes]
    store = DiskStore(tmp_path, max_mb=10)

    assert codes == [0, 0, 0]
    assert store.count() == 150
    store.close()


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"ttl_seconds": 0}, "ttl_seconds is 0"), ({"max_mb": 0}, "max_mb is 0")],
)
def test_impossible_settings_are_refused(router, tmp_path, arguments, said):
    with pytest.raises(ConfigError, match=said):
        configure_cache(router, cache_dir=tmp_path, **arguments)


@pytest.mark.parametrize("thing", [object(), litellm, None])
def test_what_is_no_router_is_refused(thing, tmp_path):
    with pytest.raises(ConfigError, match="no router"):
        configure_cache(thing, cache_dir=tmp_path)


def test_without_the_extra_the_error_names_it(router, monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)

    with pytest.raises(ConfigError, match="needs the package redis") as caught:
        liteagent_nb.configure_cache_redis(router)

    assert "liteagent_nb[redis]" in caught.value.hint
    assert "configure_cache(router)" in caught.value.hint
