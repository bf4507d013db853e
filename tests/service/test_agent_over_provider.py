"""Whole runs through litellm against a strict server, with its faults and with hostile tools."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager

import psutil
import pytest

from liteagent_nb import AgentConfig, CompositeInvoker, LocalMCPInvoker, Toolbox, Transcript, run_agent
from liteagent_nb.core.steps import RunDone, TextDelta
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.testing import breaks_off, call, calls, check_request, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


async def whisper(text: str) -> str:
    """Say it more quietly."""
    await asyncio.sleep(0.01)
    return text.lower()


@contextmanager
def agent(*script, watch=lambda _event: None, **config):
    """Serve a provider; yield it and the run on it, which has not begun."""
    with serving_provider(*script) as provider:
        model = LitellmModel("openai/test-model", {"api_base": provider.url, "api_key": provider.key})
        tools = CompositeInvoker([Toolbox([shout, whisper]), LocalMCPInvoker()])
        work = run_agent(Transcript.of("do it"), model=model, tools=tools, config=AgentConfig(**config), watch=watch)
        yield provider, work
        assert provider.violations == []


async def outcome(*script, **config):
    with agent(*script, **config) as (_, work):
        done = await work
    check_request([*done.messages, {"role": "user", "content": "go on"}], None)
    return done


def children():
    return psutil.Process().children(recursive=True)


async def test_a_run_with_sync_async_and_process_tools():
    asked = calls(
        call("shout", text="a"), call("whisper", text="B"), call("exec_python", code="print(6*7)"), text="Let me see."
    )

    done = await outcome(asked, "A b 42", tool_concurrency=3)

    assert (done.stopped_reason, done.final_answer, done.final_answer_source) == ("success", "A b 42", "model")
    assert [i.observation.text.strip() for i in done.tool_invocations] == ["A", "b", "42"]
    assert done.usage.total_tokens > 0
    assert done.usage.cost_usd is None  # nobody knows what the test server costs
    assert done.ttft_ms is not None


async def test_text_reaches_the_watcher_while_it_streams():
    times = []
    watch = lambda event: times.append(time.monotonic()) if isinstance(event, TextDelta) else None  # noqa: E731

    with agent(slow(0, "one two three four five", each_s=0.05), watch=watch) as (provider, work):
        provider._chunk_chars = 4
        await work

    assert len(times) > 3
    assert times[-1] - times[0] > 0.1


@pytest.mark.parametrize(
    ("script", "said"),
    [
        pytest.param([ServerError(status=500, times=9)], "500", id="server error"),
        pytest.param([Garbage(b"<html>Bad gateway</html>")], "", id="garbage"),
        pytest.param([Garbage(b"data: {not json\n\n")], "", id="broken event"),
        pytest.param([RateLimited(times=9, retry_after=60)], "60", id="rate limit that is too long"),
    ],
)
async def test_a_failing_provider_is_a_clear_error_and_loses_nothing(script, said):
    done = await outcome(call("shout", text="kept"), *script, completion_kwargs={"num_retries": 0})

    assert done.stopped_reason == "error"
    assert said in f"{done.error} {done.error.hint}"
    assert done.error.hint
    assert done.tool_invocations[0].result == "KEPT"
    assert "test-key" not in f"{done.error} {done.error.hint}"


async def test_a_provider_that_is_down_is_named_with_the_remedy():
    with serving_provider() as gone:
        url = gone.url
    model = LitellmModel("openai/test-model", {"api_base": url, "api_key": "test-key", "num_retries": 0})

    done = await run_agent(Transcript.of("hi"), model=model, config=AgentConfig())

    assert done.stopped_reason == "error"
    assert url in f"{done.error} {done.error.hint}" or "api_base" in f"{done.error} {done.error.hint}"


async def test_a_rate_limit_is_waited_for():
    done = await outcome(RateLimited(times=1, retry_after=0.2), "at last")

    assert done.final_answer == "at last"


async def test_a_stream_that_breaks_off_keeps_its_text():
    done = await outcome(breaks_off("half an answer"))

    assert (done.stopped_reason, done.final_answer) == ("error", "half an answer")


async def test_broken_json_and_unknown_tools_are_told_to_the_model():
    done = await outcome(calls(call("shout", "{oops"), call("shuot", text="x")), "sorry")

    first, second = (str(m["content"]) for m in done.messages if m["role"] == "tool")
    assert "JSON" in first
    assert "did you mean 'shout'" in second
    assert done.final_answer == "sorry"


async def test_300_calls_at_once_are_all_answered():
    done = await outcome(calls(*(call("shout", text=str(n)) for n in range(300))), "done", max_tools_per_iter=3)

    assert len([m for m in done.messages if m["role"] == "tool"]) == 300


async def test_10_mb_of_text_arrive_whole():
    done = await outcome("x" * 10_000_000)

    assert len(done.final_answer) == 10_000_000


HANGS = "import time\ntime.sleep(60)"
FORKS = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\nprint('parent done')"
FLOODS = "import sys\nfor _ in range(300): sys.stdout.write('x' * 1_000_000)"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        pytest.param("raise ValueError('no')", "ValueError: no", id="raises"),
        pytest.param(HANGS, "timeout after 1s", id="hangs"),
        pytest.param(FLOODS, "xxx", id="prints 300 MB"),
        pytest.param(FORKS, "parent done", id="forks a child that holds the pipe"),
    ],
)
async def test_hostile_code_is_an_observation_and_leaves_no_process(code, told):
    before = set(children())
    limit_s = 30 if code is FLOODS else 1
    started = time.monotonic()

    done = await outcome(call("exec_python", code=code), "I see", tool_timeout_sec=limit_s)

    assert told in str(done.messages[2]["content"])
    assert len(str(done.messages[2]["content"])) < 20_000
    assert (done.stopped_reason, done.final_answer) == ("success", "I see")
    assert set(children()) <= before
    assert time.monotonic() - started < limit_s + 5


@pytest.mark.parametrize(
    "script",
    [
        pytest.param([slow(30, "late")], id="while waiting"),
        pytest.param([endless("more ")], id="while streaming"),
        pytest.param([call("exec_python", code=HANGS)], id="in a tool"),
    ],
)
async def test_a_stop_ends_everything_within_a_second_and_the_server_sees_it(script):
    before = set(children())
    runs = []
    watch = lambda event: runs.append(event.run) if isinstance(event, RunDone) else None  # noqa: E731
    with agent(*script, watch=watch) as (provider, work):
        task = asyncio.create_task(work)
        await asyncio.sleep(1)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        took_s = time.monotonic() - started
        assert provider.requests[-1].ended.wait(2)

    assert took_s < 1
    assert runs[0].stopped_reason == "cancelled"
    check_request([*runs[0].messages, {"role": "user", "content": "go on"}], None)
    assert set(children()) <= before
