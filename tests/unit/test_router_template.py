"""A template knows the events that differ from one in their words alone, and says their words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liteagent_nb.models.router_core.template import template_of


def chunk(content="Hel", *, delta=(), choice=(), **more):
    delta = {"content": content, **dict(delta)}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **dict(choice)}
    return {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def event(told, **how):
    return f"data: {json.dumps(told, **how)}".encode()


@given(first=st.text(min_size=1), second=st.text(min_size=1), is_ascii=st.booleans(), is_tight=st.booleans())
def test_the_words_are_those_that_the_json_has(first, second, is_ascii, is_tight):
    how = {"ensure_ascii": is_ascii, "separators": (",", ":") if is_tight else None}

    template = template_of(event(chunk(first), **how))

    assert template.words_of(event(chunk(second), **how)) == [second]


@pytest.mark.parametrize("where", ["first", "last"])
def test_a_word_that_is_new_in_each_event_is_one_of_its_own(where):
    def padded(content, padding):
        told = chunk(content)
        return event({"obfuscation": padding, **told} if where == "first" else {**told, "obfuscation": padding})

    template = template_of(padded("Hel", "x7"))

    assert template.extras == ("obfuscation",)
    assert template.words_of(padded("lo", "")) == ["lo", ""]


@pytest.mark.parametrize(
    "other",
    [
        event(chunk("")),
        event(chunk("lo", choice={"finish_reason": "stop"})),
        event(chunk("lo", choice={"index": 1})),
        event(chunk("lo", choice={"logprobs": {"content": []}})),
        event(chunk("lo", delta={"reasoning_content": "hm"})),
        event(chunk("lo", usage={"prompt_tokens": 1})),
        event({**chunk("lo"), "id": "b"}),
        event(chunk("lo")) + b"\n: a comment",
        b"event: said\n" + event(chunk("lo")),
        event(chunk("lo")).replace(b"lo", b"l\xff"),
        event(chunk("lo")).replace(b"lo", b"l\to"),
        event(chunk("lo")).replace(b"lo", rb"l\o"),
        event(chunk("lo")).replace(b'"lo"', b'"lo", "content": "or so"'),
        b"data: [DONE]",
        b"",
    ],
)
def test_any_other_event_is_none_of_it(other):
    assert template_of(event(chunk())).words_of(other) is None


@pytest.mark.parametrize(
    "odd",
    [
        chunk(""),
        chunk(None),
        chunk(["Hel"]),
        chunk(choice={"finish_reason": "stop"}),
        chunk(choice={"delta": None}),
        chunk(usage={"prompt_tokens": 1}),
        chunk(error="boom"),
        {**chunk(), "choices": []},
        {**chunk(), "choices": chunk()["choices"] * 2},
        {"content": "elsewhere", **chunk()},
        ["Hel"],
        None,
    ],
)
def test_of_an_event_with_more_in_it_there_is_no_template(odd):
    assert template_of(event(odd)) is None


@pytest.mark.parametrize("raw", [b"data: {no", b": a comment", b"data: \xff", b"retry: 1", b"data: [DONE]"])
def test_of_what_is_no_json_there_is_none(raw):
    assert template_of(raw) is None
