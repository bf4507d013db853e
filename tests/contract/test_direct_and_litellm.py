"""A question asked directly and the same through litellm: reply, usage, cost, errors and request are the same."""

from __future__ import annotations

import asyncio
import email.utils
import json
import time
from contextlib import aclosing
from dataclasses import dataclass

import pytest

from liteagent_nb.core.chat import Reply, Transcript, Usage
from liteagent_nb.core.errors import LiteAgentError, ModelError
from liteagent_nb.core.streaming import CallDelta, Delta, ReplyBuilder
from liteagent_nb.core.tools import Tool
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.testing import breaks_off, call, calls, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError

# litellm reads every attribute of a chunk, two deprecated ones of pydantic's too.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

PATHS = {"direct": {}, "litellm": {"metadata": {"why": "a parameter of litellm's own"}}}
BY = {"direct": "liteagent_nb", "litellm": "AsyncOpenAI"}
ADD = Tool("add", "Add.", {"type": "object", "properties": {"a": {"type": "integer"}}})
TASK = Transcript.of("add one and two")
VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_API_BASE",
    "OPENAI_BASE_URL",
    "OPENAI_ORGANIZATION",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["direct", "litellm"])
def path(request):
    return request.param


@dataclass
class Outcome:
    reply: Reply
    error: tuple
    requests: list
    seconds: float

    @property
    def bodies(self):
        return [received.body for received in self.requests]


def model_at(provider, path, name="openai/gpt-4o-mini", **more):
    return LitellmModel(name, {"api_base": provider.url, "api_key": provider.key, **PATHS[path], **more})


async def ask(model, transcript=TASK, tools=(), settings=None):
    builder = ReplyBuilder(model="", started_s=0)
    error = ()
    try:
        async with aclosing(model.stream(transcript, tools, settings or {})) as deltas:
            async for delta in deltas:
                builder.add(delta, now_s=0)
    except LiteAgentError as raised:
        error = (type(raised), getattr(raised, "status", None), raised.hint, str(raised))
    return builder.reply(usage=Usage()), error


async def asked(path, *script, tools=(), settings=None, transcript=TASK, served=None, name="gpt-4o-mini", **more):
    """Ask a fresh provider that plays *script*, on one of the paths."""
    with serving_provider(*script, **{"models": (name,)} | (served or {})) as provider:
        started = time.monotonic()
        model = model_at(provider, path, f"openai/{name}", **({"num_retries": 0} | more))
        reply, error = await ask(model, transcript, tools, settings)
        assert all(BY[path] in received.headers["user-agent"] for received in provider.requests)
        return Outcome(reply, error, provider.requests, time.monotonic() - started)


async def both(*script, **how):
    """Ask the same on both paths; what came and what was sent must not differ."""
    direct, through = [await asked(path, *script, **how) for path in ("direct", "litellm")]
    assert direct.reply == through.reply
    assert direct.bodies == through.bodies
    return direct, through


async def same(*script, **how):
    """Ask the same on both paths; the words of the error must not differ either."""
    direct, through = await both(*script, **how)
    assert direct.error == through.error
    return direct


def chunk(delta=None, reason=None, **more):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    body = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def sse(*chunks, done=True):
    return Garbage(b"".join(chunks) + (b"data: [DONE]\n\n" if done else b""))


HAL = chunk({"content": "hal"})
STOP = chunk(reason="stop")
TOLD = {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}


async def test_plain_text_is_the_same():
    outcome = await same(Reply(text="größer 🙂", usage=Usage(11, 3)), served={"chunk_chars": 2})

    assert outcome.reply.text == "größer 🙂"
    assert outcome.reply.usage.cost_usd == pytest.approx(11 * 1.5e-07 + 3 * 6e-07)


async def test_calls_are_the_same():
    outcome = await same(
        calls(call("add", a=1), call("add", a=2), text="so"),
        tools=[ADD],
        settings={"tool_choice": "auto", "parallel_tool_calls": True},
    )

    assert [one.arguments for one in outcome.reply.tool_calls] == ['{"a": 1}', '{"a": 2}']
    assert outcome.reply.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "pieces",
    [
        [CallDelta(None, "x", "add", '{"a": 1}'), CallDelta(None, "y", "add", '{"a": 2}')],
        [CallDelta(0, "x", "add", '{"a"'), CallDelta(0, "x", "", ": 1}")],
        [CallDelta(0, "x", "add", '{"a"'), CallDelta(1, "y", "add", "{}"), CallDelta(0, "", "", ": 1}")],
        [CallDelta(0, "", "add", '{"a": 1}')],
        [CallDelta(0, "x", "add")],
    ],
    ids=["index missing", "id repeated", "interleaved", "id missing", "no arguments"],
)
async def test_pieces_of_calls_are_the_same(pieces):
    assert (await same([Delta(calls=(piece,)) for piece in pieces], tools=[ADD])).reply.tool_calls


async def test_a_whole_conversation_with_calls_is_sent_the_same():
    said = Reply(text="", tool_calls=(call("add", a=1),)).to_message()
    said["tool_calls"][0]["id"] = "c1"
    told = {"role": "tool", "tool_call_id": "c1", "content": "3"}
    transcript = Transcript(({"role": "system", "content": "be brief"}, *TASK, said, told))

    outcome = await same("3", transcript=transcript, tools=[ADD])

    assert len(outcome.bodies[0]["messages"]) == 4


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_reasoning_is_the_same(field):
    outcome = await same(sse(chunk({field: "think "}), chunk({field: "more"}), HAL, STOP))

    assert (outcome.reply.reasoning, outcome.reply.text) == ("think more", "hal")


@pytest.mark.parametrize(
    ("chunks", "tokens"),
    [
        ([HAL, STOP, chunk(usage=TOLD, choices=[])], (700, 30)),
        ([HAL, chunk(reason="stop", usage=TOLD)], (700, 30)),
        ([HAL, STOP, chunk(usage={**TOLD, "prompt_tokens_details": {"cached_tokens": 600}}, choices=[])], (700, 30)),
        (
            [chunk({"content": "hal"}, usage={**TOLD, "completion_tokens": 1}), chunk(reason="stop", usage=TOLD)],
            (700, 30),
        ),
        ([HAL, chunk(reason="stop", usage={"prompt_tokens": 5})], (5, 0)),
        ([HAL, chunk(reason="stop", usage=dict.fromkeys(TOLD, 0))], (0, 0)),
    ],
    ids=["at the end", "with the reason", "cached", "again and again", "in part", "nothing"],
)
async def test_what_the_server_counts_costs_the_same(chunks, tokens):
    usage = (await same(sse(*chunks))).reply.usage

    assert (usage.prompt_tokens, usage.completion_tokens, usage.is_estimate) == (*tokens, False)
    assert usage.cost_usd is not None


@pytest.mark.parametrize(
    "chunks",
    [
        [HAL, STOP],
        [STOP],
        [chunk({"reasoning_content": "a thought"}), HAL, STOP],
        [
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "a", "type": "function", "function": {"name": "add", "arguments": "{}"}}
                    ]
                }
            ),
            STOP,
        ],
    ],
    ids=["text", "nothing", "reasoning", "call"],
)
async def test_what_the_server_does_not_count_is_estimated_the_same(chunks):
    usage = (await same(sse(*chunks))).reply.usage

    assert usage.is_estimate
    assert usage.prompt_tokens > 0


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter", "tool_calls", "eos", "end_turn"])
async def test_finish_reasons_are_the_same(reason):
    await same(sse(chunk({"content": "hal"}, reason)))
    await same(sse(HAL, chunk(reason=reason)))


@pytest.mark.parametrize(
    "fault",
    [
        *(ServerError(status) for status in (400, 403, 408, 409, 413, 418, 422, 500, 502, 503, 504, 529)),
        *(
            ServerError(500, body=body)
            for body in (b" ", b"[1]", b"<html>down</html>", b'{"detail": "x"}', b'{"message": "x"}')
        ),
        ServerError(400, message="This model's maximum context length is 10 tokens"),
        ServerError(400, message="Could not finish the message because max_tokens or model output limit was reached."),
        ServerError(302),
        RateLimited(),
        RateLimited(retry_after=600),
        RateLimited(code="insufficient_quota", message="You exceeded your current quota"),
    ],
    ids=lambda fault: f"{getattr(fault, 'status', 429)} {fault.message[:12]} {getattr(fault, 'body', '') or ''}",
)
async def test_a_refusal_is_told_the_same(fault):
    outcome = await same(fault)

    assert outcome.error or outcome.reply.finish_reason == "length"


async def test_a_refused_key_and_an_unknown_model_are_told_the_same():
    wrong = await same(api_key="a-key-of-no-known-shape")
    unknown = await same(served={"models": ("another",)})

    assert wrong.error[1] == 401
    assert "a-key-of-no-known-shape" not in str(wrong.error)
    assert unknown.error[1] == 404


async def test_a_rate_limit_is_waited_out_on_both_paths(path):
    soon = email.utils.formatdate(time.time() + 1, usegmt=True)

    seconds = await asked(path, RateLimited(times=2, retry_after=0.3), "at last", num_retries=2)
    until = await asked(path, RateLimited(retry_after=soon), "at last", num_retries=2)

    assert (seconds.reply.text, len(seconds.requests)) == ("at last", 3)
    assert seconds.seconds >= 0.6
    assert (until.reply.text, len(until.requests)) == ("at last", 2)


@pytest.mark.parametrize(("script", "said"), [([breaks_off("")], ""), ([breaks_off("half")], "half")])
async def test_a_broken_connection_is_told_the_same(script, said):
    outcome = await same(*script)

    assert outcome.error[0] is ModelError
    assert outcome.reply.text == said


@pytest.mark.parametrize(
    "answer",
    [
        sse(HAL, done=False),
        sse(HAL),
        sse(HAL, STOP, done=False),
        sse(HAL, STOP[:-1], done=False),
        Garbage(HAL + STOP + b"data: [DONE]"),
        Garbage(b""),
        Garbage(b"data: {no json\n\n"),
        sse(HAL, b"data: {no\n\n"),
        sse(b"data: {}\n\n"),
        sse(b"data: null\n\n"),
        Garbage(b"<html>hello</html>", content_type="text/html"),
        Garbage(b'{"error": {"message": "boom"}}', content_type="application/json"),
        sse(b'data: {"error": {"message": "boom", "code": 400}}\n\n'),
        sse(HAL, b'data: {"error": {"message": "boom", "code": 500}}\n\n'),
        sse(b'data: {"error": "boom"}\n\n'),
        sse(HAL, chunk(reason="abort")),
        sse(b": hello\n\n", HAL, b": still here\n\n", STOP),
        Garbage((HAL + STOP + b"data: [DONE]\n\n").replace(b"\n", b"\r\n")),
        Garbage((HAL + STOP + b"data: [DONE]\n\n").replace(b"\n", b"\r")),
        sse(HAL.replace(b', "choices"', b',\ndata:"choices"'), STOP),
        sse(chunk({"content": "a"}, obfuscation="qw"), chunk({"content": "b"}, obfuscation="e"), STOP),
        sse(*[chunk({"content": "same"})] * 150, STOP),
        sse(*[chunk({"content": "- "})] * 150, STOP),
        sse(chunk({"content": "hal"}, "stop"), chunk({"content": "f"})),
        sse(chunk({"role": "assistant", "content": None}), HAL, STOP),
    ],
    ids=[
        "no end", "no reason", "no DONE", "last line open", "DONE open", "empty", "no JSON", "no JSON later", "no fields",
        "null", "a page", "an error as JSON", "error event", "error event later", "error as text", "aborted", "comments",
        "CRLF", "CR", "two lines of data", "padding", "the same for ever", "short repetition", "more after the reason",
        "null content",
    ],
)  # fmt: skip
async def test_whatever_the_server_sends_is_read_the_same(answer):
    await same(answer)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Garbage(b"\xff\x00"), "which of the bytes is no text is counted otherwise"),
        (sse(b"data: 5\n\n"), "litellm's words name an attribute of its own"),
        (sse(HAL, chunk(reason="error")), "litellm's words show an object of its own"),
    ],
)
async def test_where_words_differ_the_error_is_the_same_for_a_reason(answer, why):
    direct, through = await both(answer)

    assert direct.error[:3] == through.error[:3], why


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Garbage(b"\xef\xbb\xbf" + HAL + STOP), "a byte order mark costs litellm the first piece"),
        (sse(b"event: ping\n\n", HAL, STOP), "an event without data is none, by the standard"),
        (sse(b"retry: 10\n\n", HAL, STOP), "an event without data is none, by the standard"),
        (sse(chunk({"content": [{"type": "text", "text": "hal"}]}), STOP), "litellm drops text in parts"),
    ],
)
async def test_where_litellm_loses_text_the_direct_path_keeps_it(answer, why):
    outcome = await asked("direct", answer)

    assert (outcome.reply.text, outcome.error) == ("hal", ()), why


async def test_a_time_limit_holds_on_both_paths(path):
    silent = await asked(path, slow(30, "late"), timeout=0.3)
    stalled = await asked(path, slow(0, "late", each_s=30), timeout=0.3)

    for outcome in (silent, stalled):
        assert outcome.error[1] == 408
        assert "in time: Request timed out." in outcome.error[3]
        assert outcome.seconds < 2


async def test_a_server_that_is_down_is_told_the_same():
    errors = []
    for path in PATHS:
        with serving_provider() as provider:
            model = model_at(provider, path, num_retries=0)
        errors.append((await ask(model))[1])

    assert errors[0] == errors[1]
    assert "no connection" in errors[0][3]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gpt-4o-mini", {"temperature": 0, "top_p": 0.5, "max_tokens": 9, "stop": ["x"], "seed": 3, "user": "me"}),
        ("gpt-4o-mini", {"response_format": {"type": "json_object"}, "presence_penalty": 0.5, "logit_bias": {"1": 2}}),
        ("of-my-own", {"temperature": 0.25, "max_completion_tokens": 9, "frequency_penalty": 1}),
        ("of-my-own", {"extra_body": {"service_tier": "flex"}}),
        ("gpt-5", {"max_tokens": 9}),
        ("o3-mini", {"max_tokens": 9}),
    ],
)
async def test_settings_are_sent_the_same(name, settings):
    outcome = await same("fine", name=name, settings=settings, tools=[ADD])

    assert outcome.reply.text == "fine"


async def test_a_schema_that_no_provider_takes_is_mended_the_same():
    odd = {"type": "object", "properties": {"a": {"type": "string", "pattern": r"^\p{L}+$"}}}

    await same("fine", tools=[Tool("odd", "Odd.", odd)])


async def test_headers_are_sent_the_same(monkeypatch):
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
    direct, through = await both("fine", organization="mine", extra_headers={"x-mine": "1", "OpenAI-Beta": "b"})

    for name in (
        "authorization",
        "content-type",
        "accept",
        "openai-organization",
        "openai-project",
        "x-mine",
        "openai-beta",
    ):
        assert direct.requests[0].headers[name] == through.requests[0].headers[name], name


@pytest.mark.parametrize("variable", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
async def test_an_address_and_a_key_from_the_environment_are_taken_on_both_paths(variable, path, monkeypatch):
    with serving_provider("hello", key="from-outside") as provider:
        monkeypatch.setenv(variable, f"{provider.url}/")
        monkeypatch.setenv("OPENAI_API_KEY", "from-outside")
        reply, error = await ask(LitellmModel("openai/test-model", {"num_retries": 0, **PATHS[path]}))

    assert (reply.text, error) == ("hello", ())


@pytest.mark.parametrize("cut_bytes", [1, 3, 1000])
async def test_any_chunking_of_the_bytes_is_read_the_same(cut_bytes):
    reply = calls(call("add", a=1), text="größer 🙂\n\ndata: x")
    outcome = await same(reply, tools=[ADD], served={"chunk_chars": 3, "cut_bytes": cut_bytes, "newline": "\r\n"})

    assert outcome.reply.text == "größer 🙂\n\ndata: x"


async def test_ten_megabytes_are_read_on_both_paths(path):
    pieces = [Delta(text=f"{number:05}" * 20_000) for number in range(100)]
    outcome = await asked(path, pieces, served={"chunk_chars": 100_000})

    assert len(outcome.reply.text) == 10_000_000


async def test_one_line_of_ten_megabytes_is_read():
    outcome = await asked("direct", "x" * 10_000_000)

    assert len(outcome.reply.text) == 10_000_000
    assert outcome.seconds < 10


async def test_closing_the_iterator_ends_the_request_on_both_paths(path):
    with serving_provider(endless("on ")) as provider:
        async with aclosing(model_at(provider, path, "openai/test-model").stream(TASK, (), {})) as deltas:
            assert (await anext(deltas)).text == "on "

        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


@pytest.mark.parametrize("line", [endless("on "), slow(30, "late")], ids=["streaming", "before the first piece"])
async def test_cancelling_ends_the_request_on_both_paths(path, line):
    with serving_provider(line) as provider:
        task = asyncio.create_task(ask(model_at(provider, path, "openai/test-model")))
        await asyncio.to_thread(_until, lambda: provider.requests)
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert await asyncio.to_thread(provider.requests[0].ended.wait, 1)
        assert provider.requests[0].outcome == "left"


def _until(is_true):
    while not is_true():
        time.sleep(0.01)


async def test_a_direct_question_leaves_no_task_behind():
    await asked("direct", "fine")
    await asked("direct", breaks_off("half"))
    with serving_provider(endless("on ")) as provider:
        async with aclosing(model_at(provider, "direct", "openai/test-model").stream(TASK, (), {})) as deltas:
            await anext(deltas)

        assert asyncio.all_tasks() == {asyncio.current_task()}
