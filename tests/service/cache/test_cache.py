"""The cache before a router: whole answers, streams, tool calls, many at once; status and removal."""

from __future__ import annotations

import asyncio

import pytest
import redis
from cache_setups import is_hit, pieces_of, question, server_of

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
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.testing import breaks_off, call, slow
from liteagent_nb.testing.provider_faults import ServerError

TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}


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
