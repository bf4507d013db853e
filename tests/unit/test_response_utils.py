"""Reading responses of any shape."""

from __future__ import annotations

import json
from types import SimpleNamespace as Thing

import pandas as pd
import pytest

from liteagent_nb import assemble_stream_text, augment_json_with_cost, extract_content


def chat(content, **more):
    return {"choices": [{"message": {"role": "assistant", "content": content, **more}}]}


def chunk(text):
    return {"choices": [{"delta": {"content": text}}]}


SHAPES = {
    "a chat completion": (chat("hi"), "hi"),
    "a chat completion of an SDK": (Thing(choices=[Thing(message=Thing(content="hi"))]), "hi"),
    "a list of parts": (chat([{"type": "text", "text": "h"}, {"type": "text", "text": "i"}]), "hi"),
    "parts of an SDK": (Thing(choices=[Thing(message=Thing(content=[Thing(type="text", text="hi")]))]), "hi"),
    "a thought before the text": (chat([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "hi"}]), "hi"),
    "JSON-mode content": (chat({"sum": 4}), '{"sum": 4}'),
    "a tool call without text": (chat(None, tool_calls=[{"id": "1"}]), ""),
    "a refusal": (chat(None, refusal="I can't"), "I can't"),
    "a chunk": (chunk("hi"), "hi"),
    "a text completion": ({"choices": [{"text": "hi"}]}, "hi"),
    "the Responses API": (
        {
            "object": "response",
            "output": [
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "hi"}]},
            ],
        },
        "hi",
    ),
    "the Responses API of an SDK": (Thing(output_text="hi", output=[]), "hi"),
    "a message with parts": ({"type": "message", "content": [{"type": "text", "text": "hi"}]}, "hi"),
    "text": ("hi", "hi"),
    "None": (None, ""),
    "no choices": ({"choices": []}, ""),
    "nothing known": ({}, ""),
    "a missing value of pandas": (float("nan"), ""),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_text_is_found_in(shape):
    response, text = SHAPES[shape]

    assert extract_content(response) == text


def test_a_column_and_the_rows_of_a_frame_are_read():
    frame = pd.DataFrame([chat("one"), chat("two")])

    assert list(frame.apply(extract_content, axis=1)) == ["one", "two"]
    assert list(pd.Series([chat("one"), None]).map(extract_content)) == ["one", ""]


def test_a_sync_stream_is_assembled_at_once_and_closed():
    closed = []

    def pieces():
        try:
            yield from (chunk("a"), chunk(None), Thing(choices=[Thing(delta=Thing(content="b"))]), {"choices": []})
        finally:
            closed.append(True)

    assert assemble_stream_text(pieces()) == "ab"
    assert closed == [True]


async def test_an_async_stream_is_assembled_by_awaiting():
    async def pieces():
        for piece in (chunk("a"), chunk("b"), "c"):
            yield piece

    assert await assemble_stream_text(pieces()) == "abc"


async def test_a_broken_async_stream_is_closed_and_tells_its_error():
    closed = []

    async def pieces():
        try:
            yield chunk("a")
            raise ConnectionError("gone")
        finally:
            closed.append(True)

    with pytest.raises(ConnectionError, match="gone"):
        await assemble_stream_text(pieces())
    assert closed == [True]


def test_events_of_the_responses_api_count_once():
    events = [
        {"type": "response.created", "response": {"output": []}},
        {"type": "response.output_text.delta", "delta": "h"},
        {"type": "response.output_text.delta", "delta": "i"},
        {"type": "response.output_text.done", "text": "hi"},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "!"}},
    ]

    assert assemble_stream_text(events) == "hi!"


USED = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_a_json_answer_is_told_its_usage_cost_and_cache():
    response = Thing(usage=Thing(**USED), _hidden_params={"response_cost": 0.25, "cache_hit": True})

    told = json.loads(augment_json_with_cost('{"answer": "grün"}', response))

    assert told == {
        "answer": "grün",
        "metadata": {"token_usage": USED, "response_cost": 0.25, "cache_hit": True},
    }


def test_an_unknown_price_is_left_out_and_the_responses_api_counts_too():
    response = {"usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}, "_hidden_params": {}}

    assert json.loads(augment_json_with_cost("{}", response)) == {"metadata": {"token_usage": USED}}


@pytest.mark.parametrize(
    ("own", "name"),
    [({"page": 1}, "metadata"), ("page 1", "_metadata")],
)
def test_metadata_of_the_answer_itself_is_kept(own, name):
    told = json.loads(augment_json_with_cost(json.dumps({"metadata": own}), {"usage": USED}))

    assert told[name]["token_usage"] == USED
    assert told["metadata"] == own if name == "_metadata" else told["metadata"]["page"] == 1


@pytest.mark.parametrize("text", ["no JSON", "[1, 2]", "7", "", "[" * 100_000])
def test_what_is_no_json_object_comes_back_as_it_is(text):
    assert augment_json_with_cost(text, {"usage": USED}) == text


def test_a_response_without_anything_adds_empty_metadata():
    assert augment_json_with_cost("{}", None) == '{"metadata": {}}'
