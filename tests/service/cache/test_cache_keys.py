"""Which requests are the same to the cache."""

from __future__ import annotations

import pytest
import redis
from cache_setups import is_hit, new_router, question, server_of
from pydantic import BaseModel

from liteagent_nb import (
    cache_status,
    configure_cache,
    extract_content,
    remove_cache,
)
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.testing.provider import serving_provider

TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}
TOOL_TURNED = {
    "function": {"parameters": {"type": "object"}, "description": "Adds.", "name": "add"},
    "type": "function",
}


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
