from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import aclosing

import pytest

from liteagent_nb.core.chat import Price, Reply, Transcript, Usage
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.protocols import Model
from liteagent_nb.core.streaming import Delta, ReplyBuilder
from liteagent_nb.core.tools import Tool
from liteagent_nb.testing import ScriptedModel, breaks_off, call, calls, endless, slow

TASK = Transcript.of("add one and two")
ADD = Tool("add")


async def ask(model, transcript=TASK, tools=(), settings=None, builder=None):
    builder = builder or ReplyBuilder(model=model.name, started_s=0)
    async with aclosing(model.stream(transcript, tools, settings or {})) as deltas:
        async for delta in deltas:
            builder.add(delta, now_s=0)
    return builder.reply(usage=Usage())


async def test_replies_come_in_order_and_questions_are_remembered():
    model = ScriptedModel("one", "two")

    texts = [(await ask(model, tools=[ADD], settings={"temperature": 0})).text, (await ask(model)).text]

    assert texts == ["one", "two"]
    assert model.asked[0].text == "add one and two"
    assert model.asked[0].tools == (ADD,)
    assert model.asked[0].settings == {"temperature": 0}
    assert model.remaining == 0


async def test_it_is_a_model():
    assert isinstance(ScriptedModel(name="double"), Model)
    assert ScriptedModel(name="double").name == "double"


async def test_calls_get_ids_that_never_repeat():
    model = ScriptedModel(call("add", a=1), calls(call("add", a=2), call("add", a=3), text="and now"))

    first, second = await ask(model), await ask(model)

    ids = [one.id for one in (*first.tool_calls, *second.tool_calls)]
    assert len(set(ids)) == 3
    assert first.finish_reason == "tool_calls"
    assert [one.arguments for one in second.tool_calls] == ['{"a": 2}', '{"a": 3}']
    assert second.text == "and now"


async def test_arguments_may_be_broken_on_purpose():
    model = ScriptedModel(call("add", '{"a": '))

    assert (await ask(model)).tool_calls[0].arguments == '{"a": '


async def test_text_and_arguments_can_be_cut():
    reply = calls(call("add", a=1), text="häppchen")
    pieces = [delta async for delta in ScriptedModel(reply, chunk_chars=3).stream(TASK, (), {})]

    assert [piece.text for piece in pieces if piece.text] == ["häp", "pch", "en"]
    assert (await ask(ScriptedModel(reply, chunk_chars=1))).tool_calls[0].arguments == '{"a": 1}'


async def test_a_whole_reply_a_list_of_pieces_and_a_function_are_replies_too():
    async def echo(asked):
        return f"you said: {asked.text}"

    model = ScriptedModel(Reply(text="a", reasoning="why"), [Delta(text="b"), Delta(text="c")], echo)

    replies = [await ask(model) for _ in range(3)]

    assert [reply.text for reply in replies] == ["a", "bc", "you said: add one and two"]
    assert replies[0].reasoning == "why"


async def test_usage_is_priced():
    model = ScriptedModel(Reply(text="a", usage=Usage(10, 5)), price=Price(0.1, 1.0))

    assert (await ask(model)).usage.cost_usd == pytest.approx(6.0)


async def test_an_exception_in_the_script_is_raised():
    with pytest.raises(ModelError, match="down"):
        await ask(ScriptedModel(ModelError("down", status=503)))


async def test_running_out_of_replies_says_what_to_do():
    model = ScriptedModel("only one")
    await ask(model)

    with pytest.raises(ModelError, match="script of 1") as caught:
        await ask(model)

    assert "one more reply" in caught.value.hint


@pytest.mark.parametrize(
    ("messages", "tools"),
    [
        ([{"role": "user", "content": "x"}, {"role": "tool", "tool_call_id": "a", "content": "3"}], []),
        ([{"role": "user", "content": "x"}], [Tool("no good")]),
    ],
)
async def test_what_a_provider_would_refuse_is_refused(messages, tools):
    model = ScriptedModel("never said")

    with pytest.raises(ModelError) as caught:
        await ask(model, Transcript.of(messages), tools)

    assert caught.value.status == 400
    assert len(model.asked) == 1


async def test_the_check_can_be_switched_off():
    assert (await ask(ScriptedModel("fine", strict=False), Transcript())).text == "fine"


async def test_breaking_off_keeps_what_came():
    builder = ReplyBuilder(model="", started_s=0)

    with pytest.raises(ModelError, match="broke off"):
        await ask(ScriptedModel(breaks_off("half"), chunk_chars=2), builder=builder)

    assert builder.reply(usage=Usage()).text == "half"


async def test_a_slow_reply_takes_its_time():
    started = time.monotonic()

    reply = await ask(ScriptedModel(slow(0.05, "late", each_s=0.01)))

    assert reply.text == "late"
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize("line", [slow(60, "late"), endless("on "), slow(0, "x" * 10_000, each_s=60)])
async def test_it_can_be_cancelled_at_any_moment(line):
    task = asyncio.create_task(ask(ScriptedModel(line, chunk_chars=1)))
    await asyncio.sleep(0.03)
    started = time.monotonic()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - started < 0.5


def test_the_doubles_load_no_web_server():
    code = "import sys, liteagent_nb.testing; print({'uvicorn', 'starlette', 'litellm', 'IPython'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
