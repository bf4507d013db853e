from __future__ import annotations

import json
from types import SimpleNamespace as Obj

import pytest

from liteagent_nb.core.chat import Price, Reply, ToolCall, Transcript, Usage, text_of
from liteagent_nb.core.mending import mended
from liteagent_nb.core.streaming import CallDelta, Delta, ReplyBuilder
from liteagent_nb.core.text import clean, shorten
from liteagent_nb.testing.validator import check_request


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        (None, ""),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "ab"),
        ([{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "b"}], "b"),
        ({"answer": 42}, '{"answer": 42}'),
        ({"type": "text", "text": "a"}, "a"),
        (7, "7"),
    ],
)
def test_content_may_be_text_parts_nothing_or_json(content, text):
    assert text_of(content) == text


def test_json_mode_content_is_kept_as_json_text():
    talk = Transcript.of([{"role": "user", "content": "?"}, {"role": "assistant", "content": {"answer": 42}}])

    assert json.loads(str(talk.messages[1]["content"])) == {"answer": 42}


@pytest.mark.parametrize("arguments", ['{"x": 1}', {"x": 1}])
@pytest.mark.parametrize("as_object", [True, False])
def test_tool_calls_may_be_objects_or_mappings_and_their_arguments_text_or_mappings(arguments, as_object):
    function = {"name": "f", "arguments": arguments}
    call = Obj(id="c1", function=Obj(**function)) if as_object else {"id": "c1", "function": function}

    assert ToolCall.read(call) == ToolCall("c1", "f", '{"x": 1}')


def test_messages_may_be_sdk_objects():
    call = Obj(id="c1", function=Obj(name="f", arguments="{}"))
    talk = Transcript.of([Obj(role="user", content="hi"), Obj(role="assistant", content=None, tool_calls=[call])])

    assert talk.messages[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}


def test_an_empty_list_of_calls_is_left_out():
    talk = Transcript.of([{"role": "assistant", "content": "hi", "tool_calls": []}])

    assert "tool_calls" not in talk.messages[0]


def test_broken_arguments_are_sent_back_as_an_empty_object():
    assert ToolCall("c", "f", "{oops").to_message()["function"] == {"name": "f", "arguments": "{}"}


def test_arguments_with_nan_are_no_json_and_sent_back_as_an_empty_object():
    assert ToolCall("c", "f", '{"x": NaN}').to_message()["function"] == {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    ("written", "sent"),
    [("functions.good", "functions_good"), ("größe", "gr__e"), ("", "_"), ("x" * 70, "x" * 64), ("\ud800", "_")],
)
def test_a_name_that_no_tool_can_have_is_sent_back_as_one_that_it_could(written, sent):
    assert ToolCall("c", written).to_message()["function"]["name"] == sent


def test_one_unknown_cost_makes_the_sum_unknown():
    assert (Usage(1, 2, 0.5) + Usage(1, 2, None)).cost_usd is None
    assert (Usage(1, 2, 0.5) + Usage(3, 4, 0.25)) == Usage(4, 6, 0.75)
    assert Price(0.5, 1.0).of(2, 3) == 4.0


def built(*deltas):
    builder = ReplyBuilder(model="m", started_s=10.0)
    for seconds, delta in enumerate(deltas, start=11):
        builder.add(delta, now_s=float(seconds))
    return builder.reply(usage=Usage(1, 1))


def test_text_comes_together_and_times_are_measured():
    reply = built(
        Delta(model="m2"), Delta(text="he"), Delta(text="llo"), Delta(usage=Usage(3, 4), finish_reason="stop")
    )

    assert (reply.text, reply.ttft_ms, reply.total_ms) == ("hello", 2000.0, 4000.0)
    assert (reply.model, reply.usage, reply.finish_reason) == ("m2", Usage(3, 4), "stop")


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(
            [CallDelta(0, "a", "f", '{"x"'), CallDelta(0, "", "", ":1}"), CallDelta(1, "b", "g", "{}")], id="by index"
        ),
        pytest.param(
            [CallDelta(None, "a", "f", '{"x"'), CallDelta(None, "a", "", ":1}"), CallDelta(None, "b", "g", "{}")],
            id="by id",
        ),
        pytest.param(
            [CallDelta(0, "a", "f", '{"x"'), CallDelta(0, "a", "f", ":1}"), CallDelta(0, "b", "g", "{}")],
            id="every index 0",
        ),
        pytest.param(
            [CallDelta(None, "", "f", '{"x"'), CallDelta(None, "", "", ":1}"), CallDelta(None, "", "g", "{}")],
            id="neither",
        ),
        pytest.param(
            [CallDelta(0, "a", "f", ""), CallDelta(1, "b", "g", "{}"), CallDelta(0, "", "", '{"x":1}')],
            id="interleaved",
        ),
    ],
)
def test_calls_come_together_by_id_first_and_index_second(pieces):
    reply = built(*(Delta(calls=(piece,)) for piece in pieces))

    assert [(c.name, c.arguments) for c in reply.tool_calls] == [("f", '{"x":1}'), ("g", "{}")]
    assert len({c.id for c in reply.tool_calls}) == 2
    assert reply.finish_reason == "tool_calls"


def test_two_calls_that_a_server_glued_together_are_taken_apart():
    reply = built(Delta(calls=(CallDelta(0, "a", "f", '{"x":1}{"x":2}'),)))

    assert [c.arguments for c in reply.tool_calls] == ['{"x":1}', '{"x":2}']
    assert len({c.id for c in reply.tool_calls}) == 2


def test_a_repeated_id_is_made_unique():
    reply = built(Delta(calls=(CallDelta(0, "a", "f", '{"x":1}{"x":2}'), CallDelta(1, "b", "g", "{}"))))

    check_request(
        [
            {"role": "user", "content": "?"},
            Reply(tool_calls=reply.tool_calls).to_message(),
            *({"role": "tool", "tool_call_id": c.id, "content": ""} for c in reply.tool_calls),
        ],
        None,
    )


def test_a_transcript_from_elsewhere_is_mended():
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    broken = Transcript(
        (
            {"role": "user", "content": "a"},
            {"role": "tool", "tool_call_id": "ghost", "content": "orphan"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "assistant", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": "b"},
        )
    )

    fixed = mended(broken)

    check_request(list(fixed), None)
    assert [m["role"] for m in fixed] == ["user", "assistant", "tool", "assistant", "user"]
    assert fixed.messages[3]["content"] == "one\n\ntwo"


def test_a_sound_transcript_is_left_alone():
    talk = Transcript.of("hi").extended([{"role": "assistant", "content": "hello"}, {"role": "user", "content": "?"}])

    assert mended(talk) == talk


def test_text_is_shortened_in_the_middle_and_says_how_long_it_was():
    short = shorten("a" * 500 + "b" * 500, 200)

    assert len(short) == 200
    assert short.startswith("aaa")
    assert short.endswith("bbb")
    assert "1000 characters" in short


def test_what_no_provider_takes_is_replaced():
    assert clean("ok \ud800 \0 \N{GRINNING FACE}") == "ok \ufffd \ufffd \N{GRINNING FACE}"


def test_the_halves_of_an_emoji_that_came_apart_are_joined_and_a_lone_half_is_replaced():
    reply = built(
        Delta(text="hi \ud83d", reasoning="\ud800"),
        Delta(text="\ude00", calls=(CallDelta(0, "c", "f", '{"a": "\ud800"}'),)),
    )

    assert reply.text == "hi \N{GRINNING FACE}"
    assert reply.reasoning == "\ufffd"
    assert reply.tool_calls[0].arguments == '{"a": "\ufffd"}'
