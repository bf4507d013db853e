from __future__ import annotations

import asyncio
import json
import threading
import time

import httpx
import openai
import pytest

from liteagent_nb.core.chat import Reply, Usage
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.streaming import CallDelta, Delta
from liteagent_nb.testing import breaks_off, call, calls, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError

USER = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


def official_client(provider, *, retries=0):
    return openai.OpenAI(base_url=provider.url, api_key="test-key", max_retries=retries)


def post(provider, *, key="test-key", **body):
    body = {"model": "test-model", "messages": USER, **body}
    return httpx.post(f"{provider.url}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"})


def events(response):
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_plain_answer_has_openais_shape():
    with serving_provider("hello") as provider:
        answer = post(provider).json()

        assert answer["choices"][0]["message"] == {"role": "assistant", "content": "hello"}
        assert answer["choices"][0]["finish_reason"] == "stop"
        assert answer["usage"]["total_tokens"] > 0
        assert provider.requests[0].body["messages"] == USER
        assert provider.requests[0].outcome == "done"
        assert provider.violations == []


def test_usage_is_in_the_last_chunk_only_where_it_was_asked_for():
    with serving_provider(answer="hello") as provider:
        without = events(post(provider, stream=True))
        told = events(post(provider, stream=True, stream_options={"include_usage": True}))

        assert not any("usage" in chunk for chunk in without)
        assert told[-1]["choices"] == []
        assert told[-1]["usage"]["completion_tokens"] == 1


def test_models_are_listed_and_need_the_key():
    with serving_provider(models=("a", "b")) as provider:
        headers = {"Authorization": "Bearer test-key"}
        listed = httpx.get(f"{provider.url}/models", headers=headers).json()

        assert [entry["id"] for entry in listed["data"]] == ["a", "b"]
        assert httpx.get(f"{provider.url}/models").status_code == 401


def test_a_wrong_key_is_refused_in_openais_shape():
    with serving_provider("hello") as provider:
        answer = post(provider, key="wrong")

        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"


def test_an_unknown_model_is_not_found():
    with serving_provider("hello") as provider:
        answer = post(provider, model="other")

        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "model_not_found"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"tools": []}, "tools"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": True}, "max_tokens"),
        ({"surprise": 1}, "surprise"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"messages": [*USER, {"role": "assistant", "content": "x"}]}, "last message"),
        ({"messages": [*USER, {"role": "tool", "content": "x", "tool_call_id": "1"}]}, "no open call"),
    ],
)
def test_what_real_providers_refuse_is_refused_and_recorded(body, words):
    with serving_provider("hello") as provider:
        answer = post(provider, **body)

        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]
        assert words in provider.violations[0]
        assert provider.requests[0].outcome == "refused"


def test_a_body_that_is_no_json_is_refused():
    with serving_provider("hello") as provider:
        headers = {"Authorization": "Bearer test-key"}
        answer = httpx.post(f"{provider.url}/chat/completions", content=b"{oops", headers=headers)

        assert answer.status_code == 400


def test_a_script_that_is_spent_says_so():
    with serving_provider() as provider:
        answer = post(provider)

        assert answer.status_code == 400
        assert "script" in answer.json()["error"]["message"]


def test_the_official_client_streams_text_tools_and_usage():
    reply = calls(call("add", a=1), call("add", a=2), text="Let me see: größer 🙂")
    with serving_provider(reply, chunk_chars=3, cut_bytes=5) as provider, official_client(provider) as client:
        stream = client.chat.completions.create(
            model="test-model", messages=USER, tools=[TOOL], stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    arguments = {0: "", 1: ""}
    for chunk in chunks:
        for piece in (chunk.choices and chunk.choices[0].delta.tool_calls) or []:
            arguments[piece.index] += piece.function.arguments or ""
    assert text == "Let me see: größer 🙂"
    assert arguments == {0: '{"a": 1}', 1: '{"a": 2}'}
    assert chunks[-1].usage.prompt_tokens > 0


def test_the_official_client_reads_a_whole_answer():
    with serving_provider(Reply(text="hello", usage=Usage(7, 2))) as provider, official_client(provider) as client:
        answer = client.chat.completions.create(model="test-model", messages=USER)

    assert answer.choices[0].message.content == "hello"
    assert answer.usage.total_tokens == 9


def test_the_official_client_waits_out_a_rate_limit():
    with (
        serving_provider(RateLimited(times=2, retry_after=0.01), "hello") as provider,
        official_client(provider, retries=2) as client,
    ):
        answer = client.chat.completions.create(model="test-model", messages=USER)

        assert answer.choices[0].message.content == "hello"
        assert len(provider.requests) == 3


def test_a_stream_that_breaks_off_has_no_end():
    with serving_provider(breaks_off("half an ans"), chunk_chars=4) as provider:
        with pytest.raises(httpx.RemoteProtocolError):
            post(provider, stream=True)

        assert provider.requests[0].outcome == "broken"


def test_errors_of_the_script_become_statuses():
    with serving_provider(ServerError(503), ModelError("no", status=418), ValueError("bug")) as provider:
        assert [post(provider).status_code for _ in range(3)] == [503, 418, 500]


def test_garbage_is_sent_as_it_stands():
    with serving_provider(Garbage(b"\xff\x00 nothing")) as provider:
        assert post(provider, stream=True).content == b"\xff\x00 nothing"


def test_calls_may_lack_their_index_and_be_glued():
    pieces = [Delta(calls=(CallDelta(None, "a", "add", '{"a": 1}{"a": 2}'),))]
    with serving_provider(pieces) as provider:
        delta = events(post(provider, stream=True))[0]["choices"][0]["delta"]

    assert delta["content"] is None
    assert delta["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}{"a": 2}'}}
    ]


def test_a_client_that_leaves_a_slow_answer_is_noticed():
    with serving_provider(slow(30, "late")) as provider:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{provider.url}/chat/completions",
                json={"model": "test-model", "messages": USER, "stream": True},
                headers={"Authorization": "Bearer test-key"},
                timeout=0.2,
            )

        assert provider.requests[0].ended.wait(1)
        assert provider.requests[0].outcome == "left"


def test_closing_ends_an_endless_stream_and_leaves_no_thread():
    threads = threading.active_count()
    failures = []

    def read(provider):
        try:
            post(provider, stream=True)
        except httpx.HTTPError as error:
            failures.append(error)

    started = time.monotonic()
    with serving_provider(endless("on and ")) as provider:
        reader = threading.Thread(target=read, args=(provider,))
        reader.start()
        while not provider.requests:
            time.sleep(0.01)
    reader.join()

    assert len(failures) == 1
    assert time.monotonic() - started < 2
    assert threading.active_count() == threads
    assert provider.requests[0].outcome == "broken"
    with pytest.raises(httpx.ConnectError):
        httpx.get(provider.url)


def test_ten_megabytes_of_text_arrive():
    with serving_provider("x" * 10_000_000, chunk_chars=100_000) as provider:
        chunks = events(post(provider, stream=True))

    assert sum(len(chunk["choices"][0]["delta"].get("content") or "") for chunk in chunks) == 10_000_000


async def test_a_hundred_requests_at_once_are_answered():
    limits = httpx.Limits(max_connections=None)
    with serving_provider(answer="hello") as provider:
        headers = {"Authorization": "Bearer test-key"}
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=20) as client:
            body = {"model": "test-model", "messages": USER, "stream": True}
            url = f"{provider.url}/chat/completions"
            answers = await asyncio.gather(*(client.post(url, json=body) for _ in range(100)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(provider.requests) == 100
