"""Events come out whole, whatever the bytes are cut into."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liteagent_nb.models.direct.sse import EventReader


def read(*blocks):
    reader = EventReader()
    return [data.decode() for block in blocks for data in reader.feed(block)]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_end_of_line_will_do(newline):
    text = "data: a\n\ndata: b\ndata: c\n\n".replace("\n", newline)

    assert read(text.encode()) == ["a", "b\nc"]


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (": a comment\n\ndata: a\n\n", ["a"]),
        ("event: ping\n\nretry: 10\n\nid: 3\n\ndata: a\n\n", ["a"]),
        ("event: said\ndata: a\nid: 3\n\n", ["a"]),
        ("data:a\n\ndata:  b\n\n", ["a", " b"]),
        ("data\n\ndata:\n\n", ["", ""]),
        ("\n\n\ndata: a\n\n\n\n", ["a"]),
        ("\ufeffdata: a\n\n", ["a"]),
        ("data: a: b\n\n", ["a: b"]),
        ("datum: a\n\n", []),
        ("data: a\n\ndata: never closed", ["a"]),
        ("data: a\n\ndata: never closed\n", ["a"]),
        ("", []),
    ],
)
def test_what_is_no_data_is_passed_over(text, events):
    assert read(text.encode()) == events


@given(
    data=st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=9), max_size=5),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 99), max_size=9),
)
def test_cuts_change_nothing(data, newline, cuts):
    raw = "".join(f": x{newline}data: {one}{newline * 2}" for one in data).encode()
    edges = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]

    blocks = [raw[start:end] for start, end in itertools.pairwise(edges)]

    assert read(*blocks) == data


def test_a_long_line_in_small_blocks_is_read_once():
    block = b"x" * 1000
    reader = EventReader()

    assert reader.feed(b"data: ") == []
    assert all(reader.feed(block) == [] for _ in range(20_000))
    assert len(reader.feed(b"\n\n")[0]) == 20_000_000
