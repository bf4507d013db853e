"""The exec service over executors that fail, in process: no failure is bare, no slow reader is waited for."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from liteagent_nb.core.errors import DeadKernel, ExecBusy
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.services.event_stream import EventStream
from liteagent_nb.services.exec_frames import ExecFrames
from liteagent_nb.services.exec_rpc_server import create_app

DONE = ExecResult(ok=True, rc=0, stdout="1\n")


class Failing:
    """An executor that raises, after having told outputs where somebody watches."""

    def __init__(self, error, after_s=0.0):
        self.error = error
        self.after_s = after_s

    async def execute(self, code, *, watch=None, **_):
        if watch is not None and self.after_s:
            watch({"output_type": "stream", "name": "stdout", "text": "1\n"})
        await asyncio.sleep(self.after_s)
        raise self.error

    async def contexts(self):
        raise self.error

    async def aclose(self):
        """Nothing is open."""


async def ask(executor, method, path, **more):
    transport = httpx.ASGITransport(create_app(executor, token=""), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8790") as client:
        return await client.request(method, path, **more)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (DeadKernel("gone", hint="again"), 503, "DeadKernel"),
        (ExecBusy("full", retry_after_s=2.5), 429, "ExecBusy"),
        (ZeroDivisionError("a bug"), 500, "InternalError"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/exec"), ("POST", "/exec/stream"), ("GET", "/ready"), ("GET", "/contexts")]
)
async def test_an_executor_that_fails_is_an_answer_in_the_one_shape(error, status, kind, method, path):
    body = {"json": {"code": "1"}} if method == "POST" else {}

    answer = await ask(Failing(error), method, path, **body)

    assert answer.status_code == status
    said = answer.json()["error"]
    assert (said["type"], said["status"]) == (kind, status)
    assert "a bug" not in answer.text
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)


@pytest.mark.parametrize(
    ("error", "kind"), [(DeadKernel("gone"), "DeadKernel"), (ZeroDivisionError("a bug"), "InternalError")]
)
async def test_a_failure_after_the_first_output_is_an_event(error, kind):
    answer = await ask(Failing(error, after_s=0.1), "POST", "/exec/stream", json={"code": "1"})

    assert answer.status_code == 200
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    assert [event[0] for event in events] == ["event: output", "event: error"]
    assert json.loads(events[1][1].removeprefix("data: "))["error"]["type"] == kind


async def streamed(run, **more):
    """Return what a client that stays is sent."""
    stream, sent = EventStream(run, ExecFrames(), **more), []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message.get("body", b""))

    await stream.begin()
    await stream({}, receive, send)
    return b"".join(sent).decode()


async def test_a_stream_with_nothing_to_tell_is_kept_alive():
    async def quiet(watch):
        watch({"text": "first"})
        await asyncio.sleep(0.3)
        return DONE

    text = await streamed(quiet, keep_alive_s=0.05)

    assert text.count(": keep-alive\n\n") >= 2
    assert text.rstrip().splitlines()[-2] == "event: result"


async def test_outputs_that_nobody_reads_are_dropped_and_counted_and_the_result_comes():
    async def flooding(watch):
        for number in range(100):
            watch({"text": f"{number}" * 10})
        return DONE

    text = await streamed(flooding, max_waiting_bytes=1000)

    shown = text.count("event: output")
    assert 0 < shown < 100
    assert f'event: dropped\ndata: {{"count":{100 - shown}}}' in text
    assert "event: result" in text


async def test_many_who_ask_whether_it_is_ready_are_answered_by_one_probe():
    class Counting:
        probes = 0

        async def execute(self, code, **_):
            self.probes += 1
            await asyncio.sleep(0.05)
            return ExecResult(ok=True, rc=0, result="2", t_ms=50.0)

        async def aclose(self):
            """Nothing is open."""

    executor = Counting()

    transport = httpx.ASGITransport(create_app(executor, token=""))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8790") as client:
        answers = await asyncio.gather(*(client.get("/ready") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert executor.probes == 1
