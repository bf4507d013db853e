"""A router of each core, asked by its user: which core there is, what its streams tell, and what is handed over."""

from __future__ import annotations

import asyncio

import pytest

from liteagent_nb import configure_cache, make_router, remove_cache
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.testing import breaks_off, endless
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import ServerError

# litellm reads deprecated attributes of pydantic's
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

ANSWER = "Text in pieces of four letters, and that some forty times: " * 3
HI = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    """Have litellm without the callbacks that other tests' routers leave in it."""
    for name in ("callbacks", "success_callback", "_async_success_callback"):
        monkeypatch.setattr(litellm, name, [])


@pytest.fixture(scope="module")
def provider():
    with serving_provider(answer=ANSWER, chunk_chars=4) as serving:
        yield serving


@pytest.fixture
def router_of(provider):
    """Return a function that makes a router; more servers are named as they are in the model list."""

    def make(core="extracted", *, models=None, **more):
        where = {"api_base": provider.url, "api_key": provider.key}
        names = models or {"m": "openai/test-model"}
        deployments = [{"model_name": n, "litellm_params": {"model": model, **where}} for n, model in names.items()]
        return make_router(deployments, core=core, **{"num_retries": 0, **more})

    return make


async def read(router, *, is_sync=False, **more):
    """Return the stream, read to its end, and its text."""
    if is_sync:
        stream = router.completion(**HI, stream=True, **more)
        return stream, text_of(await asyncio.to_thread(list, stream))
    stream = await router.acompletion(**HI, stream=True, **more)
    return stream, text_of([chunk async for chunk in stream])


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def test_the_environment_says_which_core_where_none_is_named(router_of, monkeypatch):
    monkeypatch.setenv("LITELLM_ROUTER_CORE", "verify")
    verifying = router_of(core=None)
    monkeypatch.delenv("LITELLM_ROUTER_CORE")

    stream, text = await read(verifying)

    assert (stream.metrics.core, stream.metrics.differences, text) == ("verify", (), ANSWER)
    assert not hasattr((await read(router_of(core=None)))[0], "metrics")


@pytest.mark.parametrize("core", ["fast", "Legacy", ""])
def test_another_core_is_an_error_that_says_which_there_are(router_of, core, monkeypatch):
    with pytest.raises(ConfigError, match=f"core is {core!r}") as named:
        router_of(core)

    monkeypatch.setenv("LITELLM_ROUTER_CORE", "fast")
    with pytest.raises(ConfigError, match="LITELLM_ROUTER_CORE is 'fast'"):
        router_of(core=None)
    assert named.value.hint == "set it to one of legacy, extracted, verify"


@pytest.mark.parametrize("core", ["legacy", "extracted", "verify"])
async def test_every_core_is_litellms_router_and_leaves_whole_replies_alone(router_of, core):
    router = router_of(core)

    reply = await router.acompletion(**HI)

    assert type(router) is litellm.Router
    assert not hasattr(reply, "metrics")
    assert reply.choices[0].message.content == ANSWER


@pytest.mark.parametrize("is_sync", [False, True])
async def test_a_stream_tells_what_it_has_cost(router_of, provider, is_sync):
    before = len(provider.requests)

    stream, text = await read(router_of(), is_sync=is_sync)

    told = stream.metrics
    assert text == ANSWER
    assert (told.core, told.handed_over_why, told.attempts, len(provider.requests) - before) == ("extracted", "", 1, 1)
    assert told.pieces > told.fast_pieces > 30
    assert 0 < told.ttft_ms < told.total_ms
    assert "fast_pieces" in repr(told)


async def test_the_first_piece_is_there_before_the_server_has_the_next(router_of, provider):
    provider.say(endless("word"))
    stream = await router_of().acompletion(**HI, stream=True)

    pieces = [await anext(stream) for _ in range(20)]
    running = stream.metrics.total_ms
    await stream.aclose()

    assert text_of(pieces).startswith("wordword")
    assert running is None
    assert stream.metrics.total_ms > stream.metrics.ttft_ms > 0


async def test_a_stream_that_is_taken_over_by_a_fallback_tells_of_both(router_of, provider):
    router = router_of(models={"m": "openai/test-model", "spare": "openai/test-model"}, fallbacks=[{"m": ["spare"]}])
    provider.say(breaks_off(""))

    stream, text = await read(router)

    assert text == ANSWER
    assert stream.metrics.attempts == 2


async def test_retries_count_as_one_call(router_of, provider):
    provider.say(ServerError())

    stream, text = await read(router_of(num_retries=1))

    assert (text, stream.metrics.attempts, stream.metrics.core) == (ANSWER, 1, "extracted")


class Canned(litellm.CustomLLM):
    """A provider that answers with no events at all."""

    async def astreaming(self, *args, **kwargs):
        for text, is_last in (("can", False), ("ned", True)):
            reason = "stop" if is_last else None
            piece = {"text": text, "tool_use": None, "is_finished": is_last, "finish_reason": reason, "index": 0}
            yield piece | {"usage": None}


async def test_another_wire_is_handed_over_and_says_so(router_of):
    before = list(litellm.custom_provider_map)
    litellm.custom_provider_map = [*before, {"provider": "canned", "custom_handler": Canned()}]
    try:
        stream, text = await read(router_of(models={"m": "canned/model"}))
    finally:
        litellm.custom_provider_map = before

    assert (text, stream.metrics.core, stream.metrics.fast_pieces) == ("canned", "legacy", 0)
    assert "canned does not answer with events" in stream.metrics.handed_over_why
    assert 0 < stream.metrics.ttft_ms <= stream.metrics.total_ms


async def test_who_looks_at_every_piece_gets_every_piece(router_of):
    texts = []

    def look(text):
        texts.append(text)
        return {"decision": True}

    litellm.post_call_rules.append(look)
    try:
        stream, text = await read(router_of())
    finally:
        litellm.post_call_rules.remove(look)

    assert stream.metrics.handed_over_why == "litellm.post_call_rules look at every piece"
    assert text == ANSWER
    assert len(texts) >= stream.metrics.pieces - 1


async def test_a_cache_before_the_router_goes_as_it_came(router_of, tmp_path):
    router = router_of()
    configure_cache(router, cache_dir=tmp_path)
    asked, _ = await read(router)
    kept, text = await read(router)
    remove_cache(router)

    again, _ = await read(router)

    assert text == ANSWER
    assert not hasattr(kept, "metrics")
    assert asked.metrics.core == again.metrics.core == "extracted"
