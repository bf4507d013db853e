"""How a cassette is written: what is read back is what was recorded, and people can read it, too."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liteagent_nb.cassettes.layout import read_tracks, written_tracks
from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.cassettes.requests import Request, model_request, tool_request
from liteagent_nb.cassettes.streams import Piece, read_stream, written_stream
from liteagent_nb.cassettes.tracks import Track, Tracks
from liteagent_nb.core.chat import Price, Transcript, Usage
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.streaming import CallDelta, Delta
from liteagent_nb.core.tools import Tool

MASK = Mask()
texts = st.text(st.sampled_from("ab \n|{}\"'é🙂\\"), max_size=8)
calls = st.builds(CallDelta, st.none() | st.integers(0, 2), st.sampled_from(["", "c1", "c2"]), texts, texts)
usages = st.builds(Usage, st.integers(0, 9), st.integers(0, 9), st.none() | st.sampled_from([0.0, 0.25]), st.booleans())
deltas = st.one_of(
    st.builds(Delta, text=texts),
    st.builds(Delta, reasoning=texts),
    st.builds(Delta, calls=st.tuples(calls)),
    st.builds(
        Delta,
        text=texts,
        reasoning=texts,
        calls=st.lists(calls, max_size=2).map(tuple),
        usage=st.none() | usages,
        finish_reason=st.sampled_from(["", "stop"]),
        model=st.sampled_from(["", "m"]),
    ),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.sampled_from(["|", "||", ""]), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def in_file(stream):
    """Return the parts of a stream as they come out of a file."""
    return json.loads(json.dumps(stream))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(deltas, st.integers(0, 999))))
def test_a_stream_comes_back_piece_by_piece_with_its_times(sent):
    pieces = [Piece(delta, ms) for delta, ms in sent]

    back = list(read_stream(in_file(written_stream(pieces, MASK))))

    assert [(p.delta.text, p.delta.reasoning, p.delta.calls, p.delta.usage, p.delta.finish_reason, p.delta.model) for p in back] == [
        (d.text, d.reasoning, d.calls, d.usage, d.finish_reason, d.model) for d, _ in sent
    ]  # fmt: skip
    assert [p.ms for p in back] == [ms for _, ms in sent]
    assert all(p.delta.is_replayed for p in back)


def test_pieces_of_one_kind_are_one_readable_text():
    stream = written_stream([Piece(Delta(text="It is"), 40), Piece(Delta(text=" 42."), 3), Piece(Delta(finish_reason="stop"), 1)], MASK)  # fmt: skip

    assert stream == [{"text": "It is 42.", "pieces": "5 4", "ms": "40 3"}, {"finish_reason": "stop", "ms": 1}]


def test_a_masked_text_comes_in_one_piece():
    pieces = [Piece(Delta(text="key sk-abcd"), 5), Piece(Delta(text="efghijkl."), 6)]

    assert written_stream(pieces, MASK) == [{"text": "key ***.", "ms": 11}]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["tool", "execution"]), texts, st.dictionaries(texts, json_values, max_size=3), json_values)))  # fmt: skip
def test_whatever_was_asked_and_came_is_read_back(asked):
    tracks = Tracks()
    for kind, name, content, take in asked:
        tracks.record(Request(kind, name, {"arguments": content}), {"result": take})

    back = read_tracks(written_tracks(tracks), source="x")

    assert [(t.request.key, t.takes) for t in back] == [(t.request.key, t.takes) for t in tracks]


def conversation(*texts):
    roles = ["user", "assistant"] * len(texts)
    return Transcript(tuple({"role": role, "content": text} for role, text in zip(roles, texts, strict=False)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "two\nlines"]), min_size=1, max_size=4), max_size=5))
def test_questions_that_go_on_from_others_are_read_back_whole(asked):
    tracks = Tracks(prices={"m": Price(1e-6, 2e-6), "n": None})
    for texts in asked:
        tracks.record(
            model_request("m", conversation(*texts), [Tool("t")], {"temperature": 0}, mask=MASK), {"stream": []}
        )

    back = read_tracks(written_tracks(tracks), source="x")

    assert [t.request for t in back] == [t.request for t in tracks]
    assert back.prices == tracks.prices


def test_what_was_said_before_and_the_tools_stand_in_the_file_once():
    tracks = Tracks()
    for texts in (["the task"], ["the task", "the answer", "and then?"]):
        tracks.record(model_request("m", conversation(*texts), [Tool("shout")], {}, mask=MASK), {"stream": []})

    text = written_tracks(tracks)

    assert text.count('"the task"') == 1
    assert text.count('"shout"') == 1


def test_a_line_of_text_is_a_line_of_the_file():
    tracks = Tracks()
    tracks.record(tool_request("exec_python", {"code": "a = 1\nprint(a)\n"}, mask=MASK), {"ok": True, "stdout": "1\n"})

    lines = [line.strip() for line in written_tracks(tracks).splitlines()]

    assert '"a = 1",' in lines
    assert '"print(a)",' in lines


def test_half_a_character_gets_into_a_file_and_out_again(tmp_path):
    tracks = Tracks()
    tracks.record(tool_request("t", {"s": "\ud800"}, mask=MASK), {"ok": True, "stdout": "\udfff"})
    (tmp_path / "c").write_text(written_tracks(tracks), encoding="utf-8")

    (track,) = read_tracks((tmp_path / "c").read_text(encoding="utf-8"), source="c")

    assert (track.request.content, track.takes) == ({"arguments": {"s": "\ud800"}}, [{"ok": True, "stdout": "\udfff"}])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"liteagent_cassette": 1}', "\0", '{"liteagent_cassette": 1, "prices": {}, "tools": {}, "tracks": [{}]}',
     '{"liteagent_cassette": 1, "prices": {}, "tools": {}, "tracks": [{"kind": "model", "continues": "gone"}]}'],
)  # fmt: skip
def test_a_file_that_is_no_cassette_is_refused_with_a_remedy(text):
    with pytest.raises(ConfigError, match=r"x\.json is no cassette") as caught:
        read_tracks(text, source="x.json")

    assert "version control" in caught.value.hint


def test_a_format_of_the_future_is_refused():
    with pytest.raises(ConfigError, match="format 99"):
        read_tracks('{"liteagent_cassette": 99}', source="x.json")


def test_the_order_of_keys_does_not_count():
    one = Transcript.of([{"role": "assistant", "tool_calls": [_call('{"a": 1, "b": 2}')]}, _answer])
    other = Transcript.of([{"tool_calls": [_call('{"b":2,"a":1}')], "role": "assistant"}, _answer])
    a = model_request("m", one, [], {"temperature": 0, "top_p": 1}, mask=MASK)
    b = model_request("m", other, [], {"top_p": 1, "temperature": 0}, mask=MASK)

    assert a.key == b.key


_answer = {"role": "tool", "tool_call_id": "1", "content": "x"}


def _call(arguments):
    return {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}


@pytest.mark.parametrize(
    ("changed", "differs"),
    [
        ({"api_key": "k"}, False),
        ({"api_base": "http://127.0.0.1:1"}, False),
        ({"extra_headers": {"X": "1"}}, False),
        ({"timeout": 3}, False),
        ({"aws_secret_access_key": "k"}, False),
        ({"temperature": 0.5}, True),
        ({"max_tokens": 5}, True),
        ({"seed": 1}, True),
        ({"response_format": {"type": "json_object"}}, True),
    ],
)
def test_what_shapes_the_answer_counts_and_how_it_is_sent_does_not(changed, differs):
    plain = model_request("m", Transcript.of("hi"), [], {}, mask=MASK)
    other = model_request("m", Transcript.of("hi"), [], changed, mask=MASK)

    assert (plain.key != other.key) == differs


def test_the_tools_on_offer_count():
    with_tool = model_request("m", Transcript.of("hi"), [Tool("t")], {}, mask=MASK)
    renamed = model_request("m", Transcript.of("hi"), [Tool("u")], {}, mask=MASK)

    assert len({with_tool.key, renamed.key, model_request("m", Transcript.of("hi"), [], {}, mask=MASK).key}) == 3


def test_an_object_in_the_settings_goes_by_its_type():
    class Shape:
        pass

    keys = {model_request("m", Transcript.of("hi"), [], {"x": Shape()}, mask=MASK).key for _ in range(2)}

    assert len(keys) == 1


def test_tracks_keep_their_place_when_they_are_recorded_anew():
    first, second = (tool_request("t", {"n": n}, mask=MASK) for n in (1, 2))
    tracks = Tracks([Track(first, [{"ok": True}]), Track(second, [{"ok": True}])])

    tracks.record(first, {"ok": False})

    assert [(t.request.content["arguments"]["n"], t.takes) for t in tracks] == [
        (1, [{"ok": False}]),
        (2, [{"ok": True}]),
    ]
