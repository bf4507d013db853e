"""The exec service as contract.md 6 wants it: a real server, real kernels."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from exec_server import ENV, exec_rpc_process, serving, until

from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.services.exec_rpc_server import create_app

TOKEN = "a-token"
README = (Path(__file__).parent.parent.parent / "README.md").read_text()


@pytest.fixture(scope="module")
def url():
    with serving(create_app(Contexts(), token=TOKEN)) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        yield client


@pytest.fixture
def context(client):
    name = client.post("/contexts").json()["id"]
    yield name
    client.delete(f"/contexts/{name}")


def run(client, code, **more):
    answer = client.post("/exec", json={"language": "python", "code": code, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer):
    said = answer.json()
    assert said["ok"] is False
    assert set(said["error"]) == {"type", "message", "status", "hint"}
    assert said["error"]["status"] == answer.status_code
    return said["error"]


def test_health_says_versions_and_abilities_without_a_token(url):
    answer = httpx.get(f"{url}/health")

    assert answer.status_code == 200
    said = answer.json()
    assert said["ok"] is True
    assert set(said["versions"]) == {"liteagent_nb", "python"}
    assert {"contexts", "stream"} <= set(said["abilities"])


def test_ready_runs_code_on_a_kernel(client):
    answer = client.get("/ready")

    assert answer.status_code == 200
    assert answer.json()["ok"] is True


def test_what_is_printed_comes_back(client):
    said = run(client, "print(123)")

    assert said["t_ms"] > 0
    assert said | {"t_ms": 0, "execution_count": 1} == {
        "ok": True, "rc": 0, "stdout": "123\n", "stderr": "", "error": None, "t_ms": 0, "truncated": False,
        "status": "ok", "result": None, "outputs": [{"output_type": "stream", "name": "stdout", "text": "123\n"}],
        "exception": None, "execution_count": 1, "context": "", "state_lost": False,
    }  # fmt: skip


def test_outputs_are_mime_bundles_and_the_last_value_is_the_result(client):
    said = run(client, "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))\n6 * 7")

    assert said["outputs"][0]["data"]["text/html"] == "<b>bold</b>"
    assert said["result"] == "42"


def test_code_that_raises_is_an_answer_with_the_exception(client):
    said = run(client, "1 / 0")

    assert (said["ok"], said["rc"], said["status"]) == (False, 1, "error")
    assert said["exception"]["ename"] == "ZeroDivisionError"
    assert said["exception"]["evalue"] == "division by zero"
    assert said["exception"]["traceback"]


def test_too_much_output_is_cut_and_says_so(client):
    said = run(client, "print('x' * 30_000_000)")

    assert said["truncated"] is True
    assert len(said["stdout"]) < 25_000_000


def test_a_time_limit_ends_the_code_and_the_context_is_usable_again(client, context):
    run(client, "kept = 7", context=context)

    said = run(client, "while True: pass", timeout_sec=0.5, context=context)

    assert (said["ok"], said["rc"], said["status"]) == (False, -1, "timeout")
    assert said["error"] == "timeout after 0.5s"
    assert run(client, "kept", context=context)["result"] == "7"


def test_a_missing_program_is_minus_two(client, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    said = run(client, "fn main() {}", language="rust")

    assert (said["ok"], said["rc"]) == (False, -2)


def test_an_unknown_language_is_refused_with_the_list(client):
    said = error(client.post("/exec", json={"language": "cobol", "code": "x"}))

    assert said["status"] == 400
    assert "'cobol'" in said["message"]
    assert "python" in said["message"]
    assert "bash" in said["message"]


def test_python_runs_in_a_process_of_its_own_and_sees_no_key(client, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-the-user")

    said = run(client, "import os\nprint(os.getpid(), 'sk-secret-of-the-user' in str(os.environ))")

    assert said["stdout"].split()[0] != str(os.getpid())
    assert said["stdout"].split()[1] == "False"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("bash", "echo 123"),
        ("javascript", "console.log(123)"),
        ("c", '#include <stdio.h>\nint main() { printf("123\\n"); }'),
    ],
)
def test_other_languages_run_as_programs(client, language, code):
    said = run(client, code, language=language, timeout_sec=60)

    assert (said["ok"], said["rc"], said["stdout"]) == (True, 0, "123\n")


def test_the_languages_are_listed_with_versions(client):
    languages = {said["name"]: said for said in client.get("/languages").json()["languages"]}

    assert set("python bash javascript typescript c cpp go rust java".split()) <= set(languages)
    assert languages["python"]["is_installed"]
    assert languages["python"]["keeps_state"]
    assert "bash" in languages["bash"]["version"]


def test_a_context_keeps_its_state_and_without_one_each_call_is_fresh(client, context):
    assert run(client, "x = 5", context=context)["context"] == context

    assert run(client, "x", context=context)["result"] == "5"
    assert run(client, "x")["exception"]["ename"] == "NameError"


def test_contexts_are_made_listed_restarted_and_closed(client):
    made = client.post("/contexts", json={"language": "python", "name": "plot-1"})

    assert made.status_code == 201
    assert made.headers["location"] == "/contexts/plot-1"
    assert "plot-1" in [said["id"] for said in client.get("/contexts").json()["contexts"]]
    assert client.get("/contexts/plot-1").json()["state"] == "idle"
    assert error(client.post("/contexts", json={"name": "plot-1"}))["status"] == 409
    run(client, "x = 5", context="plot-1")
    assert client.post("/contexts/plot-1/restart").json()["id"] == "plot-1"
    assert run(client, "x", context="plot-1")["exception"]["ename"] == "NameError"
    assert client.delete("/contexts/plot-1").json() == {"ok": True}
    assert client.get("/contexts/plot-1").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("POST", "/restart"), ("POST", "/interrupt")],
)
def test_an_unknown_context_is_not_found(client, method, path):
    said = error(client.request(method, f"/contexts/nobody{path}"))

    assert (said["status"], said["type"]) == (404, "UnknownContext")


def test_code_for_an_unknown_context_is_not_run(client):
    assert error(client.post("/exec", json={"code": "1", "context": "nobody"}))["status"] == 404
    assert error(client.post("/exec/stream", json={"code": "1", "context": "nobody"}))["status"] == 404


def test_a_kernel_that_dies_is_reported_and_replaced(client, context):
    said = run(client, "import os; os._exit(3)", context=context)

    assert (said["ok"], said["status"], said["state_lost"]) == (False, "died", True)
    assert run(client, "1 + 1", context=context)["result"] == "2"


def test_the_figures_are_prometheus_text(client):
    run(client, "1")

    answer = client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'liteagent_http_responses_total{status="200"}' in answer.text
    assert 'liteagent_executions_total{status="ok"}' in answer.text
    assert "liteagent_executions_running 0" in answer.text


def test_the_page_about_the_routes_asks_nobody_else(client):
    page = client.get("/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert "/exec/stream" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


def test_the_seeds_curl_prints_its_answer(tmp_path):
    command = [sys.executable, "-m", "uvicorn", "liteagent_nb.services.exec_rpc_server:app", "--port", "0"]
    log = tmp_path / "log"
    with log.open("w") as opened, subprocess.Popen(command, env=ENV, stderr=opened, cwd=tmp_path) as process:
        try:
            assert until(lambda: "running on" in log.read_text(), within_s=60)
            url = re.search(r"running on (\S+)", log.read_text())[1]
            words = ["curl", "-sf", "-X", "POST", f"{url}/exec", "-H", "content-type: application/json",
                     "-d", '{"language":"python","code":"print(123)"}']  # fmt: skip
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        finally:
            process.terminate()

    assert done.returncode == 0
    assert '"stdout":"123\\n"' in done.stdout
    assert "it is open to every program on this machine" in log.read_text()


def test_the_readmes_lines_do_what_it_says(url, tmp_path):
    section = README.partition("## Exec-RPC")[2].partition("\n## ")[0].replace("http://127.0.0.1:8790", url)
    _, curl, python = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    script = "async def main():\n" + textwrap.indent(python, "    ") + "    print(answer.stdout)\n"
    script = f"import asyncio\nTOKEN = {TOKEN!r}\n{script}asyncio.run(main())"

    curled = subprocess.run(
        ["bash", "-c", curl], env=ENV | {"TOKEN": TOKEN}, capture_output=True, text=True, check=True
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert '"stdout":"123\\n"' in curled.stdout
    assert ran.stdout.endswith("42\n\n")
    assert "'output_type': 'stream'" in ran.stdout


def test_no_kernel_outlives_the_server_that_is_stopped_or_killed(tmp_path):
    for end in ("terminate", "kill"):
        with exec_rpc_process("--token-file", "token", cwd=tmp_path) as (process, url, _said):
            headers = {"authorization": f"Bearer {(tmp_path / 'token').read_text().strip()}"}
            made = httpx.post(f"{url}/contexts", headers=headers, timeout=60)
            assert made.status_code == 201
            started = psutil.Process(process.pid).children(recursive=True)
            assert made.json()["pid"] in [child.pid for child in started]

            getattr(process, end)()

            assert process.wait(20) == {"terminate": 0, "kill": -9}[end]
            assert until(lambda: not any(_is_alive(child) for child in started)), started  # noqa: B023


def _is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_runs_when_the_server_is_stopped_gets_its_time(tmp_path):
    with exec_rpc_process("--open", cwd=tmp_path) as (process, url, _said), httpx.Client(timeout=60) as client:
        run_url = f"{url}/exec/stream"
        body = {"code": "import time\nprint('on', flush=True)\ntime.sleep(1)\nprint('done')"}
        with client.stream("POST", run_url, json=body) as answer:
            lines = answer.iter_lines()
            while "on" not in next(lines):
                pass
            process.terminate()
            rest = "\n".join(lines)

        assert "event: result" in rest
        assert "done" in rest
        assert process.wait(20) == 0


def test_what_does_not_end_in_its_time_is_told_that_the_server_stops(tmp_path):
    body = {"code": "import time\nprint('on', flush=True)\ntime.sleep(100)", "timeout_sec": 200}
    with (
        exec_rpc_process("--open", "--drain", "1", cwd=tmp_path) as (process, url, _said),
        httpx.Client(timeout=60) as client,
        ThreadPoolExecutor() as threads,
        client.stream("POST", f"{url}/exec/stream", json=body) as streamed,
    ):
        whole = threads.submit(httpx.post, f"{url}/exec", json=body, timeout=60)
        lines = streamed.iter_lines()
        while "on" not in next(lines):
            pass
        assert until(lambda: "running 2" in client.get(f"{url}/metrics").text)
        process.terminate()
        rest = "\n".join(lines)

        assert error(whole.result())["type"] == "Stopping"
        assert "event: error" in rest
        assert '"Stopping"' in rest
        assert process.wait(20) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_token_is_made_kept_for_its_user_alone_and_said_once(tmp_path):
    env = ENV | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
    file = tmp_path / "liteagent-token"
    with exec_rpc_process(cwd=tmp_path, env=env) as (_, url, first):
        token = file.read_text().strip()
        assert token in first
        assert httpx.get(f"{url}/languages").status_code == 401

    with exec_rpc_process(cwd=tmp_path, env=env) as (_, url, second):
        assert token not in second
        assert httpx.get(f"{url}/languages", headers={"authorization": f"Bearer {token}"}, timeout=60).is_success

    assert file.stat().st_mode & 0o777 == 0o600


def test_the_environments_key_is_the_token(tmp_path):
    env = ENV | {"MINI_AGENT_API_KEY": "of-the-environment"}
    with exec_rpc_process(cwd=tmp_path, env=env) as (_, url, said):
        answer = httpx.get(f"{url}/contexts", headers={"authorization": "Bearer of-the-environment"})

    assert answer.status_code == 200
    assert "of-the-environment" not in said
