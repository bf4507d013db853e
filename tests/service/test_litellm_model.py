from __future__ import annotations

import asyncio
import email.utils
import subprocess
import sys
import time
from contextlib import aclosing

import pytest

from liteagent_nb.core.chat import Price, Reply, Transcript, Usage
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.protocols import Model
from liteagent_nb.core.streaming import CallDelta, Delta, ReplyBuilder
from liteagent_nb.core.tools import Tool
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.models.litellm_names import known_models
from liteagent_nb.testing import breaks_off, call, calls, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError

# litellm reads every attribute of a chunk, two deprecated ones of pydantic's too.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

TASK = Transcript.of("add one and two")
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
KEYS = ("OPENAI_API_KEY", "OPENAI_API_BASE", "OPENAI_BASE_URL", "GEMINI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)


def model_at(provider, name="openai/test-model", key="test-key", **more):
    return LitellmModel(name, {"api_base": provider.url, "api_key": key, **more})


async def ask(model, transcript=TASK, tools=(), settings=None, builder=None):
    builder = builder or ReplyBuilder(model=model.name, started_s=0)
    async with aclosing(model.stream(transcript, tools, settings or {})) as deltas:
        async for delta in deltas:
            builder.add(delta, now_s=0)
    return builder.reply(usage=Usage())


async def failing(model, kind=ModelError, builder=None):
    with pytest.raises(kind) as caught:
        await ask(model, builder=builder)
    return caught.value


async def failing_on(model, transcript):
    with pytest.raises(ModelError) as caught:
        await ask(model, transcript)
    return caught.value


async def test_text_streams_in_pieces_with_usage_and_finish_reason():
    with serving_provider(Reply(text="größer 🙂", usage=Usage(11, 3)), chunk_chars=2) as provider:
        model = model_at(provider)
        deltas = [delta async for delta in model.stream(TASK, (), {"temperature": 0})]

        assert isinstance(model, Model)
        assert [delta.text for delta in deltas if delta.text] == ["gr", "öß", "er", " 🙂"]
        usage = next(delta.usage for delta in deltas if delta.usage)
        assert (usage.prompt_tokens, usage.completion_tokens, usage.is_estimate) == (11, 3, False)
        assert [delta.finish_reason for delta in deltas if delta.finish_reason] == ["stop"]
        assert provider.requests[0].body["temperature"] == 0
        assert "tools" not in provider.requests[0].body
        assert provider.violations == []


async def test_tools_are_sent_and_called_without_the_mcp_package():
    with serving_provider(calls(call("add", a=1), call("add", a=2), text="so"), "3") as provider:
        model = model_at(provider)
        reply = await ask(model, tools=[ADD], settings={"tool_choice": "auto"})
        answers = [{"role": "tool", "tool_call_id": one.id, "content": "3"} for one in reply.tool_calls]
        final = await ask(model, TASK.extended([reply.to_message(), *answers]), [ADD])

        assert [one.arguments for one in reply.tool_calls] == ['{"a": 1}', '{"a": 2}']
        assert reply.finish_reason == "tool_calls"
        assert final.text == "3"
        assert provider.requests[0].body["tools"] == [ADD.to_openai()]
        assert provider.violations == []


async def test_tool_choice_is_left_out_where_there_are_no_tools():
    with serving_provider("fine") as provider:
        assert (await ask(model_at(provider), settings={"tool_choice": "auto"})).text == "fine"


async def test_the_price_is_litellms_and_the_cost_follows_from_it():
    with serving_provider(Reply(text="a", usage=Usage(1000, 100)), models=("gpt-4o-mini",)) as provider:
        model = model_at(provider, "openai/gpt-4o-mini")
        usage = (await ask(model)).usage

    assert model.price == Price(1.5e-07, 6e-07)
    assert usage.cost_usd == pytest.approx(1000 * 1.5e-07 + 100 * 6e-07)


async def test_an_unknown_price_is_none_never_zero():
    with serving_provider("a") as provider:
        model = model_at(provider)

        assert model.price is None
        assert (await ask(model)).usage.cost_usd is None


async def test_reasoning_is_kept_apart():
    with serving_provider(Reply(text="3", reasoning="one and two")) as provider:
        reply = await ask(model_at(provider))

    assert (reply.text, reply.reasoning) == ("3", "one and two")


@pytest.mark.parametrize("cut_bytes", [1, 7])
async def test_any_chunking_of_the_bytes_gives_the_same_reply(cut_bytes):
    reply = calls(call("add", a=1), text="größer 🙂\n\ndata: x")
    with serving_provider(reply, chunk_chars=3, cut_bytes=cut_bytes, newline="\r\n") as provider:
        got = await ask(model_at(provider), tools=[ADD])

    assert got.text == "größer 🙂\n\ndata: x"
    assert got.tool_calls[0].arguments == '{"a": 1}'


@pytest.mark.parametrize(
    ("pieces", "arguments"),
    [
        ([CallDelta(None, "x", "add", '{"a": 1}'), CallDelta(None, "y", "add", '{"a": 2}')], ['{"a": 1}', '{"a": 2}']),
        ([CallDelta(0, "x", "add", '{"a": 1}{"a": 2}')], ['{"a": 1}', '{"a": 2}']),
        ([CallDelta(0, "x", "add", '{"a"'), CallDelta(0, "x", "", ": 1}")], ['{"a": 1}']),
        ([CallDelta(0, "", "add", '{"a": 1}')], ['{"a": 1}']),
        ([CallDelta(0, "x", "add", '{"a": ')], ['{"a": ']),
        ([CallDelta(0, "x", "add")], ["{}"]),
    ],
    ids=["index missing", "glued", "id repeated", "id missing", "broken JSON", "no arguments"],
)
async def test_calls_are_read_however_servers_write_them(pieces, arguments):
    with serving_provider([Delta(calls=(piece,)) for piece in pieces]) as provider:
        reply = await ask(model_at(provider), tools=[ADD])

    assert [one.arguments for one in reply.tool_calls] == arguments
    assert all(one.id for one in reply.tool_calls)


async def test_three_hundred_calls_in_one_reply_are_read():
    with serving_provider(calls(*(call("add", a=number) for number in range(300)))) as provider:
        reply = await ask(model_at(provider), tools=[ADD])

    assert len({one.id for one in reply.tool_calls}) == 300


async def test_ten_megabytes_of_text_are_read():
    with serving_provider("x" * 10_000_000, chunk_chars=100_000) as provider:
        assert len((await ask(model_at(provider))).text) == 10_000_000


async def test_cancelling_a_streaming_reply_is_seen_by_the_server_within_a_second():
    with serving_provider(endless("on ")) as provider:
        task = asyncio.create_task(ask(model_at(provider)))
        await asyncio.sleep(0.3)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert time.monotonic() - started < 0.5
        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


async def test_cancelling_before_the_first_piece_is_seen_by_the_server_within_a_second():
    with serving_provider(slow(30, "late")) as provider:
        task = asyncio.create_task(ask(model_at(provider)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


async def test_closing_the_iterator_ends_the_request():
    with serving_provider(endless("on ")) as provider:
        async with aclosing(model_at(provider).stream(TASK, (), {})) as deltas:
            assert (await anext(deltas)).text == "on "

        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


async def test_a_reply_that_breaks_off_is_an_error_and_is_not_asked_for_again():
    builder = ReplyBuilder(model="", started_s=0)
    with serving_provider(breaks_off("half"), "second") as provider:
        error = await failing(model_at(provider), builder=builder)

        assert "broke off" in str(error)
        assert len(provider.requests) == 1
    assert builder.reply(usage=Usage()).text == "half"


async def test_a_stream_without_its_end_broke_off():
    piece = b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"hal"},"finish_reason":null}]}\n\n'
    with serving_provider(Garbage(piece)) as provider:
        assert "broke off" in str(await failing(model_at(provider)))


@pytest.mark.parametrize(
    "data", [b"data: {no json\n\n", b"\xff\x00", b"", b"<html>hello</html>", b"data: {}\n\ndata: [DONE]\n\n"]
)
async def test_garbage_is_an_error_with_a_remedy(data):
    with serving_provider(answer=Garbage(data)) as provider:
        error = await failing(model_at(provider, num_retries=0))

    assert "usable" in str(error)
    assert "api_base" in error.hint


async def test_a_break_before_the_first_piece_is_mended_by_asking_again():
    with serving_provider(breaks_off(""), "second") as provider:
        assert (await ask(model_at(provider))).text == "second"


async def test_a_rate_limit_is_waited_out_as_long_as_the_server_says():
    with serving_provider(RateLimited(times=2, retry_after=0.3), "at last") as provider:
        started = time.monotonic()
        reply = await ask(model_at(provider))

        assert reply.text == "at last"
        assert time.monotonic() - started >= 0.6
        assert len(provider.requests) == 3


async def test_a_rate_limit_until_a_date_is_understood():
    soon = email.utils.formatdate(time.time() + 1, usegmt=True)
    with serving_provider(RateLimited(retry_after=soon), "at last") as provider:
        assert (await ask(model_at(provider))).text == "at last"


async def test_a_rate_limit_that_is_too_long_is_told_at_once():
    with serving_provider(RateLimited(retry_after=600), "never") as provider:
        started = time.monotonic()
        error = await failing(model_at(provider))

        assert time.monotonic() - started < 2
        assert error.status == 429
        assert "600 s" in error.hint
        assert len(provider.requests) == 1


async def test_retries_are_bounded_and_can_be_switched_off():
    with serving_provider(answer=ServerError(503)) as provider:
        error = await failing(model_at(provider))
        assert (error.status, len(provider.requests)) == (503, 3)

        await failing(model_at(provider, num_retries=0))
        assert len(provider.requests) == 4


async def test_a_used_up_quota_is_not_asked_again():
    spent = RateLimited(code="insufficient_quota", message="You exceeded your current quota, please check your plan")
    with serving_provider(spent, "never") as provider:
        error = await failing(model_at(provider))

        assert len(provider.requests) == 1
    assert "plan" in error.hint


async def test_waiting_for_another_try_can_be_cancelled():
    with serving_provider(RateLimited(retry_after=9), "never") as provider:
        task = asyncio.create_task(ask(model_at(provider)))
        await asyncio.to_thread(_until, lambda: provider.requests and provider.requests[0].ended.is_set())
        await asyncio.sleep(0.1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert time.monotonic() - started < 1


def _until(is_true):
    while not is_true():
        time.sleep(0.01)


async def test_a_provider_that_is_down_is_told_with_a_remedy():
    with serving_provider() as provider:
        model = model_at(provider, num_retries=0)

    error = await failing(model)

    assert "no connection" in str(error)
    assert error.status is None
    assert "api_base" in error.hint


async def test_a_time_limit_of_the_users_own_holds():
    with serving_provider(slow(30, "late")) as provider:
        error = await failing(model_at(provider, timeout=0.3, num_retries=0))

    assert "in time" in str(error)


@pytest.mark.parametrize("key", ["sk-proj-abcdefghijklmnop1234567890", "a-key-of-no-known-shape"])
async def test_a_refused_key_is_told_without_the_key(key, capfd):
    with serving_provider() as provider:
        error = await failing(model_at(provider, key=key))

    assert error.status == 401
    assert "OPENAI_API_KEY" in error.hint
    assert key not in repr(error) + str(error) + error.hint
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert capfd.readouterr() == ("", "")


async def test_a_key_from_the_environment_is_never_shown(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "plain-words-as-a-key")
    with serving_provider() as provider:
        error = await failing(LitellmModel("openai/test-model", {"api_base": provider.url}))

        assert provider.requests[0].headers["authorization"] == "Bearer plain-words-as-a-key"
    assert "plain-words-as-a-key" not in str(error)


async def test_a_server_of_ones_own_needs_no_key():
    with serving_provider("hello", key="none") as provider:
        model = LitellmModel("openai/test-model", {"api_base": provider.url})

        assert (await ask(model)).text == "hello"


async def test_an_unknown_model_at_the_server_is_told():
    with serving_provider() as provider:
        error = await failing(model_at(provider, "openai/other"))

    assert error.status == 404
    assert "other" in str(error)


async def test_what_the_provider_refuses_is_told_with_its_words():
    with serving_provider("never") as provider:
        error = await failing(model_at(provider, surprise=1))

    assert error.status == 400
    assert "surprise" in str(error)


async def test_a_parameter_that_the_model_has_not_is_refused_before_anything_is_sent():
    with serving_provider(models=("o1",)) as provider:
        with pytest.raises(ConfigError, match="temperature") as caught:
            await ask(model_at(provider, "openai/o1"), settings={"temperature": 0.5})

        assert provider.requests == []
    assert "leave" in caught.value.hint


async def test_retries_that_make_no_sense_are_refused():
    with serving_provider() as provider:
        assert "num_retries" in str(await failing(model_at(provider, num_retries="many"), ConfigError))


async def test_text_that_no_provider_takes_is_refused_with_a_reason():
    with serving_provider() as provider:
        error = await failing_on(model_at(provider), Transcript.of("half a pair: \ud800"))

    assert "surrogate" in str(error)


def test_a_missing_key_is_named_before_anything_is_sent():
    with pytest.raises(ConfigError, match="OPENAI_API_KEY") as caught:
        LitellmModel("openai/gpt-4o-mini")

    assert "set OPENAI_API_KEY" in caught.value.hint


def test_either_key_of_gemini_will_do(monkeypatch):
    with pytest.raises(ConfigError, match="GOOGLE_API_KEY or GEMINI_API_KEY"):
        LitellmModel("gemini/gemini-2.5-pro")

    monkeypatch.setenv("GEMINI_API_KEY", "some-key")
    assert LitellmModel("gemini/gemini-2.5-pro").price is not None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("openai/gpt-4o-minni", "openai/gpt-4o-mini"),
        ("gpt-4o-minni", "gpt-4o-mini"),
        ("opnai/gpt-4o-mini", "openai"),
        ("anthropic/claude-sonet-4-5", "anthropic/claude-sonnet-4-5"),
    ],
)
def test_a_typo_is_refused_with_near_names(name, near, capfd):
    with pytest.raises(ConfigError) as caught:
        LitellmModel(name, {"api_key": "some-key"})

    assert near in caught.value.hint
    assert "api_base" in caught.value.hint
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["openrouter/some/model", "ollama_chat/anything", "openai/ft:gpt-4o-mini:me::1"])
def test_names_that_no_list_can_hold_are_let_through(name):
    assert LitellmModel(name, {"api_key": "some-key"}).name == name


def test_known_models_are_those_with_a_key(monkeypatch):
    assert not [name for name, _ in known_models() if name.startswith("openai/")]

    monkeypatch.setenv("OPENAI_API_KEY", "some-key")

    assert ("openai/gpt-4o-mini", True) in known_models()
    assert ("anthropic/claude-sonnet-4-5", False) in known_models(only_with_key=False)
    assert not [name for name, _ in known_models() if "embedding" in name]


def test_a_question_leaves_nothing_behind_and_the_import_asks_no_network():
    code = """
import asyncio, sys, threading
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}: print(event, arguments)
sys.addaudithook(watch)
from liteagent_nb.core.chat import Transcript
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.testing.provider import serving_provider

async def main():
    with serving_provider("hello", chunk_chars=1) as provider:
        model = LitellmModel("openai/test-model", {"api_base": provider.url, "api_key": "test-key"})
        print("imported")
        print("".join([delta.text async for delta in model.stream(Transcript.of("hi"), (), {})]))

asyncio.run(main())
print([thread.name for thread in threading.enumerate()])
"""
    flags = ["-W", "always", "-W", "ignore::DeprecationWarning"]
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True)

    lines = done.stdout.splitlines()
    assert lines[0] == "imported"
    assert lines[-2:] == ["hello", "['MainThread']"]
    assert all("127.0.0.1" in line for line in lines if line.startswith("socket"))
    assert done.stderr == ""
