from __future__ import annotations

import pytest

from liteagent_nb.core.chat import Reply, ToolCall, Transcript
from liteagent_nb.core.tools import Tool
from liteagent_nb.testing import ProtocolViolation, check_request

USER = {"role": "user", "content": "hi"}
PICTURE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
SYSTEM = {"role": "system", "content": "be brief"}


def wish(*ids, name="add", arguments="{}"):
    entries = [{"id": i, "type": "function", "function": {"name": name, "arguments": arguments}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": entries}


def answer(call_id, content="3"):
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def tool(name="add", **function):
    return {"type": "function", "function": {"name": name, **function}}


def nested(depth):
    thing = {"type": "object"}
    for _ in range(depth):
        thing = {"a": thing}
    return thing


@pytest.mark.parametrize(
    "messages",
    [
        [USER],
        [SYSTEM, {"role": "developer", "content": "x"}, USER],
        [USER, wish("a"), answer("a")],
        [USER, wish("a", "b"), answer("b"), answer("a")],
        [USER, wish("a"), answer("a"), wish("a"), answer("a")],
        [USER, {"role": "assistant", "content": "3"}, USER],
        [USER, USER],
        [USER, wish("a"), answer("a", ""), USER],
        [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}],
    ],
)
def test_what_providers_accept_passes(messages):
    check_request(messages, [tool(parameters={"type": "object", "properties": {"a": {}}, "required": ["a"]})])


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "not empty"),
        ("hi", "list"),
        ([USER, wish("a"), answer("a", [PICTURE])], "may only stand in a user message"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}], "address"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}], "address"),
        (None, "list"),
        (["hi"], "must be an object"),
        ([SYSTEM], "user message"),
        ([USER, SYSTEM], "at the start"),
        ([USER, {"role": "assistant", "content": "x"}], "last message"),
        ([USER, {"role": "assistant", "content": "x"}, {"role": "assistant", "content": "y"}, USER], "two assistant"),
        ([{"role": "robot", "content": "x"}], "robot"),
        ([{"role": ["user"], "content": "x"}], "role"),
        ([{"content": "x"}], "role"),
        ([{"role": "user"}], "null"),
        ([{"role": "user", "content": None}], "null"),
        ([{"role": "user", "content": {"a": 1}}], "parts"),
        ([{"role": "user", "content": 3}], "parts"),
        ([{"role": "user", "content": []}], "parts"),
        ([{"role": "user", "content": [{"type": "video"}]}], "known part"),
        ([{"role": "user", "content": ["x"]}], "known part"),
        ([{"role": "user", "content": [{"type": "text"}]}], "text"),
        ([{"role": "user", "content": "x", "surprise": 1}], "surprise"),
        ([{"role": "user", "content": "x", "tool_calls": []}], "tool_calls"),
        ([USER, {"role": "assistant", "content": None}, USER], "null"),
        ([USER, {"role": "assistant", "content": "x", "tool_calls": []}, USER], "not empty"),
        ([USER, answer("a")], "no open call"),
        ([USER, wish("a"), answer("b")], "no open call"),
        ([USER, wish("a"), answer("a"), answer("a")], "no open call"),
        ([USER, wish("a"), USER, answer("a")], "have no answer"),
        ([USER, wish("a", "b"), answer("a"), USER], "have no answer: b"),
        ([USER, wish("a", "b"), answer("a")], "have no answer: b"),
        ([USER, wish("a", "a"), answer("a"), answer("a")], "there twice"),
        ([USER, wish(""), answer("")], "missing"),
        ([USER, wish("a", name="no good"), answer("a")], "match"),
        ([USER, wish("a", name=""), answer("a")], "match"),
        ([USER, wish("a", name="x" * 65), answer("a")], "match"),
        ([USER, wish("a", name="add\n"), answer("a")], "match"),
        ([USER, wish("a", arguments="{"), answer("a")], "JSON object"),
        ([USER, wish("a", arguments="[1]"), answer("a")], "JSON object"),
        ([USER, wish("a", arguments='{"a": NaN}'), answer("a")], "JSON object"),
        ([USER, wish("a", arguments={"a": 1}), answer("a")], "JSON object"),
        ([{"role": "user", "content": "\ud800"}], "surrogate"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"x": float("nan")}}]}], "JSON"),
        ([{"role": "user", "content": object()}], "JSON"),
        ([nested(100_000)], "JSON"),
    ],
)
def test_what_providers_refuse_is_named(messages, words):
    with pytest.raises(ProtocolViolation, match=words):
        check_request(messages)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([], "leave it out"),
        ({}, "leave it out"),
        ([{"name": "add"}], "function"),
        ([tool("no good")], "match"),
        ([tool(), tool()], "there twice"),
        ([tool(description=3)], "description"),
        ([tool(hints={})], "hints"),
        ([tool(parameters={})], "schema"),
        ([tool(parameters={"type": "string"})], "schema"),
        ([tool(parameters={"type": "object", "properties": ["a"]})], "properties"),
        ([tool(parameters={"type": "object", "properties": {}, "required": ["a"]})], "required"),
        ([tool(parameters={"type": "object", "default": float("inf")})], "JSON"),
    ],
)
def test_tools_that_providers_refuse_are_named(tools, words):
    with pytest.raises(ProtocolViolation, match=words):
        check_request([USER], tools)


def test_what_the_core_writes_passes():
    reply = Reply(tool_calls=(ToolCall("a", "add", '{"broken'), ToolCall("b", "add")))
    transcript = Transcript.of("add").extended([reply.to_message(), answer("a"), answer("b")])

    check_request(list(transcript), [Tool("add").to_openai()])
