"""Both cores read the same bytes of a server: what the fast way makes of them, and when it is not taken."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.models.router_core import self_test
from liteagent_nb.models.router_core.making import usable
from liteagent_nb.models.router_core.metrics import StreamMetrics
from liteagent_nb.models.router_core.pieces import is_same_chunk, settled
from liteagent_nb.models.router_core.streams import ExtractedStream
from liteagent_nb.models.router_core.verified import VerifiedStream

WORDS = ["Hel", "lo", " there", ", wor", "ld"]
WARM = [{"role": "assistant", "content": ""}]


class Answer(self_test._Answer):
    def __init__(self, events, size):
        raw = b"".join(events)
        self.blocks = [raw[start : start + size] for start in range(0, len(raw), size)]

    async def aiter_bytes(self):
        for block in self.blocks:
            yield block


def opened(events, size=9999):
    stream = self_test._opened()
    stream.completion_stream.response = Answer(events, size)
    return stream


def said(*deltas, **more):
    return [self_test._event(delta if isinstance(delta, dict) else {"content": delta}, **more) for delta in deltas]


def read(stream, count):
    return [self_test._next_of(stream) for _ in range(count)]


def both(events, *, proven=None, size=9999):
    """Return the chunks of either core, and the metrics of ours."""
    metrics = StreamMetrics("extracted")
    ours = ExtractedStream(opened(events, size), metrics, set() if proven is None else proven)
    return read(ours, len(events)), read(opened(events, size), len(events)), metrics


def assert_same(ours, theirs):
    for mine, other in zip(ours, theirs, strict=True):
        other.id, other.created = mine.id, mine.created
        assert is_same_chunk(mine, other)


@pytest.mark.parametrize("size", [1, 7, 100, 9999])
def test_the_text_takes_the_fast_way_after_two_pieces_whatever_the_bytes_are_cut_into(size):
    ours, theirs, metrics = both(said(*WARM, *WORDS), size=size)

    assert_same(ours, theirs)
    assert (metrics.pieces, metrics.fast_pieces) == (6, 3)


def test_a_shape_that_was_proven_in_one_reply_is_known_in_the_next():
    proven = set()

    counts = [both(said(*WARM, *WORDS), proven=proven)[2].fast_pieces for _ in range(2)]

    assert counts == [3, 4]


def test_a_call_amid_the_text_goes_litellms_way_and_the_text_is_proven_again():
    call = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}]}

    ours, theirs, metrics = both(said(*WARM, *WORDS, call, *WORDS))

    assert_same(ours, theirs)
    assert metrics.fast_pieces == 3 + 4


async def read_into(chunks, stream):
    async for chunk in stream:
        chunks.append(chunk)


async def test_a_model_that_goes_round_in_circles_is_stopped_where_litellm_stops_it():
    events = said(*WARM, *WORDS, *["again"] * (2 * litellm.REPEATED_STREAMING_CHUNK_LIMIT))
    streams = [opened(events), ExtractedStream(opened(events), StreamMetrics("extracted"), set())]
    seen = [[], []]

    for chunks, stream in zip(seen, streams, strict=True):
        with pytest.raises(litellm.exceptions.MidStreamFallbackError, match="repeating the same chunk"):
            await read_into(chunks, stream)

    assert len(seen[0]) == len(seen[1]) > litellm.REPEATED_STREAMING_CHUNK_LIMIT


def test_chunks_share_nothing_that_their_reader_changes():
    ours, _, _ = both(said(*WARM, *WORDS))
    one, other = ours[-2:]

    one.choices[0].delta.content = "changed"
    one.choices[0].more = one._hidden_params["more"] = 1

    assert other.choices[0].delta.content == WORDS[-1]
    assert not hasattr(other.choices[0], "more")
    assert "more" not in other._hidden_params


def test_a_reply_put_together_of_merged_runs_is_that_of_all_pieces():
    ours, _, _ = both(said(*WARM, *WORDS, *WORDS))

    whole, of_merged = (litellm.stream_chunk_builder(chunks) for chunks in (ours, [ours[0], *settled(ours[1:])]))

    assert len(settled(ours[1:])) == 3
    assert of_merged.model_dump() == whole.model_dump()


def test_litellm_knows_of_the_fast_text_before_it_reads_on():
    events = said(*WARM, *WORDS, *WORDS, {"reasoning_content": "hm"})
    stream = ExtractedStream(opened(events), StreamMetrics("extracted"), set())

    chunks = read(stream, len(events))

    assert stream.response_uptil_now == "Hello there, world" * 2
    assert all(chunk is kept for chunk, kept in zip(chunks, stream._all_chunks, strict=True))
    assert len(stream.chunks) < len(chunks)


def test_where_every_chunk_is_another_litellm_reads_all():
    events = [json.dumps(json.loads(one[6:]) | {"created": n}) for n, one in enumerate(said(*WARM, *WORDS * 4))]

    ours, theirs, metrics = both([f"data: {event}\n\n".encode() for event in events])

    assert_same(ours, theirs)
    assert metrics.fast_pieces == 0


class Lying:
    """A fast way that loses a letter."""

    is_open = True

    def __init__(self, lane):
        self.lane = lane

    def take(self, event):
        chunk, text = self.lane.take(event) or (None, "")
        if chunk is None:
            return None
        chunk.choices[0].delta.content = text[:-1]
        return chunk, text

    def learn(self, event, chunk):
        self.lane.learn(event, chunk)


def test_verify_hands_out_litellms_chunks_and_tells_what_differs(caplog):
    metrics = StreamMetrics("verify")
    stream = VerifiedStream(opened(said(*WARM, *WORDS)), metrics, set())
    stream._lane = Lying(stream._lane)

    with caplog.at_level(logging.WARNING):
        chunks = read(stream, 1 + len(WORDS))

    assert [chunk.choices[0].delta.content for chunk in chunks[1:]] == WORDS
    assert len(metrics.differences) == 3
    assert [record.name for record in caplog.records] == ["liteagent_nb.models.router_core.verified"]


def test_verify_is_silent_where_nothing_differs():
    metrics = StreamMetrics("verify")

    chunks = read(VerifiedStream(opened(said(*WARM, *WORDS)), metrics, set()), 1 + len(WORDS))

    assert [chunk.choices[0].delta.content for chunk in chunks[1:]] == WORDS
    assert (metrics.fast_pieces, metrics.differences) == (3, ())


async def test_verify_is_silent_where_there_is_no_reply_at_all():
    metrics = StreamMetrics("verify")
    stream = VerifiedStream(opened([]), metrics, set())

    await read_into([], stream)

    assert litellm.stream_chunk_builder(stream.chunks) is None
    assert metrics.differences == ()


def test_verify_is_silent_where_the_reader_writes_into_the_pieces():
    metrics = StreamMetrics("verify")
    stream = VerifiedStream(opened(said(*WARM, *WORDS)), metrics, set())

    for _ in range(1 + len(WORDS)):
        self_test._next_of(stream).choices[0].delta.content += "!"
    stream._merge([])
    stream._compare_wholes()

    assert (metrics.fast_pieces, metrics.differences) == (3, ())


@pytest.mark.parametrize("written", [None, 5, []])
def test_a_run_that_its_reader_has_written_something_else_into_is_not_merged(written):
    ours, _, _ = both(said(*WARM, *WORDS, *WORDS))
    ours[3].choices[0].delta.content = written

    assert settled(ours[1:]) == ours[1:]


def test_a_litellm_that_is_not_as_expected_is_left_alone_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING):
        cores = [usable(core, why_not=lambda: "it moved") for core in ("extracted", "verify", "legacy")]

    assert cores == ["legacy"] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "the Router's core is legacy, not extracted: it moved"
    ]


def burst(pieces, answer=Answer):
    """Return a stream of ours of so many pieces, all of which are there already, and its answer."""
    events = said(*WARM, *[f"w{number} " for number in range(pieces)])
    stream = opened(events)
    stream.completion_stream.response = answer(events, 99_999)
    return ExtractedStream(stream, StreamMetrics("extracted"), set())


async def test_a_reply_that_is_all_there_gives_others_their_turn_in_between():
    turns, stream = [], burst(100)

    async def others():
        while True:
            turns.append(stream.metrics.pieces)
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    texts = [(await anext(stream)).choices[0].delta.content for _ in range(101)]
    other.cancel()

    assert "".join(texts) == "".join(f"w{number} " for number in range(100))
    assert len(turns) >= 3
    assert stream.metrics.fast_pieces == 98


def test_what_a_reader_writes_into_one_piece_is_in_no_other():
    stream = burst(5)
    *_, one, other = read(stream, 6)

    one.citations, one.usage, one.choices[0].delta.role = ["x"], {"total_tokens": 1}, "user"

    assert stream.metrics.fast_pieces == 3
    assert "usage" in one.model_fields_set
    assert "usage" not in other.model_fields_set
    assert (other.citations, other.choices[0].delta.role) == (None, None)


class Closed(Answer):
    is_closed = False

    async def aclose(self):
        self.is_closed = True


async def test_a_reader_that_is_cancelled_while_others_have_their_turn_leaves_no_connection():
    stream = burst(100, Closed)
    answer = stream.completion_stream.response

    async def read_all():
        while True:
            await anext(stream)

    reading = asyncio.create_task(read_all())
    await asyncio.sleep(0)  # it has begun, and waits for the others
    pieces = stream.metrics.pieces
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert 0 < pieces < 100
    assert answer.is_closed
