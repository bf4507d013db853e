"""What the extracted core does not cover: litellm's own reads it, the stream says so, and nothing else differs."""

from __future__ import annotations

import asyncio
import functools
import json

import pytest
from router_cases import ASK_USAGE, FEW, FINE, OK, SPARE, SPARED, STALLED, TEXTS, WARM, refusal
from router_seen import Case, close_after, read_all
from scripted_wire import CUT, Answer
from sse_bytes import DONE, STOP, USAGE, call, say

from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.provider.codex_agent import disable_codex_agent, enable_codex_agent

pytestmark = pytest.mark.asyncio(loop_scope="module")
CORES = ("legacy", "extracted")


def told(kind, **more):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


ANTHROPIC = Answer((
    told("message_start", message={"id": "msg", "type": "message", "role": "assistant", "model": "claude", "content": [], "stop_reason": None, "usage": {"input_tokens": 5, "output_tokens": 1}}),
    told("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    *(told("content_block_delta", index=0, delta={"type": "text_delta", "text": text}) for text in ("hal", "lo")),
    told("content_block_stop", index=0),
    told("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 2}),
    told("message_stop"),
))  # fmt: skip
WHOLE = Answer(
    (json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": {"role": "assistant", "content": "hallo"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode(),),
    content_type="application/json",
)  # fmt: skip


async def take_whole(asking):
    asking.take(await asking.router.acompletion(**asking.request))


def spoken_by(model, answer=FINE, **more):
    return Case(model, {"m": answer}, deployments={"m": {"model": model}}, **more)


CASES = [
    spoken_by("anthropic/claude-sonnet-4-5", ANTHROPIC, core="legacy"),
    spoken_by("mine/parrot", core="legacy"),
    spoken_by("codex-agent/mini", core="legacy"),
    *(spoken_by(f"{name}/some-model", core="either") for name in ("hosted_vllm", "deepseek", "mistral", "together_ai", "groq")),
    Case("a whole reply", {"m": WHOLE}, asks={"stream": False}, reading=take_whole, core=""),
    Case("a made-up reply", {"m": FINE}, asks={"mock_response": "hallo"}, core="either"),
]  # fmt: skip


class Parrot(litellm.CustomLLM):
    """A provider of one's own."""

    async def astreaming(self, **asked):
        for number, text in enumerate(("hal", "lo", "")):
            reason = "" if text else "stop"
            yield {"text": text, "is_finished": not text, "finish_reason": reason, "index": number, "tool_use": None, "usage": None}  # fmt: skip


@pytest.fixture(scope="module")
def providers():
    entry = {"provider": "mine", "custom_handler": Parrot()}
    litellm.custom_provider_map.append(entry)
    enable_codex_agent()
    yield
    disable_codex_agent()
    litellm.custom_provider_map.remove(entry)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_is_not_covered_is_handed_over_and_said_so(theatre, providers, case):
    shown = (await theatre.play([case], CORES))[case.name]

    assert shown.differences == {"extracted": []}
    (asked,) = shown.seen["extracted"].asked
    assert asked.error is None
    assert (asked.metrics is None) == (case.core == "")
    if asked.metrics:
        assert case.core in (asked.metrics.core, "either")
        assert bool(asked.metrics.handed_over_why) == (asked.metrics.core == "legacy")


SOME = [
    Case("text", {"m": Answer((*WARM, STOP, USAGE, DONE))}),
    Case("text with usage", {"m": Answer((*WARM, STOP, USAGE, DONE))}, asks=ASK_USAGE),
    Case("a call", {"m": Answer((*WARM, call(0, "{}", id="a", name="add"), STOP, DONE))}),
    Case("a cut", {"m": Answer((*WARM, FEW, CUT))}),
    Case("a refusal", {"m": refusal(401)}),
    Case("a fallback", {"m": refusal(500), "spare": SPARED}, router=SPARE),
    Case("sync", {"m": Answer((*WARM, say("!"), STOP, USAGE, DONE))}, is_sync=True),
    Case("sync, cut", {"m": Answer((*WARM, FEW, CUT))}, is_sync=True),
]


async def test_functions_as_callbacks_are_told_the_same(theatre, monkeypatch):
    def note(name, kwargs, reply, start, end):
        theatre.recorder.note(name, {**kwargs, "litellm_params": kwargs.get("litellm_params") or {}}, reply)

    async def note_async(kwargs, reply, start, end):
        note("async function", kwargs, reply, start, end)

    def note_success(kwargs, reply, start, end):
        note("function", kwargs, reply, start, end)

    def note_failure(kwargs, reply, start, end):
        note("function of failures", kwargs, reply, start, end)

    monkeypatch.setattr(litellm, "success_callback", [note_success])
    monkeypatch.setattr(litellm, "_async_success_callback", [note_async])
    monkeypatch.setattr(litellm, "failure_callback", [note_failure])
    asked = [case for case in SOME if not case.is_sync]

    shown = await theatre.play(asked, CORES)

    assert {name: one.differences["extracted"] for name, one in shown.items()} == {case.name: [] for case in asked}
    names = {name for one in shown.values() for name, _ in one.seen["extracted"].events}
    assert {"async function", "function of failures"} <= names


async def test_where_nobody_listens_all_is_the_same_too(theatre, monkeypatch):
    monkeypatch.setattr(litellm, "callbacks", [one for one in litellm.callbacks if one is not theatre.recorder])
    for name in ("success_callback", "failure_callback", "_async_success_callback", "_async_failure_callback"):
        monkeypatch.setattr(litellm, name, [])

    shown = await theatre.play([*SOME, *TEXTS[:8]], CORES)

    assert {name: one.differences["extracted"] for name, one in shown.items() if one.differences["extracted"]} == {}
    assert shown["sync"].seen["extracted"].asked[0].metrics.core == "extracted"


async def test_a_reply_out_of_the_cache_is_the_same(theatre, monkeypatch):
    case = Case("cached", {"m": FINE}, router={"cache_responses": True}, asks={"caching": True}, times=2, reading=read_into_the_cache)  # fmt: skip
    told = []

    for core in CORES:
        monkeypatch.setattr(litellm, "cache", None)
        shown = (await theatre.play([case], [core]))["cached"].seen[core]
        told.append([[chunk.choices[0].delta.content for chunk in one.chunks] for one in shown.asked])
        assert len(shown.stage.asked) == 1

    assert told[0] == told[1]


async def read_into_the_cache(asking):
    await read_all(asking)
    async with asyncio.timeout(10):
        while not litellm.cache.cache.cache_dict:  # noqa: ASYNC110 - litellm tells nobody
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("core", [*CORES, "verify"])
async def test_a_loop_that_ends_with_a_call_in_flight_does_not_hang(theatre, core):
    seen = []

    def begin_and_end():
        with asyncio.Runner() as runner:
            runner.run(begin())

    async def begin():
        case = Case("in flight", {"m": STALLED}, reading=functools.partial(note_and_read, seen))
        asking = asyncio.create_task(theatre.play([case], [core]))
        while not (seen and seen[0].chunks):  # noqa: ASYNC110 - the reader is another's
            await asyncio.sleep(0.01)
        del asking

    async with asyncio.timeout(30):
        await asyncio.to_thread(begin_and_end)

    (asked,) = seen[0].stage.asked
    assert await asyncio.to_thread(asked.ended.wait, 10)
    assert asked.outcome == "left"


async def note_and_read(seen, asking):
    seen.append(asking)
    await read_all(asking)


@pytest.mark.parametrize("core", ["extracted", "verify"])
async def test_closing_a_stream_that_was_never_read_reaches_the_connection(theatre, core):
    """litellm's own leaves such a connection to the garbage collector, so that there is nothing to compare."""
    case = Case("unread", {"m": STALLED}, reading=close_after(0))

    seen = (await theatre.play([case], [core]))["unread"].seen[core]

    assert [one.outcome for one in seen.stage.asked] == ["left"]
    assert seen.asked[0].metrics.total_ms > 0


async def test_one_call_is_one_question_to_one_server(theatre):
    shown = await theatre.play([Case("one", {"m-1": Answer(OK), "m-2": Answer(OK)}, times=6)], CORES)

    for seen in shown["one"].seen.values():
        assert len(seen.stage.asked) == 6
