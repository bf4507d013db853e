"""A run as OpenAI's chat API says it, without a server: reasons to end, chunks, limits of a request, kinds of values."""

from __future__ import annotations

import asyncio
import json

import pytest

from liteagent_nb.core.chat import Reply, ToolCall, Transcript, Usage
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, ModelError, UnknownModel
from liteagent_nb.core.steps import ReasoningDelta, Run, Step, StepDone, TextDelta
from liteagent_nb.services.agent_frames import AgentFrames
from liteagent_nb.services.answers import Refusal, failure_of
from liteagent_nb.services.client_tools import ClientTools
from liteagent_nb.services.config_fields import CONFIG_KINDS, read_config
from liteagent_nb.services.event_stream import EventStream
from liteagent_nb.services.hiding import hiding
from liteagent_nb.services.kinds import WHOLE, above, or_null
from liteagent_nb.services.openai_frames import ChatFrames
from liteagent_nb.services.openai_requests import read_chat
from liteagent_nb.services.openai_shape import Head, completion_json, finish_reason, openai_shape

TOOL = {"type": "function", "function": {"name": "weather"}}
CALL = ToolCall("call_1", "weather", '{"city": "Rome"')
HEAD = Head("chatcmpl-1", 1_700_000_000, "parrot")


def asked(**more):
    body = {"messages": [{"role": "user", "content": "hi"}], **more}
    return read_chat(json.dumps(body).encode(), AgentConfig(max_iterations=8))


def run(reply="Hello.", *, stopped="success", source="model", **more):
    reply = Reply(text=reply) if isinstance(reply, str) else reply
    answer = more.pop("answer", reply.text)
    return Run(answer, stopped, Transcript(), (Step(reply, is_final=True),), source, **more)


def chunks(sent):
    blocks = [block.removeprefix(b"data: ") for block in sent.strip().split(b"\n\n")]
    return [json.loads(block) if block != b"[DONE]" else "DONE" for block in blocks]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (run(), "stop"),
        (run(Reply(text="Hel", finish_reason="length")), "length"),
        (run(Reply(text="", finish_reason="content_filter")), "content_filter"),
        (run(Reply(text="Hello.", finish_reason="eos")), "stop"),
        (run(stopped="max_iterations"), "length"),
        (run(stopped="budget"), "length"),
        (run(stopped="stagnation"), "length"),
        (Run("", "budget", Transcript()), "length"),
    ],
)
def test_a_limit_of_ours_is_never_told_as_the_models_own_end(ended, reason):
    assert finish_reason(ended, asked().task) == reason


def test_calls_of_the_clients_tools_are_handed_back_as_the_model_wrote_them():
    ended = run(Reply(text="I look.", tool_calls=(CALL,)), stopped="max_iterations")

    choice = completion_json(ended, HEAD, asked(tools=[TOOL]).task)["choices"][0]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "I look."
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Rome"'}


def test_calls_of_our_own_tools_are_not_the_clients_business():
    ended = run(Reply(tool_calls=(CALL,)), stopped="max_iterations", source="tool", answer="42")

    choice = completion_json(ended, HEAD, asked().task)["choices"][0]

    assert "tool_calls" not in choice["message"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("42", "length")


def test_every_chunk_is_whole_json_with_the_same_head():
    frames = ChatFrames(asked(stream=True, stream_options={"include_usage": True}), HEAD)

    sent = frames.event(ReasoningDelta("hm")) + frames.event(TextDelta('a "b"\n\n')) + frames.event(TextDelta("|é😀"))
    sent += frames.ending(run(Reply(text="x", usage=Usage(7, 3))))

    *told, done = chunks(sent)
    assert done == "DONE"
    assert {(chunk["id"], chunk["model"], chunk["object"]) for chunk in told} == {
        ("chatcmpl-1", "parrot", "chat.completion.chunk")
    }
    deltas = [chunk["choices"][0]["delta"] for chunk in told if chunk["choices"]]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "hm"},
        {"content": 'a "b"\n\n'},
        {"content": "|é😀"},
        {},
    ]
    assert [chunk["usage"] for chunk in told[:-1]] == [None] * 5
    assert told[-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def test_an_empty_answer_has_its_role_and_its_end():
    told = chunks(ChatFrames(asked(), HEAD).ending(run("")))

    assert told[0]["choices"][0]["delta"]["role"] == "assistant"
    assert told[-2]["choices"][0]["finish_reason"] == "stop"


def test_steps_are_kept_apart_and_an_answer_of_a_tool_comes_last():
    frames = ChatFrames(asked(), HEAD)
    step = StepDone(Step(Reply(text="I look.", tool_calls=(CALL,))))

    sent = frames.event(TextDelta("I look.")) + frames.event(step)
    sent += frames.ending(run("", stopped="max_iterations", source="tool", answer="42"))

    texts = [chunk["choices"][0]["delta"].get("content") for chunk in chunks(sent)[:-1]]
    assert texts == ["", "I look.", "\n\n42", None]


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (UnknownModel("no"), 404, "invalid_request_error"),
        (ConfigError("no"), 400, "invalid_request_error"),
        (ModelError("no", status=401), 502, "server_error"),
        (ModelError("no", status=429), 502, "server_error"),
        (ModelError("no", status=400), 400, "invalid_request_error"),
        (ModelError("no", status=404), 404, "invalid_request_error"),
        (ModelError("no", status=408), 504, "server_error"),
        (ModelError("no"), 502, "server_error"),
        (ZeroDivisionError("inside"), 500, "server_error"),
        (Refusal(429, "TooBusy", "no"), 429, "rate_limit_error"),
    ],
)
def test_each_failure_has_its_status_and_openais_word(error, status, kind):
    failure = failure_of(error)

    said = openai_shape(failure)["error"]
    assert (failure.status, said["type"]) == (status, kind)
    assert "inside" not in said["message"]


def test_a_client_with_tools_is_asked_once_and_without_them_the_agent_goes_on():
    with_tools, without = asked(tools=[TOOL]).task, asked().task

    assert (with_tools.backend, with_tools.config.max_iterations, with_tools.config.max_tools_per_iter) == (
        "client",
        1,
        0,
    )
    assert (without.backend, without.config.max_iterations) == ("local", 8)


def test_null_is_as_good_as_left_out():
    task = asked(temperature=None, tools=None, n=None, stream=None, tool_choice=None).task

    assert task.config.completion_kwargs == {}
    assert task.backend == "local"


async def test_nobody_here_runs_the_clients_tools():
    observation = await ClientTools(()).call_tool("weather", {}, timeout_s=1)

    assert not observation.ok


def test_every_field_of_the_config_is_read_and_keeps_its_value():
    said = {"shell_allow_prefixes": ["echo", "ls"], "max_iterations": 5, "use_tools": None, "temperature": 0.5}

    assert read_config(said) == AgentConfig(
        shell_allow_prefixes=("echo", "ls"), max_iterations=5, use_tools=None, temperature=0.5
    )
    assert set(CONFIG_KINDS) == set(AgentConfig.__dataclass_fields__)


@pytest.mark.parametrize(
    ("value", "fits"), [(3, True), (3.0, True), (3.5, False), (True, False), ("3", False), (None, True), (0, False)]
)
def test_a_whole_number_is_one_whatever_json_writes_it_like(value, fits):
    kind = or_null(above(WHOLE, 1, with_bound=True))

    assert kind.fits(value) is fits
    if fits and value is not None:
        assert type(kind.read(value)) is int


def test_secrets_are_hidden_word_by_word_and_short_words_are_left_alone():
    hidden = hiding(["Bearer secret-token", 'with "quotes"', "short"])

    sent = hidden(json.dumps({"a": "secret-token", "b": 'it is with "quotes"', "c": "Bearer short"}).encode())

    assert json.loads(sent) == {"a": "***", "b": "it is ***", "c": "Bearer short"}


async def streamed(frames, work, **more):
    """Return what a client that stays is sent, and whether the work was cancelled."""
    stream, sent = EventStream(work, frames, **more), []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message.get("body", b""))

    await stream.begin()
    await stream({}, receive, send)
    return b"".join(sent)


async def test_an_answer_is_never_sent_with_a_hole_in_it():
    async def flooding(watch):
        for _ in range(100):
            watch(TextDelta("x" * 100))
        await asyncio.sleep(30)
        return run()

    sent = await streamed(ChatFrames(asked(), HEAD), flooding, max_waiting_bytes=5000)

    assert chunks(sent)[-1]["error"]["code"] == "SlowReader"


async def test_a_run_whose_events_are_lost_is_told_whole_at_its_end():
    async def flooding(watch):
        for _ in range(100):
            watch(TextDelta("x" * 100))
        return run("All of it.")

    sent = (await streamed(AgentFrames(lambda sent: sent), flooding, max_waiting_bytes=5000)).decode()

    assert "event: dropped\ndata: " in sent
    assert sent.rstrip().splitlines()[-2] == "event: RunDone"
    assert "All of it." in sent


async def test_a_client_that_takes_nothing_any_more_is_taken_for_gone():
    ended = asyncio.Event()

    async def endless(watch):
        try:
            while True:
                watch(TextDelta("x"))
                await asyncio.sleep(0.001)
        finally:
            ended.set()

    async def receive():
        await asyncio.Event().wait()

    async def stuck(message):
        if message.get("body"):
            await asyncio.Event().wait()

    stream = EventStream(endless, ChatFrames(asked(), HEAD), stalled_after_s=0.05)
    await stream.begin()
    async with asyncio.timeout(5):
        await stream({}, receive, stuck)

    assert ended.is_set()


async def test_what_comes_close_together_is_sent_together():
    async def burst(watch):
        for _ in range(10):
            watch(TextDelta("x"))
            await asyncio.sleep(0)
        return run("x" * 10)

    sent = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message.get("body", b""))

    stream = EventStream(burst, ChatFrames(asked(), HEAD), pause_s=0.02)
    await stream.begin()
    await stream({}, receive, send)

    assert len([piece for piece in sent if piece]) <= 2
    assert b"".join(sent).count(b'{"content":"x"}') + b"".join(sent).count(b'{"content": "x"}') == 10
