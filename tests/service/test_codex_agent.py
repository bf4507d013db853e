"""codex-agent through litellm itself: completion, acompletion and Router, whole replies and streams."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
import threading
import time

import litellm
import openai
import pydantic
import pytest
from exec_server import until

from liteagent_nb import AgentConfig, run_mcp_mini_agent
from liteagent_nb.assembly import make_model
from liteagent_nb.core.chat import Reply, Transcript, Usage
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.hops import via
from liteagent_nb.provider.clients import loops_client
from liteagent_nb.provider.codex_agent import disable_codex_agent, enable_codex_agent, offer_codex_agent
from liteagent_nb.testing import breaks_off, call, calls, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError

pytestmark = [
    # litellm reads deprecated attributes of pydantic's, and pydantic warns of a type of its Router's.
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Items? .* on TypedDict class:UserWarning"),
]

HI = [{"role": "user", "content": "hi"}]
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
WAYS = ("completion", "acompletion", "stream", "astream")
BAD_BASES = ["127.0.0.1:8788", "ftp://127.0.0.1", "http://", "http://h:port", "http://me:pass-word@h", "http://h?a=b"]
VARIABLES = ("API_BASE", "API_KEY", "MAX_RETRIES", "RETRY_BASE_MS", "MAX_BACKOFF_MS")


@pytest.fixture(autouse=True)
def enabled(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(f"CODEX_AGENT_{name}", raising=False)
    monkeypatch.delenv("LITELLM_ENABLE_CODEX_AGENT", raising=False)
    monkeypatch.setenv("CODEX_AGENT_RETRY_BASE_MS", "1")
    monkeypatch.setattr(litellm, "suppress_debug_info", True)
    enable_codex_agent()
    yield
    disable_codex_agent()


def at(provider, **more):
    return {
        "model": "codex-agent/test-model",
        "api_base": provider.url,
        "api_key": provider.key,
        "messages": HI,
        **more,
    }


def routed(provider, **more):
    """Return a Router to *provider*, and what it is asked with."""
    where = {"model": "codex-agent/test-model", "api_base": provider.url, "api_key": provider.key}
    router = litellm.Router([{"model_name": "agent", "litellm_params": where}], retry_after=0)
    return router, {"model": "agent", "messages": HI, **more}


async def ask(way, asked, source=litellm):
    """Ask in one of the four ways, and return the pieces; of a whole reply it is one."""
    if way == "completion":
        return [await asyncio.to_thread(source.completion, **asked)]
    if way == "acompletion":
        return [await source.acompletion(**asked)]
    if way == "stream":
        return await asyncio.to_thread(lambda: list(source.completion(**asked, stream=True)))
    return [piece async for piece in await source.acompletion(**asked, stream=True)]


def text_of(pieces):
    choices = [piece.choices[0] for piece in pieces if piece.choices]
    return "".join((getattr(one, "delta", None) or one.message).content or "" for one in choices)


async def failing(way, asked, source=litellm):
    """Ask in vain, and return the error; litellm puts one of a stream into another."""
    with pytest.raises(openai.APIError) as caught:
        await ask(way, asked, source)
    return getattr(caught.value, "original_exception", None) or caught.value


# What is asked and what comes back


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["codex-agent", "codex_cli_agent"])
async def test_both_names_answer_in_all_four_ways(way, name):
    with serving_provider("größer 🙂", chunk_chars=2, cut_bytes=3) as provider:
        pieces = await ask(way, at(provider, model=f"{name}/test-model"))

        assert text_of(pieces) == "größer 🙂"
        assert provider.requests[0].body == {
            "model": "test-model",
            "messages": HI,
            **({"stream": True} if way.endswith("stream") else {}),
        }


@pytest.mark.parametrize("way", WAYS)
async def test_a_router_answers_in_all_four_ways(way):
    with serving_provider("hello there", chunk_chars=2) as provider:
        router, asked = routed(provider, temperature=0.5)

        assert text_of(await ask(way, asked, router)) == "hello there"
        assert provider.requests[0].body["temperature"] == 0.5
        assert provider.violations == []


@pytest.mark.parametrize("way", ["acompletion", "astream"])
async def test_everything_that_litellm_is_given_goes_along(way):
    sent = {
        "temperature": 0,
        "top_p": 0.5,
        "max_tokens": 7,
        "n": 1,
        "stop": ["x"],
        "seed": 3,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logit_bias": {"1": 2},
        "user": "somebody",
        "tools": [ADD],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "response_format": {"type": "json_object"},
    }
    more = {"extra_headers": {"X-Trace": "7"}, "extra_body": {"metadata": {"a": "b"}}, "timeout": 5}
    with serving_provider("fine") as provider:
        await ask(way, at(provider, **sent, **more))

        body, headers = provider.requests[0].body, provider.requests[0].headers
        assert {name: body[name] for name in sent} == sent
        assert set(body) == {*sent, "model", "messages", "metadata", *(["stream"] if way == "astream" else [])}
        assert headers["x-trace"] == "7"


async def test_types_of_pydantic_and_replies_of_litellm_are_sent_as_json():
    class Answer(pydantic.BaseModel):
        number: int

    with serving_provider(calls(call("add", a=1), text="so"), '{"number": 3}') as provider:
        (first,) = await ask("acompletion", at(provider, tools=[ADD]))
        said = first.choices[0].message
        told = [*HI, said, {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "3"}]
        await ask("acompletion", at(provider, messages=told, response_format=Answer))

        body = provider.requests[1].body
        assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 1}'}
        assert body["response_format"]["json_schema"]["name"] == "Answer"


@pytest.mark.parametrize("way", WAYS)
async def test_calls_usage_reasoning_and_the_reason_to_end_come_back(way):
    asked_for = (call("add", a=1), call("add", a=2))
    reply = Reply("so", asked_for, Usage(11, 5), finish_reason="tool_calls", reasoning="hm")
    options = {"stream_options": {"include_usage": True}} if way.endswith("stream") else {}
    with serving_provider(reply, chunk_chars=3) as provider:
        pieces = await ask(way, at(provider, tools=[ADD], **options))

    whole = litellm.stream_chunk_builder(pieces, messages=HI) if way.endswith("stream") else pieces[0]
    message = whole.choices[0].message
    assert message.content == "so"
    assert [one.function.arguments for one in message.tool_calls] == ['{"a": 1}', '{"a": 2}']
    assert len({one.id for one in message.tool_calls}) == 2
    assert whole.choices[0].finish_reason == "tool_calls"
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (11, 5)


async def test_reasoning_comes_back_apart_from_the_text():
    message = b'{"choices": [{"index": 0, "message": {"content": "so", "reasoning_content": "hm"}}]}'
    with serving_provider(Garbage(message, "application/json"), Reply("so", reasoning="hm")) as provider:
        (whole,) = await ask("acompletion", at(provider))
        pieces = await ask("astream", at(provider))

    for reply in (whole, litellm.stream_chunk_builder(pieces)):
        assert (reply.choices[0].message.content, reply.choices[0].message.reasoning_content) == ("so", "hm")


@pytest.mark.parametrize("way", WAYS)
async def test_a_reply_that_was_cut_says_so(way):
    with serving_provider(Reply("so far", finish_reason="length")) as provider:
        pieces = await ask(way, at(provider))

    assert pieces[-1].choices[0].finish_reason == "length"


# Streams


@pytest.mark.parametrize("through", ["litellm", "router"])
async def test_a_piece_arrives_before_the_next_one_is_sent(through):
    async def gated(_asked):
        return slow(0, "abcdef", each_s=0.1)

    with serving_provider(gated, chunk_chars=1) as provider:
        source, asked = routed(provider) if through == "router" else (litellm, at(provider))
        started = time.monotonic()
        stream = await source.acompletion(**asked, stream=True)
        arrived = [time.monotonic() - started async for piece in stream if piece.choices[0].delta.content]

    assert len(arrived) == 6
    assert arrived[-1] - arrived[0] > 0.35
    assert arrived[0] < 0.5 * arrived[-1]


@pytest.mark.parametrize("through", ["litellm", "router"])
async def test_closing_a_stream_is_seen_by_the_server(through):
    with serving_provider(endless("on ")) as provider:
        source, asked = routed(provider) if through == "router" else (litellm, at(provider))
        stream = await source.acompletion(**asked, stream=True)
        await anext(stream)
        await stream.aclose()

        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


def test_closing_a_stream_that_is_waited_for_is_seen_by_the_server():
    with serving_provider(endless("on ")) as provider:
        stream = litellm.completion(**at(provider), stream=True)
        next(stream)
        stream.close()

        assert provider.requests[0].ended.wait(1)
        assert provider.requests[0].outcome == "left"


@pytest.mark.parametrize("way", ["acompletion", "astream"])
async def test_cancelling_is_seen_by_the_server(way):
    with serving_provider(slow(30, "late")) as provider:
        task = asyncio.create_task(ask(way, at(provider)))
        assert await asyncio.to_thread(until, lambda: provider.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


# Where it asks, and with which key


@pytest.mark.parametrize("ending", ["", "/", "/v1", "/v1/"])
async def test_the_base_may_end_in_v1_or_not(ending):
    with serving_provider("fine") as provider:
        base = provider.url.removesuffix("/v1") + ending

        assert text_of(await ask("acompletion", at(provider, api_base=base))) == "fine"


async def test_base_and_key_come_from_the_environment_where_none_are_given(monkeypatch):
    with serving_provider("one", "two", key="env-key") as provider:
        monkeypatch.setenv("CODEX_AGENT_API_BASE", provider.url)
        monkeypatch.setenv("CODEX_AGENT_API_KEY", "env-key")

        assert text_of(await ask("acompletion", {"model": "codex-agent/test-model", "messages": HI})) == "one"
        assert text_of(await ask("acompletion", at(provider, api_base=None, api_key=""))) == "two"


async def test_without_a_key_none_is_sent():
    with serving_provider("fine") as provider:
        error = await failing("acompletion", at(provider, api_key=""))

        assert isinstance(error, litellm.AuthenticationError)
        assert "authorization" not in provider.requests[0].headers


@pytest.mark.parametrize("way", WAYS)
async def test_without_a_base_the_error_names_both_places_for_it(way):
    error = await failing(way, {"model": "codex-agent/mini", "messages": HI})

    assert isinstance(error, litellm.BadRequestError)
    assert "give api_base, or set CODEX_AGENT_API_BASE" in str(error)


@pytest.mark.parametrize("base", BAD_BASES)
async def test_what_is_no_address_is_refused_before_anything_is_sent(base):
    error = await failing("acompletion", {"model": "codex-agent/mini", "messages": HI, "api_base": base})

    assert isinstance(error, litellm.BadRequestError)
    assert "is no URL to ask at" in str(error)
    assert "pass-word" not in str(error)


# The switch


@pytest.mark.parametrize("way", WAYS)
async def test_switched_off_the_error_names_the_flag(way):
    disable_codex_agent()
    offer_codex_agent()

    error = await failing(way, {"model": "codex-agent/mini", "messages": HI, "api_base": "http://127.0.0.1:9"})

    assert isinstance(error, litellm.BadRequestError)
    assert "LITELLM_ENABLE_CODEX_AGENT=1" in str(error)


async def test_the_flag_switches_it_on(monkeypatch):
    disable_codex_agent()
    offer_codex_agent()
    monkeypatch.setenv("LITELLM_ENABLE_CODEX_AGENT", "1")

    with serving_provider("fine") as provider:
        assert text_of(await ask("acompletion", at(provider))) == "fine"


def test_switching_it_on_twice_enters_it_once_and_leaves_others_alone(monkeypatch):
    other = {"provider": "another", "custom_handler": litellm.CustomLLM()}
    monkeypatch.setattr(litellm, "custom_provider_map", [other])

    enable_codex_agent()
    enable_codex_agent()
    names = [entry["provider"] for entry in litellm.custom_provider_map]
    disable_codex_agent()

    assert names == ["another", "codex-agent", "codex_cli_agent"]
    assert litellm.custom_provider_map == [other]


# What fails


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "fault", [RateLimited(2), ServerError(500, 2), ServerError(503, 2)], ids=lambda f: type(f).__name__
)
async def test_what_fails_for_a_moment_is_sent_again(way, fault):
    with serving_provider(fault, "fine") as provider:
        assert text_of(await ask(way, at(provider))) == "fine"
        assert len(provider.requests) == 3


@pytest.mark.parametrize("way", ["completion", "astream"])
async def test_a_router_does_the_retries_itself_so_that_none_is_done_twice(way):
    with serving_provider(ServerError(503, 99)) as provider:
        router, asked = routed(provider)
        await failing(way, {**asked, "num_retries": 1}, router)

        assert len(provider.requests) == 2


@pytest.mark.parametrize(("retries", "requests"), [("0", 1), ("4", 5)])
async def test_the_environment_says_how_often(monkeypatch, retries, requests):
    monkeypatch.setenv("CODEX_AGENT_MAX_RETRIES", retries)
    with serving_provider(ServerError(503, 99)) as provider:
        await failing("acompletion", at(provider))

        assert len(provider.requests) == requests


async def test_max_retries_of_the_call_wins():
    with serving_provider(ServerError(503, 99)) as provider:
        await failing("acompletion", at(provider, max_retries=1))

        assert len(provider.requests) == 2


async def test_pauses_double_up_to_the_longest(monkeypatch):
    monkeypatch.setenv("CODEX_AGENT_MAX_RETRIES", "4")
    monkeypatch.setenv("CODEX_AGENT_RETRY_BASE_MS", "50")
    monkeypatch.setenv("CODEX_AGENT_MAX_BACKOFF_MS", "100")
    with serving_provider(ServerError(503, 99)) as provider:
        await failing("acompletion", at(provider))

        times = [request.at_s for request in provider.requests]
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses[0] > 0.035
    assert all(0.07 < pause < 0.4 for pause in pauses[1:])


async def test_the_servers_own_pause_is_kept_within_the_longest(monkeypatch):
    monkeypatch.setenv("CODEX_AGENT_MAX_BACKOFF_MS", "500")
    with serving_provider(RateLimited(1, retry_after=0.3), "fine") as provider:
        assert text_of(await ask("acompletion", at(provider))) == "fine"

        first, second = provider.requests
        assert second.at_s - first.at_s >= 0.3


async def test_a_server_that_asks_for_a_longer_pause_is_not_asked_again():
    with serving_provider(RateLimited(9, retry_after=60)) as provider:
        error = await failing("acompletion", at(provider))

        assert isinstance(error, litellm.RateLimitError)
        assert error.litellm_response_headers["retry-after"] == "60"
        assert len(provider.requests) == 1


async def test_a_number_that_is_none_is_refused_by_its_name(monkeypatch):
    monkeypatch.setenv("CODEX_AGENT_MAX_RETRIES", "often")
    error = await failing(
        "acompletion", {"model": "codex-agent/mini", "messages": HI, "api_base": "http://127.0.0.1:9"}
    )

    assert isinstance(error, litellm.BadRequestError)
    assert "CODEX_AGENT_MAX_RETRIES is 'often'" in str(error)


KINDS = {
    400: litellm.BadRequestError,
    403: litellm.PermissionDeniedError,
    404: litellm.NotFoundError,
    422: litellm.BadRequestError,
    500: litellm.InternalServerError,
    503: litellm.ServiceUnavailableError,
    504: litellm.Timeout,
    508: litellm.APIError,
}


@pytest.mark.parametrize("status", KINDS)
@pytest.mark.parametrize("way", ["acompletion", "astream"])
async def test_a_refusal_is_litellms_own_error_with_the_servers_words(status, way):
    body = b'{"ok": false, "error": {"message": "not like this", "hint": "do that"}}'
    with serving_provider(ServerError(status, 3, body=body)) as provider:
        error = await failing(way, at(provider))

        assert type(error) is KINDS[status]
        assert "not like this (do that)" in str(error)
        assert len(provider.requests) == (3 if status in {500, 503, 504} else 1)


async def test_too_long_a_conversation_has_the_error_that_routers_fall_back_on():
    body = b'{"error": {"message": "This model\'s maximum context length is 10 tokens", "code": "context_length_exceeded"}}'
    with serving_provider(ServerError(400, body=body)) as provider:
        assert isinstance(await failing("acompletion", at(provider)), litellm.ContextWindowExceededError)


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize(
    ("line", "words"),
    [
        (breaks_off("half of it"), "codex-agent|127.0.0.1"),
        (Garbage(), "is no JSON"),
        (Garbage(b"data: [1]\n\n"), "not an object"),
        (Garbage(b"<html>here is no agent</html>", "text/html"), "ended before its end"),
        (Garbage(b'data: {"error": {"message": "it broke"}}\n\n'), "it broke"),
        (
            Garbage(b'data: {"choices": [{"index": 0, "delta": {"content": "ab"}}]}\n\ndata: [DONE]\n\n'),
            "before its end",
        ),
    ],
    ids=["breaks off", "no JSON", "no object", "a page", "an error", "no end"],
)
async def test_a_stream_without_an_end_is_an_error_never_a_made_up_end(way, line, words):
    with serving_provider(line) as provider:
        error = await failing(way, at(provider))

    assert isinstance(error, openai.APIError)
    assert re.search(words, str(error))


@pytest.mark.parametrize("way", ["completion", "acompletion"])
@pytest.mark.parametrize("data", [b"<html></html>", b"[]", b'{"choices": []}', b'{"choices": [7]}', b""])
async def test_what_is_no_reply_is_an_error_that_says_where_it_came_from(way, data):
    with serving_provider(answer=Garbage(data, "application/json")) as provider:
        error = await failing(way, at(provider))

        assert isinstance(error, litellm.BadGatewayError)
        assert f"no usable reply from {provider.url}/chat/completions" in str(error)


async def test_where_nobody_listens_the_error_says_so():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for way in WAYS:
            error = await failing(way, {"model": "codex-agent/mini", "messages": HI, "api_base": base})

            assert isinstance(error, litellm.APIConnectionError)
            assert f"{base}/v1/chat/completions" in str(error)


def read_request(connection):
    """Return a request, body and all, which comes after its head."""
    data = b""
    while b'"messages"' not in data:
        data += connection.recv(100_000)
    return data


@contextlib.contextmanager
def answering_raw(*answers):
    """Answer one connection after another with raw bytes, and give the URL and the connections' requests."""
    requests = []

    def serve():
        for data in answers:
            connection, _ = listener.accept()
            with connection:
                requests.append(read_request(connection))
                connection.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", requests
        thread.join(5)
        assert not thread.is_alive()


@contextlib.contextmanager
def answering_on_one_connection(*answers):
    """Answer request after request of the first connection with raw bytes; no other one is ever accepted."""

    def serve():
        connection, _ = listener.accept()
        with connection:
            for data in answers:
                read_request(connection)
                connection.sendall(data)
            connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread.join(6)


def kept_open(body):
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def whole_answer(body, status="200 OK", more=""):
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{more}\r\n{body}".encode()


FINE_BODY = '{"choices": [{"index": 0, "message": {"content": "fine"}, "finish_reason": "stop"}]}'
FINE = whole_answer(FINE_BODY)


@pytest.mark.parametrize("way", ["completion", "acompletion"])
async def test_a_connection_that_is_dropped_without_an_answer_is_opened_again(way):
    with answering_raw(b"", b"", FINE) as (base, requests):
        assert text_of(await ask(way, {"model": "codex-agent/m", "messages": HI, "api_base": base})) == "fine"
        assert len(requests) == 3


async def test_a_redirect_is_not_followed_with_the_key():
    answer = whole_answer("", "307 Temporary Redirect", "location: http://127.0.0.1:9/elsewhere\r\n")
    with answering_raw(answer) as (base, _):
        asked = {"model": "codex-agent/m", "messages": HI, "api_base": base, "api_key": "secret-key"}
        error = await failing("acompletion", asked)

    assert "redirects to http://127.0.0.1:9/elsewhere" in str(error)


async def test_a_time_limit_is_litellms_own_and_is_not_waited_for_again():
    with serving_provider(slow(30, "late")) as provider:
        error = await failing("acompletion", at(provider, timeout=0.3))

        assert isinstance(error, litellm.Timeout)
        assert len(provider.requests) == 1


async def test_a_router_passes_its_time_limit_on():
    with serving_provider(slow(30, "late")) as provider:
        router, asked = routed(provider)
        started = time.monotonic()
        error = await failing("acompletion", {**asked, "timeout": 0.3, "num_retries": 0}, router)

    assert isinstance(error, litellm.Timeout)
    assert time.monotonic() - started < 3


async def test_a_router_falls_back_to_another_deployment():
    with serving_provider(ServerError(503, 99)) as down, serving_provider("here") as up:
        deployments = [
            {"model_name": name, "litellm_params": {k: v for k, v in at(server).items() if k != "messages"}}
            for name, server in (("first", down), ("second", up))
        ]
        router = litellm.Router(deployments, fallbacks=[{"first": ["second"]}], num_retries=0)
        for way in ("acompletion", "astream"):
            up.say("here")
            assert text_of(await ask(way, {"model": "first", "messages": HI}, router)) == "here"


# Agents that ask agents


@pytest.mark.parametrize("way", WAYS)
async def test_the_agents_on_the_way_are_told(way):
    token = via.set(("a1", "b2"))
    try:
        with serving_provider(answer="fine") as provider:
            router, asked = routed(provider)
            await ask(way, at(provider, extra_headers={"X-Liteagent-Via": ""}))
            await ask(way, asked, router)

            assert [request.headers["x-liteagent-via"] for request in provider.requests] == ["a1,b2"] * 2
    finally:
        via.reset(token)


@pytest.mark.parametrize("more", [{}, {"drop_params": True}], ids=["directly", "through litellm"])
async def test_an_openai_compatible_server_of_ones_own_is_told_too(more):
    token = via.set(("a1",))
    try:
        with serving_provider("fine") as provider:
            settings = {"api_base": provider.url, "api_key": provider.key, "extra_headers": {"x-trace": "7"}, **more}
            model = make_model("openai/test-model", settings)
            _ = [delta async for delta in model.stream(Transcript.of("hi"), (), {})]

            headers = provider.requests[0].headers
            assert (headers["x-liteagent-via"], headers["x-trace"]) == ("a1", "7")
    finally:
        via.reset(token)


async def test_a_users_own_question_names_no_agents():
    with serving_provider("fine") as provider:
        await ask("acompletion", at(provider))

        assert "x-liteagent-via" not in provider.requests[0].headers


# The connections


async def test_many_questions_at_once_are_all_answered_over_one_client():
    with serving_provider(answer="fine") as provider:
        replies = await asyncio.gather(*(ask("acompletion", at(provider)) for _ in range(40)))

        assert [text_of(pieces) for pieces in replies] == ["fine"] * 40


async def test_questions_one_after_another_share_a_connection():
    piece = '{"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]}'
    stream = kept_open(f"data: {piece}\n\ndata: [DONE]\n\n")
    with answering_on_one_connection(stream, kept_open(FINE_BODY), stream) as base:
        asked = {"model": "codex-agent/m", "messages": HI, "api_base": base, "timeout": 5}

        texts = [text_of(await ask(way, asked)) for way in ("astream", "acompletion", "astream")]

    assert texts == ["fine"] * 3


async def test_a_server_that_does_not_end_its_answer_is_not_waited_for():
    piece = '{"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]}'
    unended = f"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\ndata: {piece}\n\ndata: [DONE]\n\n".encode()
    for way in ("stream", "astream"):
        with answering_on_one_connection(unended) as base:
            async with asyncio.timeout(5):
                assert text_of(await ask(way, {"model": "codex-agent/m", "messages": HI, "api_base": base})) == "fine"


def test_the_client_is_closed_with_its_loop():
    clients = []

    async def one_question():
        clients.append(await loops_client())
        with serving_provider("fine") as provider:
            assert text_of(await ask("astream", at(provider))) == "fine"
        assert await loops_client() is clients[-1]

    for _ in range(2):
        with asyncio.Runner() as runner:
            runner.run(one_question())

    assert clients[0] is not clients[1]
    assert [client.is_closed for client in clients] == [True, True]


# Our own agent


def test_our_agent_asks_it_with_tools(monkeypatch):
    disable_codex_agent()
    monkeypatch.setenv("LITELLM_ENABLE_CODEX_AGENT", "1")
    with serving_provider(call("research_echo", query="x"), "done") as provider:
        config = AgentConfig(
            model="codex-agent/test-model", completion_kwargs={"api_base": provider.url, "api_key": provider.key}
        )
        run = run_mcp_mini_agent("go", cfg=config)

        assert (run.stopped_reason, run.final_answer) == ("success", "done")
        assert [call.name for call in run.tool_invocations] == ["research_echo"]
        assert provider.violations == []


async def test_our_agent_reads_its_errors_and_shows_no_key():
    with serving_provider("fine", key="the-right-key") as provider:
        model = make_model("codex-agent/test-model", {"api_base": provider.url, "api_key": "the-wrong-key"})
        with pytest.raises(ModelError) as caught:
            _ = [delta async for delta in model.stream(Transcript.of("hi"), (), {})]

    assert "status 401" in str(caught.value)
    assert "the-wrong-key" not in str(caught.value)
    assert "CODEX_AGENT_API_KEY" in caught.value.hint


def test_our_agent_says_what_is_missing_before_anything_is_sent():
    disable_codex_agent()
    with pytest.raises(ConfigError) as off:
        make_model("codex-agent/mini")
    enable_codex_agent()
    with pytest.raises(ConfigError) as homeless:
        make_model("codex_cli_agent/mini")

    assert "LITELLM_ENABLE_CODEX_AGENT=1" in off.value.hint
    assert "api_base" in homeless.value.hint
    assert "CODEX_AGENT_API_BASE" in homeless.value.hint
