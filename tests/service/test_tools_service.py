"""Tools as a service: serve_tools, `http_tools_stub:app` and `jupyter liteagent tools`, asked by plain HTTP."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from exec_server import service_process, serving

import liteagent_nb
from liteagent_nb.cli import main
from liteagent_nb.core.errors import ConfigError, ToolError
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.services import http_tools_stub
from liteagent_nb.services.http_tools_stub import create_app
from liteagent_nb.services.tools_host import serve_tools
from liteagent_nb.tools.echo import EchoMCP
from liteagent_nb.tools.toolbox import Toolbox

TOKEN = "a-token-of-the-tests"
AUTH = {"authorization": f"Bearer {TOKEN}"}

began, ended = threading.Event(), threading.Event()


def greet(name: str, times: int = 1) -> str:
    """Say hello."""
    return " ".join([f"hello {name}"] * times)


def fail() -> None:
    """Fail."""
    raise RuntimeError("no disk")


async def wait(seconds: float) -> str:
    """Wait."""
    began.set()
    try:
        await asyncio.sleep(seconds)
    finally:
        ended.set()
    return "done"


def odd() -> Observation:
    """Return what JSON does not have."""
    return Observation(ok=True, result={(1, 2): {3, 4}})


def numbers() -> Observation:
    """Return what JSON does not know."""
    return Observation(ok=True, result=[1.5, float("nan"), float("inf")])


@pytest.fixture(scope="module")
def url():
    with serve_tools([greet, fail, wait, odd, numbers], token=TOKEN) as host:
        yield host.url


@pytest.fixture
def client(url):
    began.clear()
    ended.clear()
    with httpx.Client(base_url=url, headers=AUTH, timeout=20) as client:
        yield client


def invoke(client, tool, /, **arguments):
    return client.post("/invoke", json={"name": tool, "arguments": arguments})


def refused(answer, status):
    assert answer.status_code == status, answer.text
    said = answer.json()
    assert said["ok"] is False
    assert set(said["error"]) == {"type", "message", "status", "hint"}
    assert said["error"]["status"] == status
    return said["error"]


def test_the_functions_are_listed_in_openais_shape(client):
    listed = client.get("/tools").json()

    assert listed[0] == {
        "type": "function",
        "function": {
            "name": "greet",
            "description": "Say hello.",
            "parameters": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "times": {"type": "integer", "default": 1}},
                "required": ["name"],
                "additionalProperties": False,
            },
        },
    }


def test_a_call_answers_the_result_json(client):
    answer = invoke(client, "greet", name="Zoë", times=2)

    assert answer.status_code == 200
    said = answer.json()
    assert said["t_ms"] >= 0
    assert said | {"t_ms": 0} == {
        "ok": True, "name": "greet", "rc": None, "stdout": "", "stderr": "", "t_ms": 0, "error": None,
        "result": "hello Zoë hello Zoë", "language": "", "outputs": [],
    }  # fmt: skip


def test_a_tool_that_fails_is_an_answer_with_ok_false(client):
    answer = invoke(client, "fail")

    assert answer.status_code == 200
    assert (answer.json()["ok"], answer.json()["error"]) == (False, "RuntimeError: no disk")


def test_a_result_that_json_does_not_have_becomes_text_and_nan_becomes_null(client):
    assert "{(1, 2): {3, 4}}" in invoke(client, "odd").json()["result"]
    assert invoke(client, "numbers").json()["result"] == [1.5, None, None]


def test_an_unknown_tool_is_404_with_the_ones_there_are(client):
    error = refused(invoke(client, "gret"), 404)

    assert error["type"] == "UnknownTool"
    assert "greet, fail" in error["message"]


@pytest.mark.parametrize(
    ("arguments", "complaint"), [({}, "'name' is missing"), ({"name": "x", "tmies": 1}, "unknown argument 'tmies'")]
)
def test_arguments_that_are_missing_or_unknown_are_422(client, arguments, complaint):
    error = refused(invoke(client, "greet", **arguments), 422)

    assert complaint in error["message"]
    assert error["hint"] == "greet takes: name, times"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 50_000, 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"name": 5}', 422),
        (b'{"name": "\\ud800"}', 422),
        (b'{"name": "greet", "arguments": "{}"}', 422),
        (b'{"name": "greet", "arguments": null}', 422),
        (b'{"name": "greet", "argumnets": {}}', 422),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_what_is_wrong(client, content, status):
    refused(client.post("/invoke", content=content, headers={"content-type": "application/json"}), status)


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}])
@pytest.mark.parametrize("path", ["/tools", "/ready", "/openapi.json"])
def test_without_the_token_only_health_is_answered(url, headers, path):
    refused(httpx.get(url + path, headers=headers), 401)

    assert httpx.get(f"{url}/health").json()["ok"] is True


def test_foreign_hosts_and_origins_and_forms_are_refused(client):
    body = {"name": "greet", "arguments": {"name": "x"}}

    assert refused(client.post("/invoke", json=body, headers={"host": "evil.example"}), 403)["type"] == "ForeignHost"
    assert refused(client.post("/invoke", json=body, headers={"origin": "http://evil.example"}), 403)
    assert refused(client.post("/invoke", data=body), 415)


def test_ready_says_how_many_tools_there_are(client):
    assert client.get("/ready").json() == {"ok": True, "tools": 5}


def test_a_client_that_leaves_ends_its_call(url, client):
    body = json.dumps({"name": "wait", "arguments": {"seconds": 60}})

    with pytest.raises(httpx.ReadTimeout):
        client.post("/invoke", content=body, headers={"content-type": "application/json"}, timeout=0.3)

    assert began.is_set()
    assert ended.wait(2)
    assert invoke(client, "greet", name="x").json()["ok"]


def test_more_than_it_can_do_at_once_is_429_and_too_long_a_call_is_a_timeout():
    app = create_app(Toolbox([wait]), token=TOKEN, max_work=1, timeout_s=1.0, max_body_bytes=1000)
    began.clear()
    with serving(app) as url, httpx.Client(base_url=url, headers=AUTH, timeout=20) as client:
        answers = []
        first = threading.Thread(target=lambda: answers.append(invoke(client, "wait", seconds=30)))
        first.start()
        assert began.wait(5)

        full = invoke(client, "wait", seconds=0)
        first.join(10)

        refused(full, 429)
        assert full.headers["retry-after"] == "1"
        assert (answers[0].json()["rc"], answers[0].json()["error"]) == (-1, "timeout after 1s")
        refused(invoke(client, "wait", seconds=0, more="x" * 2000), 413)


class Broken:
    """An invoker that breaks its promises."""

    def __init__(self, error=None):
        self.log = []
        self._error = error

    async def __aenter__(self):
        self.log.append("open")
        return self

    async def __aexit__(self, *_):
        self.log.append("closed")

    async def list_tools(self):
        if self._error:
            raise self._error
        return [Tool("raises"), Tool("hangs", timeout_s=0.1)]

    async def call_tool(self, name, arguments, *, timeout_s):
        if name == "raises":
            raise ZeroDivisionError("a bug")
        await asyncio.sleep(60)


def test_an_invoker_that_raises_or_hangs_is_a_failed_result_and_it_is_opened_and_closed_with_the_server():
    invoker = Broken()
    with serving(create_app(invoker, token=TOKEN)) as url, httpx.Client(base_url=url, headers=AUTH) as client:
        assert invoker.log == ["open"]
        raised, hung = invoke(client, "raises").json(), invoke(client, "hangs").json()

    assert (raised["ok"], raised["error"]) == (False, "ZeroDivisionError: a bug")
    assert (hung["ok"], hung["error"], hung["rc"]) == (False, "timeout after 0.1s", -1)
    assert invoker.log == ["open", "closed"]


def test_a_host_behind_it_that_is_not_there_is_502():
    with (
        serving(create_app(Broken(ToolError("gone", hint="start it")), token=TOKEN)) as url,
        httpx.Client(base_url=url, headers=AUTH) as client,
    ):
        for answer in (client.get("/tools"), client.get("/ready"), invoke(client, "x")):
            assert refused(answer, 502)["hint"] == "start it"


# serve_tools


@pytest.mark.parametrize(
    ("tools", "names"),
    [
        (greet, ["greet"]),
        ([greet, wait], ["greet", "wait"]),
        ({"hello": greet}, ["hello"]),
        (EchoMCP(), ["echo"]),
    ],
)
def test_functions_and_invokers_can_be_served(tools, names):
    with serve_tools(tools, token=TOKEN) as host:
        listed = httpx.get(f"{host.url}/tools", headers=AUTH).json()

    assert [tool["function"]["name"] for tool in listed] == names


def test_without_a_token_one_is_kept_in_a_file_for_this_user_alone_and_never_shown(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("MINI_AGENT_API_KEY", raising=False)

    with serve_tools(greet) as first, serve_tools(greet) as second:
        shown = f"{first!r} {second!r}"
        answer = httpx.get(f"{second.url}/tools", headers={"authorization": f"Bearer {first.token}"})

    file = tmp_path / "liteagent-token"
    assert answer.status_code == 200
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (first.token, first.url != second.url) == (second.token, True)
    assert f"token in {file}" in shown
    assert first.url in shown
    assert first.token not in shown + "".join(capfd.readouterr())


def test_the_token_of_the_environment_is_asked_for_where_there_is_one(monkeypatch):
    monkeypatch.setenv("MINI_AGENT_API_KEY", TOKEN)

    with serve_tools(greet) as host:
        assert repr(host) == f"Host({host.url!r}, token in MINI_AGENT_API_KEY)"
        assert httpx.get(f"{host.url}/tools", headers=AUTH).status_code == 200
        assert httpx.get(f"{host.url}/tools").status_code == 401


def test_an_empty_token_opens_it_to_this_machine():
    with serve_tools(greet, token="") as host:
        assert httpx.get(f"{host.url}/tools").status_code == 200

    assert repr(host) == f"Host({host.url!r}, open to this machine, closed)"


def test_a_port_that_is_taken_is_a_config_error(url):
    with pytest.raises(ConfigError, match="cannot be bound"):
        serve_tools(greet, token=TOKEN, port=urlsplit(url).port)


def test_closing_ends_the_calls_that_are_under_way(client):
    host = liteagent_nb.serve_tools([wait], token=TOKEN)
    body = {"name": "wait", "arguments": {"seconds": 60}}
    calling = threading.Thread(target=lambda: httpx.post(f"{host.url}/invoke", json=body, headers=AUTH, timeout=30))
    calling.start()
    assert began.wait(5)

    host.close()

    assert ended.wait(1)
    calling.join(5)
    assert not calling.is_alive()


# The stub


@pytest.fixture
def stub(monkeypatch):
    """Return a function that makes the stub's app anew."""
    monkeypatch.setenv("MINI_AGENT_API_KEY", "")

    def make():
        monkeypatch.delitem(vars(http_tools_stub), "app", raising=False)
        return http_tools_stub.app

    return make


def test_the_stub_echoes_and_sleeps(stub):
    with serving(stub()) as url, httpx.Client(base_url=url) as client:
        echoed, slept = invoke(client, "echo", text="hi").json(), invoke(client, "sleep", ms=20).json()
        too_long = invoke(client, "sleep", ms=-1).json()

    assert (echoed["result"], slept["result"]) == ({"text": "hi"}, "slept 20 ms")
    assert slept["t_ms"] >= 20
    assert (too_long["ok"], too_long["error"]) == (False, "ValueError: ms must be between 0 and 60000")


def test_the_stub_delays_every_call_where_it_is_told_to(stub, monkeypatch):
    monkeypatch.setenv("STUB_GLOBAL_DELAY_MS", "150")
    with serving(stub()) as url, httpx.Client(base_url=url) as client:
        assert invoke(client, "echo", text="hi").json()["t_ms"] >= 150

    monkeypatch.setenv("STUB_GLOBAL_DELAY_MS", "soon")
    with pytest.raises(ConfigError, match="STUB_GLOBAL_DELAY_MS is 'soon'"):
        stub()


# The schema, and the command line


def test_schemathesis_finds_no_failure_and_no_answer_that_the_schema_does_not_know(tmp_path):
    with serve_tools([greet, fail], token=TOKEN) as host:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{host.url}/openapi.json", "--seed", "1",
                   "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", "5",
                   "--phases", "coverage,fuzzing", "--exclude-path", "/docs", "--no-color"]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False)

    assert done.returncode == 0, done.stdout[-5000:]
    assert "No issues found" in done.stdout


TOOLS = '''
from dataclasses import dataclass
from math import sqrt
from other import factor

@dataclass
class Side:
    length: float

def area(side: Side) -> float:
    """Square it."""
    return factor * side.length ** 2

def _hidden():
    pass
'''


def test_the_command_serves_the_functions_of_a_file_behind_a_token(tmp_path):
    (tmp_path / "my_tools.py").write_text(TOOLS)
    (tmp_path / "other.py").write_text("factor = 2\n")
    words = ["--module", "my_tools.py", "--token-file", "token"]
    with service_process("tools", *words, cwd=tmp_path) as (_, url, said):
        token = Path(tmp_path, "token").read_text().strip()
        with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}) as client:
            assert [tool["function"]["name"] for tool in client.get("/tools").json()] == ["area"]
            assert invoke(client, "area", side={"length": 3}).json()["result"] == 18
        assert httpx.get(f"{url}/tools").status_code == 401
    assert said.count(token) == 1


def test_the_command_serves_a_package_s_module_and_what_its_all_names(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").touch()
    (tmp_path / "pack" / "tools.py").write_text("__all__ = ['sqrt']\nfrom math import sqrt\ndef other(): pass\n")
    with (
        service_process("tools", "--open", "--module", "pack.tools", cwd=tmp_path) as (_, url, _said),
        httpx.Client(base_url=url) as client,
    ):
        assert [tool["function"]["name"] for tool in client.get("/tools").json()] == ["sqrt"]
        assert invoke(client, "sqrt", x=9).json()["result"] == 3


def test_the_command_serves_the_local_tools(tmp_path):
    with (
        service_process("tools", "--open", "--allow-shell", "uname", cwd=tmp_path) as (_, url, _said),
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        assert "exec_python" in [tool["function"]["name"] for tool in client.get("/tools").json()]
        assert invoke(client, "exec_python", code="print(6 * 7)").json()["stdout"] == "42\n"
        assert invoke(client, "exec_shell", cmd="uname").json()["ok"]
        assert "prefix not allowed" in invoke(client, "exec_shell", cmd="echo hi").json()["error"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--module", "absent.py"), "absent.py cannot be imported: FileNotFoundError"),
        (("--module", "absent.tools"), "absent.tools cannot be imported: ModuleNotFoundError"),
        (("--module", "broken.py"), "broken.py cannot be imported: ZeroDivisionError"),
        (("--module", "empty.py"), "empty.py has no functions"),
        (("--open", "--host", "0.0.0.0"), "without a token"),
        (("--open", "--port", "70000"), "cannot be bound"),
    ],
)
def test_the_command_refuses_in_two_lines(words, reason, tmp_path, monkeypatch, capsys):
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "empty.py").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    assert main(["tools", "--port", "0", "--token-file", "token", *words]) == 1
    what, hint = capsys.readouterr().err.splitlines()
    assert reason in what
    assert hint.startswith("Hint: ")
