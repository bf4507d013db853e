from __future__ import annotations

import pytest

from liteagent_nb.core.chat import Transcript, text_of
from liteagent_nb.core.pruning import chars_of, prune
from liteagent_nb.testing.validator import check_request

TOOLS = None


def user(text):
    return {"role": "user", "content": text}


def step(number, output):
    call = {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"c{number}", "content": output},
    ]


def long_talk(steps=20, size=3000):
    messages = [{"role": "system", "content": "be brief"}, user("THE TASK")]
    for number in range(steps):
        messages += step(number, f"{number}:" + "x" * size)
    return Transcript(tuple(messages))


def pruned(transcript, *, messages=50, chars=16_000):
    return prune(transcript, max_messages=messages, max_chars=chars)


def test_what_fits_is_sent_as_it_is():
    talk = long_talk(steps=2, size=10)

    assert pruned(talk) == talk


def test_tool_output_is_shortened_with_its_size_before_anything_is_dropped():
    talk = long_talk(steps=8)

    sent = pruned(talk)

    assert len(sent) == len(talk)
    assert "3002 characters" in text_of(sent.messages[3]["content"])
    assert sent.messages[-1] == talk.messages[-1]
    assert chars_of(sent) <= 16_000


@pytest.mark.parametrize("messages", [1, 2, 3, 4, 5, 11, 40])
def test_the_task_and_the_last_pair_are_never_dropped_and_groups_stay_whole(messages):
    sent = pruned(long_talk(), messages=messages)

    assert sent.messages[1] == user("THE TASK")
    assert sent.messages[-1]["tool_call_id"] == "c19"
    assert len(sent) <= max(messages, 4)
    check_request([*sent, user("?")], TOOLS)


def test_the_latest_user_message_is_never_dropped():
    talk = Transcript((user("first"), *step(0, "a"), user("LATEST"), *step(1, "b"), *step(2, "c")))

    sent = pruned(talk, messages=4)

    assert user("LATEST") in sent.messages
    assert user("first") in sent.messages


def test_the_oldest_groups_are_dropped_first():
    sent = pruned(long_talk(steps=10, size=1), messages=6)

    assert [m["tool_call_id"] for m in sent if m["role"] == "tool"] == ["c8", "c9"]


def test_a_task_larger_than_the_budget_is_still_sent_whole():
    talk = Transcript((user("T" * 50_000), *step(0, "y" * 50_000)))

    sent = pruned(talk)

    assert sent.messages[0] == talk.messages[0]
    assert len(text_of(sent.messages[2]["content"])) < 1000


def test_an_empty_transcript_stays_empty():
    assert pruned(Transcript()) == Transcript()
