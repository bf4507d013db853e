"""What the agent proxy does when things go wrong: bad clients, bad models, bad tools hosts; a real server throughout."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import openai
import psutil
import pytest
from agent_server import AUTH, TOKEN, Parrot, asking, events, failure
from exec_server import BIN, ENV, serving, until
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from liteagent_nb.services.agent_proxy import create_app
from liteagent_nb.testing import breaks_off, call, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError

CHAT = "/v1/chat/completions"


@dataclass(frozen=True)
class Door:
    """A way to ask for a run."""

    path: str
    more: Mapping[str, object] = field(default_factory=dict)

    def body(self, text="What is it?", model="", *, limits=None, without_tools=False, retries=True):
        """Return a request; only the house's own doors take limits."""
        body = asking(text, **self.more, **({"model": model} if model else {}))
        if self.path == CHAT:
            return body | ({"tool_choice": "none"} if without_tools else {})
        body |= limits or {}
        body |= {"tool_backend": "none"} if without_tools else {}
        return body | ({} if retries else {"completion_kwargs": {"num_retries": 0}})

    def error(self, answer):
        """Return the type of the error in *answer*."""
        return answer.json()["error"]["code"] if self.path == CHAT else failure(answer)["type"]


STREAMS = [Door("/agent/run/stream"), Door(CHAT, {"stream": True})]
DOORS = [Door("/agent/run"), Door(CHAT), *STREAMS]
every_door = pytest.mark.parametrize("door", DOORS, ids=["run", "chat", "run-stream", "chat-stream"])
every_stream = pytest.mark.parametrize("door", STREAMS, ids=["run", "chat"])


@pytest.fixture(scope="module")
def parrot():
    return Parrot()


@pytest.fixture(scope="module")
def url(parrot):
    with serving(create_app(model="parrot", models=[parrot], token=TOKEN, max_work=8, max_body_bytes=1_000_000)) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, headers=AUTH, timeout=60) as client:
        yield client


def leaving(url, path, body):
    """Return a connection that has asked, and can be cut."""
    parts = urlsplit(url)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {TOKEN}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    connection = socket.create_connection((parts.hostname, parts.port), timeout=30)
    connection.sendall(head.encode() + content)
    return connection


def running(client):
    return int(client.get("/metrics").text.partition("\nliteagent_runs_running ")[2].partition("\n")[0])


@every_door
def test_a_client_that_leaves_ends_its_run_its_tool_and_the_process_of_it(url, client, parrot, tmp_path, door):
    mark = tmp_path / "pid"
    code = f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(100)"
    parrot.says(call("exec_python", code=code), "never")

    with leaving(url, door.path, door.body(limits={"tool_timeout_sec": 200})):
        assert until(lambda: mark.is_file() and mark.read_text(), within_s=20)
        pid = int(mark.read_text())
        assert psutil.pid_exists(pid)
    left_s = time.monotonic()

    assert until(lambda: not psutil.pid_exists(pid) and running(client) == 0, within_s=5)
    assert time.monotonic() - left_s < 2  # a busy machine's second
    assert 'liteagent_runs_total{status="cancelled"}' in client.get("/metrics").text


@every_stream
def test_a_client_that_leaves_in_the_middle_of_a_stream_ends_the_question_to_the_provider(
    url, client, monkeypatch, door
):
    with serving_provider(endless("word ")) as provider:
        monkeypatch.setenv("OPENAI_API_BASE", provider.url)
        monkeypatch.setenv("OPENAI_API_KEY", provider.key)
        with client.stream("POST", door.path, json=door.body(model="openai/test-model")) as answer:
            next(answer.iter_bytes())
        received = provider.requests[0]

        assert received.ended.wait(5)

    assert received.outcome == "left"
    assert until(lambda: running(client) == 0)


def test_an_answer_that_nobody_reads_ends_its_run_before_it_fills_the_memory(url, client, parrot):
    before = psutil.Process().memory_info().rss
    parrot.says(endless("x" * 50_000, every_s=0.001))

    with leaving(url, CHAT, asking(stream=True)):
        assert until(lambda: running(client) == 1)
        assert until(lambda: running(client) == 0, within_s=20)
        grown = psutil.Process().memory_info().rss - before

    assert grown < 150 << 20


def test_events_that_nobody_reads_are_dropped_and_the_run_goes_on(url, client, parrot):
    parrot.says(endless("x" * 50_000, every_s=0.001))

    with leaving(url, "/agent/run/stream", asking(tool_backend="none", max_total_seconds=1)) as connection:
        assert until(lambda: running(client) == 1)
        assert until(lambda: running(client) == 0)
        told = b""
        while not told.endswith(b"0\r\n\r\n"):
            told += connection.recv(1 << 20)

    assert b'"stopped_reason":"budget"' in told


def provided(monkeypatch, provider):
    monkeypatch.setenv("OPENAI_API_BASE", provider.url)
    monkeypatch.setenv("OPENAI_API_KEY", provider.key)


@every_door
@pytest.mark.parametrize(
    "line",
    [
        RateLimited(retry_after=60),
        ServerError(500),
        Garbage(b"<html>no</html>", content_type="text/html"),
        breaks_off(""),
    ],
    ids=["busy", "broken", "html", "empty"],
)
def test_a_provider_that_fails_is_never_a_200(client, monkeypatch, door, line):
    with serving_provider(answer=line) as provider:
        provided(monkeypatch, provider)
        answer = client.post(door.path, json=door.body(model="openai/test-model", retries=False))

    assert answer.status_code == 502, answer.text
    assert door.error(answer) == "ModelError"


@pytest.mark.parametrize(
    ("kwargs", "status"),
    [
        ({"api_key": "wrong"}, 502),
        ({"timeout": 0.2, "num_retries": 0}, 504),
        ({"api_base": "http://127.0.0.1:9/v1", "num_retries": 0}, 502),
    ],
    ids=["key", "time", "nobody"],
)
def test_what_is_between_the_proxy_and_its_provider_is_told_as_that(client, monkeypatch, kwargs, status):
    with serving_provider(answer=slow(5, "late")) as provider:
        provided(monkeypatch, provider)
        body = asking(model="openai/test-model", completion_kwargs=kwargs)
        said = failure(client.post("/agent/run", json=body))

    assert (said["status"], said["type"]) == (status, "ModelError")
    assert said["hint"]


def test_a_model_that_the_provider_does_not_have_is_404_and_a_bad_parameter_400(client, monkeypatch):
    with serving_provider("x") as provider:
        provided(monkeypatch, provider)
        missing = client.post("/agent/run", json=asking(model="openai/other-model"))
        refused = client.post("/agent/run", json=asking(model="openai/test-model", completion_kwargs={"top_p": "much"}))

    assert failure(missing)["status"] == 404
    assert failure(refused)["status"] == 400


@every_stream
def test_a_failure_after_the_first_piece_is_an_event(client, parrot, door):
    parrot.says(breaks_off("half a"))

    answer = client.post(door.path, json=door.body())

    assert answer.status_code == 200
    assert "half a" in answer.text
    assert "ModelError" in answer.text
    assert "[DONE]" not in answer.text
    if door.path != CHAT:
        assert events(answer.text)[-1][0] == "error"


def test_the_official_client_raises_on_a_failure_in_the_middle_of_a_stream(url, parrot):
    parrot.says(breaks_off("half a"))
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=TOKEN, max_retries=0)

    with pytest.raises(openai.APIError, match="broke off"), client:
        list(client.chat.completions.create(model="mini", messages=asking()["messages"], stream=True))


@every_door
def test_a_fault_of_a_models_own_code_is_told_without_its_inside(client, parrot, door):
    parrot.says(lambda asked: 1 / 0)

    answer = client.post(door.path, json=door.body())

    assert answer.status_code == 502
    assert "Traceback" not in answer.text


@every_door
def test_an_agent_that_would_ask_itself_is_refused(url, client, parrot, door, monkeypatch):
    from liteagent_nb.core import hops

    ways = []

    async def look(asked):
        ways.append(hops.via.get())
        return "Hello."

    parrot.says(look, look)

    first = client.post(door.path, json=door.body(), headers={"x-liteagent-via": "another"})
    own = ways[0][-1]
    second = client.post(door.path, json=door.body(), headers={"x-liteagent-via": f"{own}, another"})

    assert first.status_code == 200
    assert ways == [("another", own)]
    assert second.status_code == 508
    assert door.error(second) == "LoopDetected"


def test_more_work_than_there_is_room_for_is_told_when_to_try_again(url, client, parrot):
    parrot.says(*[slow(0.5, "Done.")] * 40)

    def ask(number):
        door = DOORS[number % 2]
        return httpx.post(url + door.path, json=door.body(without_tools=True), headers=AUTH, timeout=60)

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(ask, range(20)))

    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 429)
    assert client.get("/ready").status_code == 200


@every_door
def test_a_body_that_is_too_large_is_refused(client, door):
    answer = client.post(door.path, json=door.body("x" * 1_000_001))

    assert answer.status_code == 413
    assert door.error(answer) == "BodyTooLarge"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_a_foreign_host_is_refused(client, host):
    assert client.post(CHAT, json=asking(), headers={"host": host}).status_code == 403


def tells_all():
    """Return a tools host that gives away what it is sent, in every way that it can."""

    async def tools(request):
        if request.headers.get("x-mode") == "refuse":
            return Response(f"go away, {request.headers}", 401)
        return JSONResponse(
            [{"type": "function", "function": {"name": "tell", "parameters": {"type": "object", "properties": {}}}}]
        )

    async def invoke(request):
        return JSONResponse({"ok": True, "result": str(dict(request.headers))})

    return Starlette(routes=[Route("/tools", tools), Route("/invoke", invoke, methods=["POST"])])


@pytest.mark.parametrize("path", ["/agent/run", "/agent/run/stream"])
@pytest.mark.parametrize("mode", ["refuse", "tell"])
def test_a_callers_header_is_in_no_answer_whatever_the_host_says(client, parrot, path, mode):
    parrot.says(call("tell"), "Told.")
    headers = {"authorization": "Bearer secret-of-the-caller", "x-mode": mode}

    with serving(tells_all()) as host:
        body = asking(tool_backend="http", tool_http_base_url=host, tool_http_headers=headers)
        answer = client.post(path, json=body)

    assert answer.status_code == (400 if mode == "refuse" else 200), answer.text
    assert "secret-of-the-caller" not in answer.text
    assert "secret-of-the-caller" not in client.get("/metrics").text


@pytest.mark.parametrize(
    ("base", "status"), [("http://127.0.0.1:9", 502), ("no url", 400), ("ftp://127.0.0.1", 400), ("", 400)]
)
def test_a_tools_host_that_is_not_there_is_told_as_that(client, base, status):
    answer = client.post("/agent/run", json=asking(tool_backend="http", tool_http_base_url=base))

    assert failure(answer)["status"] == status


def test_the_environments_key_is_not_sent_to_an_address_that_a_caller_names(client, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-environment")
    with serving_provider("Hello.") as provider:
        body = asking(model="openai/test-model", completion_kwargs={"api_base": provider.url, "num_retries": 0})
        answer = client.post("/agent/run", json=body)
        sent = provider.requests[0].headers["authorization"]

    assert "key-of-the-environment" not in sent
    assert answer.status_code == 502


def test_an_address_that_is_no_loopback_is_not_served_without_a_token(tmp_path):
    env = ENV | {"MINI_AGENT_API_HOST": "0.0.0.0"}
    command = [str(BIN / "jupyter-liteagent"), "serve", "--open", "--port", "0"]

    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "without a token" in done.stderr


EXPECTED = """
warnings = false
[checks.not_a_server_error]
expected-statuses = [200, "4xx", 502, 504]
[checks.positive_data_acceptance]
expected-statuses = [200, 400, 404, 502]
[[operations]]
include-path = "/v1/chat/completions"
[operations.checks.positive_data_acceptance]
expected-statuses = [200, 400, 404, 422, 502]
"""
"""400 is a limit or a name that makes no sense, 422 what no schema says: a tool that is chosen where there is none."""


def test_schemathesis_finds_no_failure_and_no_answer_that_the_schema_does_not_know(tmp_path, parrot, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent:" + os.environ["PATH"])
    (tmp_path / "schemathesis.toml").write_text(EXPECTED)
    parrot.says(*["Hello."] * 10_000, strict=False)
    with serving(create_app(model="parrot", models=[parrot], token=TOKEN)) as url:
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run",
                   f"{url}/openapi.json", "--seed", "1", "--header", f"Authorization: Bearer {TOKEN}",
                   "--exclude-path-regex", "^/(chat/completions|models|invoke|tools)$",
                   "--max-examples", "3", "--phases", "coverage,fuzzing", "--no-color"]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False)

    assert done.returncode == 0, re.findall(r"(?s)ST\d+ .{500}", done.stdout)
    assert "No issues found" in done.stdout
