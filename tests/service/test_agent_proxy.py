"""The agent over HTTP as contract.md 4 wants it: a real server, real kernels, scripted models."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from agent_server import AUTH, TOKEN, Parrot, asking, events, failure
from exec_server import ENV, service_process, serving, until

from liteagent_nb import AgentConfig, Cassette, EchoMCP, HttpToolsInvoker, run_mcp_mini_agent
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services import http_tools_stub
from liteagent_nb.services.agent_proxy import create_app
from liteagent_nb.services.config_fields import CONFIG_KINDS
from liteagent_nb.services.traces import TraceFile
from liteagent_nb.testing import call, calls, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.tools.toolbox import Toolbox

ENVELOPE = {"ok", "final_answer", "stopped_reason", "messages", "metrics", "usage"}


def parcel_price(weight_kg: float) -> str:
    """Price of sending a parcel."""
    return f"{4.5 + 1.2 * weight_kg:.2f} EUR"


@pytest.fixture(scope="module")
def parrot():
    return Parrot()


@pytest.fixture(scope="module")
def url(parrot):
    app = create_app(model="parrot", models=[parrot], functions=[parcel_price], token=TOKEN)
    with serving(app) as url:
        yield url


@pytest.fixture
def client(url):
    with httpx.Client(base_url=url, headers=AUTH, timeout=60) as client:
        yield client


def run(client, **more):
    answer = client.post("/agent/run", json=asking(**more))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["/ready", "/health", "/healthz"])
def test_whether_it_is_there_is_answered_without_a_token(url, path):
    answer = httpx.get(url + path)

    assert (answer.status_code, answer.json()) == (200, {"ok": True})


def test_a_run_is_answered_with_everything_about_it(client, parrot):
    parrot.says(call("exec_python", code="print(6 * 7)"), "It is 42.")

    said = run(client)

    assert set(said) >= ENVELOPE
    assert (said["final_answer"], said["stopped_reason"]) == ("It is 42.", "success")
    assert [message["role"] for message in said["messages"]] == ["user", "assistant", "tool", "assistant"]
    assert said["metrics"] | {"ttotal_ms": 0} == {
        "iterations": 2, "escalated": False, "used_model": "parrot", "ttotal_ms": 0, "model_calls": 2, "tool_calls": 1,
    }  # fmt: skip
    assert said["metrics"]["ttotal_ms"] > 0
    assert said["usage"]["total_tokens"] > 0
    last = said["last_tool_invocation"]
    assert (last["name"], last["ok"], last["stdout"], last["arguments"]) == (
        "exec_python", True, "42\n", {"code": "print(6 * 7)"},
    )  # fmt: skip


def test_a_run_without_tools_has_no_last_invocation(client, parrot):
    script = parrot.says("Hello.")

    said = run(client, tool_backend="none")

    assert set(said) - {"final_answer_source", "stop_detail"} == ENVELOPE
    assert script.asked[0].tools == ()


def test_functions_of_ones_own_are_tools_beside_the_local_ones(client, parrot):
    script = parrot.says(call("parcel_price", weight_kg=3), "8.10 EUR.")

    assert run(client)["last_tool_invocation"]["result"] == "8.10 EUR"
    assert {"parcel_price", "exec_python", "exec_shell"} <= {tool.name for tool in script.asked[0].tools}


def test_a_runs_variables_stay_from_call_to_call_and_no_other_run_sees_them(client, parrot):
    parrot.says(
        call("exec_python", code="x = 5"),
        call("exec_python", code="print(x)"),
        "5.",
        call("exec_python", code="x"),
        "No.",
    )

    first, second = run(client), run(client)

    assert first["last_tool_invocation"]["stdout"] == "5\n"
    assert "NameError" in second["last_tool_invocation"]["stderr"]


def test_two_runs_at_once_have_a_context_each(client, parrot):
    async def answer(asked):
        own = next(m["content"] for m in asked.transcript if m["role"] == "user")
        turn = sum(m["role"] == "tool" for m in asked.transcript)
        if turn == 0:
            return slow(0.2, call("exec_python", code=f"who = {own!r}"))
        return call("exec_python", code="print(who)") if turn == 1 else f"I am {own}."

    parrot.says(*[answer] * 12)

    with ThreadPoolExecutor() as threads:
        said = list(threads.map(lambda name: run(client, text=name), ["Ann", "Bob", "Cem", "Dan"]))

    assert [one["last_tool_invocation"]["stdout"] for one in said] == ["Ann\n", "Bob\n", "Cem\n", "Dan\n"]


def test_code_that_is_walled_off_sees_no_file_of_the_users(parrot, tmp_path):
    (tmp_path / "diary").write_text("dear diary")
    parrot.says(call("exec_python", code=f"print(open({str(tmp_path / 'diary')!r}).read())"), "No.")

    with serving(create_app(model="parrot", models=[parrot], isolate=True, token="")) as url:
        said = httpx.post(f"{url}/agent/run", json=asking(), timeout=60).json()

    assert "FileNotFoundError" in said["last_tool_invocation"]["stderr"]


def test_limits_of_the_request_hold(client, parrot):
    parrot.says(call("compress_runs", s="aab"), call("compress_runs", s="aaab"))

    said = run(client, max_iterations=2, tool_allowlist=["compress_runs"])

    assert (said["stopped_reason"], said["metrics"]["iterations"]) == ("max_iterations", 2)
    assert (said["final_answer"], said["final_answer_source"]) == ("a3b1", "tool")


def test_a_spent_budget_is_a_result_and_no_failure(client, parrot):
    parrot.says(slow(30, "late"))

    said = run(client, max_total_seconds=0.2)

    assert (said["ok"], said["stopped_reason"]) == (True, "budget")


def test_a_stronger_model_takes_over_where_that_is_asked_for(client, parrot):
    parrot.says("Strong.")

    said = run(client, max_iterations=1, escalate_on_budget_exceeded=True, escalate_model="parrot")

    assert said["metrics"]["escalated"] is True


WRONG = {"string": 1, "integer": "1", "number": "1", "boolean": 1, "array": "x", "object": "x"}


@pytest.mark.parametrize("name", sorted(CONFIG_KINDS))
def test_every_field_of_the_config_is_known_and_its_type_is_checked(client, name):
    schema = client.get("/openapi.json").json()["components"]["schemas"]["RunRequest"]["properties"][name]
    kind = (schema.get("anyOf") or [schema])[0]["type"]

    said = failure(client.post("/agent/run", json=asking(**{name: WRONG[kind]})))

    assert said["status"] == 422
    assert f"`{name}` must be" in said["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": []},
        {"messages": "hi"},
        {"messages": ["hi"]},
        {"messages": [{"content": "hi"}]},
        {"messages": [{"role": "robot", "content": "hi"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": "user", "content": [{"text": "no type"}]}]},
        {"messages": [{"role": "user", "content": "half \ud800"}]},
        asking(tool_backend="magic"),
        asking(max_iterations=0),
        asking(tool_timeout_sec=-1),
        asking(max_iteratoins=3),
        asking(tool_backend="http", tool_http_base_url="http://127.0.0.1:9", tool_http_headers={"a b": "c"}),
        asking(tool_backend="http", tool_http_base_url="http://127.0.0.1:9", tool_http_headers={"a": "b\r\nc: d"}),
    ],
)
@pytest.mark.parametrize("path", ["/agent/run", "/agent/run/stream"])
def test_a_body_that_makes_no_sense_is_refused(client, body, path):
    assert (
        failure(client.post(path, content=json.dumps(body), headers={"content-type": "application/json"}))["status"]
        == 422
    )


def test_the_stream_has_the_events_of_the_run_and_ends_with_the_whole_of_it(client, parrot):
    parrot.says(calls(call("exec_python", code="print(6 * 7)"), text="Let me see."), "It is 42.", chunk_chars=3)

    answer = client.post("/agent/run/stream", json=asking())

    assert answer.headers["content-type"] == "text/event-stream"
    told = events(answer.text)
    names = [name for name, _ in told]
    assert list(dict.fromkeys(names)) == ["TextDelta", "ToolStarted", "ToolFinished", "StepDone", "RunDone"]
    assert names.count("StepDone") == 2
    assert names[-1] == "RunDone"
    texts = [json.loads(data)["text"] for name, data in told if name == "TextDelta"]
    assert texts[:4] == ["Let", " me", " se", "e."]
    assert "".join(texts) == "Let me see.It is 42."
    started, finished = (json.loads(next(d for n, d in told if n == name)) for name in ("ToolStarted", "ToolFinished"))
    assert started["call"]["function"]["name"] == finished["name"] == "exec_python"
    assert finished["stdout"] == "42\n"
    last = json.loads(told[-1][1])
    assert set(last) >= ENVELOPE
    assert last["final_answer"] == "It is 42."


def test_pieces_come_as_soon_as_they_are_said(client, parrot):
    parrot.says(slow(0, "abcd", each_s=0.3), chunk_chars=1)

    with client.stream("POST", "/agent/run/stream", json=asking()) as answer:
        first = next(answer.iter_text())

    assert first.count("TextDelta") == 1


def test_the_tools_of_a_host_are_used_and_the_callers_header_arrives(client, parrot, monkeypatch):
    monkeypatch.setenv("MINI_AGENT_TOOL_HTTP_HEADERS", '{"Authorization": "Bearer of-the-environment"}')
    monkeypatch.setenv("MINI_AGENT_TOOL_HTTP_ALLOW", "127.0.0.1")
    parrot.says(call("shout", text="hi"), "HI.")
    tools = Toolbox({"shout": lambda text: text.upper()})

    with serving(http_tools_stub.create_app(tools, token="of-the-caller")) as host:
        headers = {"authorization": "Bearer of-the-caller"}
        said = run(client, tool_backend="http", tool_http_base_url=host, tool_http_headers=headers)

    assert said["last_tool_invocation"]["result"] == "HI"
    assert "of-the-caller" not in json.dumps(said)


def test_without_an_address_there_are_no_tools_of_a_host(client):
    said = failure(client.post("/agent/run", json=asking(tool_backend="http")))

    assert (said["status"], said["type"]) == (400, "ConfigError")
    assert "tool_http_base_url" in said["message"]


def test_the_stub_model_answers_only_where_it_is_allowed(client, monkeypatch):
    monkeypatch.delenv("MINI_AGENT_ALLOW_DUMMY", raising=False)
    refused = failure(client.post("/agent/run", json=asking(model="dummy", tool_backend="echo")))
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")

    said = run(client, model="dummy", tool_backend="echo")
    chat = client.post("/v1/chat/completions", json=asking(model="dummy"))

    assert refused["status"] == 400
    assert "MINI_AGENT_ALLOW_DUMMY" in refused["hint"]
    assert set(said) >= ENVELOPE
    assert "[stub]" in said["final_answer"]
    assert chat.status_code == 200
    assert "dummy" in [entry["id"] for entry in client.get("/v1/models").json()["data"]]


def test_its_own_tools_are_called_by_other_agents(client, url):
    tools = HttpToolsInvoker(url, headers={"Authorization": f"Bearer {TOKEN}"})
    assert {"echo", "exec_python", "parcel_price"} <= {tool["function"]["name"] for tool in client.get("/tools").json()}
    cassette_less = client.post("/invoke", json={"name": "exec_python", "arguments": {"code": "print(6 * 7)"}}).json()
    assert (cassette_less["ok"], cassette_less["stdout"]) == (True, "42\n")

    async def asked():
        async with tools:
            return await tools.call_tool("echo", {"text": "hi"}, timeout_s=10)

    from liteagent_nb.core.portal import shared_portal

    assert shared_portal().wait_for(asked()).text == "hi"


def test_the_figures_are_prometheus_text(client, parrot):
    parrot.says(call("compress_runs", s="aab"), "a2b1.")
    run(client)

    answer = client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'liteagent_http_responses_total{status="200"}' in answer.text
    assert 'liteagent_runs_total{status="success"}' in answer.text
    assert "liteagent_runs_running 0" in answer.text
    assert 'liteagent_tokens_total{kind="prompt"}' in answer.text
    assert 'liteagent_tool_calls_total{outcome="ok"}' in answer.text


def test_the_page_about_the_routes_asks_nobody_else(client):
    page = client.get("/docs").text

    assert "/v1/chat/completions" in page
    assert "http://" not in page


@pytest.mark.weights
def test_the_embedded_model_answers_where_no_other_is_named(weights, monkeypatch):
    monkeypatch.delenv("LITELLM_DEFAULT_MODEL", raising=False)
    with serving(create_app(token=TOKEN)) as url, httpx.Client(base_url=url, headers=AUTH, timeout=90) as client:
        names = [entry["id"] for entry in client.get("/v1/models").json()["data"]]
        said = client.post("/v1/chat/completions", json=asking("What is 1234 * 5678?", model="mini")).json()

    assert names == ["local/smollm2"]
    assert said["model"] == "local/smollm2"
    assert "7006652" in said["choices"][0]["message"]["content"].replace(",", "")


def test_traces_are_one_line_a_run_for_nobody_else_and_without_secrets(tmp_path, monkeypatch, parrot):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-environment")
    monkeypatch.setenv("MINI_AGENT_STORE_TRACES", "1")
    monkeypatch.setenv("MINI_AGENT_STORE_PATH", str(tmp_path / "kept" / "traces.jsonl"))
    script = ["key-of-the-environment", call("compress_runs", s="aab"), "Done.", ZeroDivisionError("a bug")]
    parrot.says(*script)
    headers = {"x-key": "header-of-the-caller"}

    with serving(create_app(model="parrot", models=[parrot], token=TOKEN)) as url:
        client = httpx.Client(base_url=url, headers=AUTH, timeout=60)
        far = asking(
            "header-of-the-caller", tool_backend="http", tool_http_base_url=url, tool_http_headers=AUTH | headers
        )
        statuses = [client.post(path, json=body).status_code for path, body in [
            ("/agent/run", far), ("/v1/chat/completions", asking()), ("/agent/run/stream", asking()),
        ]]  # fmt: skip
        client.close()

    file = tmp_path / "kept" / "traces.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert statuses == [200, 200, 502]
    assert [line["stopped_reason"] for line in lines] == ["success", "success", "error"]
    assert lines[1]["iterations"][0]["tool_invocations"][0]["name"] == "compress_runs"
    assert lines[2]["error"]["type"] == "ModelError"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not {"key-of-the-environment", "header-of-the-caller", TOKEN} & set(
        file.read_text().replace('"', " ").split()
    )


def test_a_trace_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "traces.jsonl"
    file.touch(0o644)

    with pytest.raises(ConfigError, match="others can read"):
        TraceFile(file)


def test_without_the_switch_there_are_no_traces(tmp_path, monkeypatch, parrot):
    monkeypatch.setenv("MINI_AGENT_STORE_PATH", str(tmp_path / "traces.jsonl"))
    parrot.says("Hello.")
    with serving(create_app(model="parrot", models=[parrot], token="")) as url:
        httpx.post(f"{url}/agent/run", json=asking())

    assert list(tmp_path.iterdir()) == []


def test_the_command_makes_a_token_says_when_it_is_ready_and_tells_a_run_that_it_stops(tmp_path):
    with serving_provider("From afar.", slow(60, "late")) as provider:
        base = {"OPENAI_API_BASE": provider.url, "OPENAI_API_KEY": provider.key}
        env = ENV | base | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
        words = ("--model", "openai/test-model", "--drain", "1")
        with service_process("serve", *words, cwd=tmp_path, env=env) as (process, url, said):
            token = (tmp_path / "liteagent-token").read_text().strip()
            statuses = []
            with (
                httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client,
                ThreadPoolExecutor() as threads,
            ):
                assert until(lambda: statuses.append(client.get("/ready").status_code) or statuses[-1] == 200, 60)
                answer = client.post("/v1/chat/completions", json=asking(tool_choice="none"))
                asked = threads.submit(
                    httpx.post, f"{url}/agent/run", json=asking(), headers=client.headers, timeout=60
                )
                assert until(lambda: len(provider.requests) == 2, within_s=20)
                process.terminate()
                stopped = failure(asked.result())
            code = process.wait(20)

    assert token in said
    assert statuses[0] == 503  # litellm takes a while to load
    assert set(statuses) == {200, 503}
    assert answer.json()["choices"][0]["message"]["content"] == "From afar."
    assert (stopped["type"], stopped["status"]) == ("Stopping", 503)
    assert code == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_command_replays_a_cassette_without_a_key(tmp_path):
    with serving_provider("Recorded.") as provider:
        config = AgentConfig(
            model="openai/test-model", completion_kwargs={"api_base": provider.url, "api_key": provider.key}
        )
        recorded = Cassette(tmp_path / "one.cassette.json", "record")
        run_mcp_mini_agent("What is it?", mcp=EchoMCP(), cfg=config, cassette=recorded)

    words = ("--open", "--model", "openai/test-model", "--cassette", "one.cassette.json")
    with service_process("serve", *words, cwd=tmp_path) as (_, url, _said):
        said = httpx.post(f"{url}/agent/run", json=asking(tool_backend="echo"), timeout=60).json()
        missing = failure(httpx.post(f"{url}/agent/run", json=asking("Another?", tool_backend="echo"), timeout=60))

    assert said["final_answer"] == "Recorded."
    assert (missing["type"], missing["status"]) == ("CassetteMiss", 502)


def test_the_app_of_the_module_is_made_when_it_is_asked_for(monkeypatch):
    from liteagent_nb.services import agent_proxy

    monkeypatch.setenv("MINI_AGENT_API_KEY", "of-the-environment")
    with serving(agent_proxy.app) as url:
        assert httpx.get(f"{url}/tools").status_code == 401
        assert httpx.get(f"{url}/tools", headers={"authorization": "Bearer of-the-environment"}).status_code == 200
