"""Chunks that are read by a template say the same as chunks that are parsed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liteagent_nb.core.streaming import CallDelta, Delta
from liteagent_nb.models.direct.chunks import BrokenStream, ChunkReader


def chunk(delta, reason=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return {"id": "x", "object": "chat.completion.chunk", "choices": [choice], **more}


def written(body, *, is_tight=False, ascii_only=True):
    separators = (",", ":") if is_tight else (", ", ": ")
    return json.dumps(body, separators=separators, ensure_ascii=ascii_only).encode()


def read(*bodies, **how):
    reader = ChunkReader()
    return [reader.read(written(body, **how)) for body in bodies]


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=8),
    is_tight=st.booleans(),
    ascii_only=st.booleans(),
)
def test_any_text_is_read_as_it_was_written(texts, is_tight, ascii_only):
    deltas = read(*[chunk({"content": text}) for text in texts], is_tight=is_tight, ascii_only=ascii_only)

    assert [delta.text for delta in deltas] == texts


@pytest.mark.parametrize(
    ("odd", "delta"),
    [
        (chunk({"content": "b"}, "length"), Delta("b", finish_reason="length")),
        (chunk({"content": None}), Delta()),
        (chunk({"content": "b", "reasoning_content": "so"}), Delta("b", reasoning="so")),
        (chunk({"content": ["b"]}), Delta("b")),
        (chunk({"content": "b", "tool_calls": [{"index": 1, "function": {"arguments": {"a": 1}}}]}),
         Delta("b", (CallDelta(1, arguments='{"a": 1}'),))),
        (chunk({"tool_calls": [{"index": 0, "id": "a"}]}), Delta()),
        ({"choices": []}, Delta()),
        ({}, Delta()),
    ],
)  # fmt: skip
def test_a_chunk_that_carries_more_is_parsed(odd, delta):
    first, second, third = read(chunk({"content": "a"}), odd, chunk({"content": "c"}))

    assert (first, second, third) == (Delta("a"), delta, Delta("c"))


def test_usage_is_kept_wherever_it_comes():
    reader = ChunkReader()
    for body in (chunk({"content": "a"}), chunk({"content": "b"}, usage={"prompt_tokens": 1}), chunk({"content": "c"})):
        reader.read(written(body))

    assert reader.usage == {"prompt_tokens": 1}


def test_a_key_that_comes_twice_is_no_template():
    twice = b'{"choices": [{"delta": {"content": "a", "content": "b"}}]}'
    reader = ChunkReader()

    assert [reader.read(twice), reader.read(twice)] == [Delta("b"), Delta("b")]


def test_text_that_looks_like_a_field_is_text():
    texts = ['"content": "x"', '"}}]}', "\\", '"', '", "finish_reason": "stop"}]}']

    assert [delta.text for delta in read(*[chunk({"content": text}) for text in texts])] == texts


def test_what_changes_in_every_chunk_is_not_learned_for_ever():
    bodies = [chunk({"content": "a"}, obfuscation="x" * number) for number in range(20)]

    assert [delta.text for delta in read(*bodies)] == ["a"] * 20


@pytest.mark.parametrize("broken", [b'{"choices": [{"delta": {"content": "a', b"{no", b'{"a": 1} more', b"\xff"])
def test_broken_json_is_an_error_after_a_template_too(broken):
    reader = ChunkReader()
    reader.read(written(chunk({"content": "a"})))

    with pytest.raises(ValueError, match=r"line 1|codec"):
        reader.read(broken)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "boom"}}, "boom"),
        ({"error": "boom"}, "An error occurred"),
        (chunk({}, "abort"), "aborted"),
        (chunk({}, "error"), "error"),
        ([1], "list"),
    ],
)
def test_what_the_server_says_of_its_failure_is_told(body, words):
    with pytest.raises(BrokenStream, match=words):
        read(body)
