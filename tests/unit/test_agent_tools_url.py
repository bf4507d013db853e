"""`%%agent --tools-url`: the tools of a host, in a real IPython shell, and replayed without that host."""

from __future__ import annotations

import json

import pytest

from liteagent_nb import (
    AgentConfig,
    Cassette,
    CompositeInvoker,
    HttpToolsInvoker,
    Toolbox,
    run_mcp_mini_agent,
    serve_tools,
)
from liteagent_nb.core.errors import CassetteMiss, ConfigError, ToolError
from liteagent_nb.testing import ScriptedModel, call

TOKEN = "a-token-of-a-tools-host"


def area(width: float, height: float) -> float:
    """Multiply."""
    return width * height


def double(number: int) -> int:
    """Double."""
    return 2 * number


@pytest.fixture(scope="module")
def host():
    with serve_tools([area], token=TOKEN) as host:
        yield host


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "LITEAGENT_CASSETTE",
        "JPY_SESSION_NAME",
        "MINI_AGENT_TOOL_HTTP_HEADERS",
        "MINI_AGENT_TOOL_HTTP_ALLOW",
    ):
        monkeypatch.delenv(name, raising=False)
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    return tmp_path


def asking():
    return ScriptedModel(call("area", width=3, height=4), "It is 12.")


def test_the_tools_of_a_host_are_used_instead_of_the_local_ones(new_notebook, folder, host):
    model = asking()
    notebook = new_notebook(m=model)

    run = notebook.run(f"%agent --tools-url {host.url} --tools-token-file token -m m how large is it?")

    assert (run.final_answer, run.tool_invocations[0].result) == ("It is 12.", 12.0)
    assert [tool.name for tool in model.asked[0].tools] == ["area"]
    assert f"with the tools of {host.url}" in notebook.shown


def test_functions_of_the_notebook_come_beside_them(new_notebook, folder, host):
    model = ScriptedModel(call("double", number=4), "8")
    notebook = new_notebook(m=model, double=double)

    run = notebook.run(f"%agent --tools-url {host.url} --tools-token-file token --tool double -m m and twice that?")

    assert run.tool_invocations[0].result == 8
    assert [tool.name for tool in model.asked[0].tools] == ["double", "area"]


def test_the_command_tools_lists_them(new_notebook, folder, host):
    notebook = new_notebook()

    notebook.run(f"%agent --tools-url {host.url} --tools-token-file token tools")

    assert "area" in notebook.shown
    assert "exec_python" not in notebook.shown


def test_the_environment_gives_the_token_to_a_host_that_it_allows(new_notebook, folder, host, monkeypatch):
    monkeypatch.setenv("MINI_AGENT_TOOL_HTTP_HEADERS", json.dumps({"authorization": f"Bearer {TOKEN}"}))
    notebook = new_notebook(m=asking())

    refused = notebook.fails(f"%agent --tools-url {host.url} -m m how large?", ConfigError)
    monkeypatch.setenv("MINI_AGENT_TOOL_HTTP_ALLOW", host.url)
    run = notebook.run(f"%agent --tools-url {host.url} -m m how large?")

    assert "MINI_AGENT_TOOL_HTTP_ALLOW" in refused.hint
    assert run.final_answer == "It is 12."


def test_a_host_that_is_not_there_is_two_lines(new_notebook, folder):
    error = new_notebook(m=asking()).fails("%agent --tools-url http://127.0.0.1:1 -m m how large?", ToolError)

    assert "http://127.0.0.1:1 cannot be reached" in str(error)
    assert error.hint


@pytest.mark.parametrize("mode", ["replay", "auto"])
def test_a_replay_asks_neither_the_host_nor_for_its_token(new_notebook, folder, mode):
    with serve_tools([area], token=TOKEN) as host:
        live = new_notebook(m=asking()).run(
            f"%agent --cassette record:a.cassette.json --tools-url {host.url} --tools-token-file token -m m how large?"
        )
    (folder / "token").unlink()
    silent = ScriptedModel()

    notebook = new_notebook(m=silent)
    notebook.run(f"%agent cassette {mode} a.cassette.json")  # read anew
    # The host is gone; where it was on this machine, its port does not count.
    run = notebook.run("%agent --tools-url http://127.0.0.1:1 --tools-token-file token -m m how large?")

    assert (run.final_answer, run.is_replayed, silent.asked) == ("It is 12.", True, [])
    assert run.tool_invocations[0].result == live.tool_invocations[0].result == 12.0
    assert TOKEN not in (folder / "a.cassette.json").read_text()


def test_the_list_of_another_host_is_not_on_the_cassette(new_notebook, folder, host):
    new_notebook(m=asking()).run(
        f"%agent --cassette record:a.cassette.json --tools-url {host.url} --tools-token-file token -m m how large?"
    )

    error = new_notebook(m=asking()).fails(
        "%agent --cassette replay:a.cassette.json --tools-url https://tools.example.org -m m how large?", CassetteMiss
    )

    assert "list of the tools of https://tools.example.org" in str(error)


def test_a_cassette_says_that_it_holds_a_list_of_tools(new_notebook, folder, host):
    notebook = new_notebook(m=asking())
    notebook.run("%agent cassette record a.cassette.json")
    notebook.run(f"%agent --tools-url {host.url} --tools-token-file token -m m how large?")

    notebook.run("%agent cassette")

    assert "4 tracks: 2 questions, 1 tool call, 1 tool list" in notebook.shown


@pytest.mark.parametrize("beside", [[], [double]])
def test_in_python_a_replay_asks_no_host_either(folder, monkeypatch, beside):
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")

    def run(url, mode):
        far = HttpToolsInvoker(url, {"authorization": f"Bearer {TOKEN}"})
        tools = CompositeInvoker([Toolbox(beside), far]) if beside else far
        return run_mcp_mini_agent("hi", tools, AgentConfig(model="dummy"), cassette=Cassette("a.cassette.json", mode))

    with serve_tools([area], token=TOKEN) as host:
        live = run(host.url, "record")
    replayed = run("http://127.0.0.1:1", "replay")

    assert (replayed.final_answer, replayed.is_replayed) == (live.final_answer, True)


def test_a_host_of_the_notebook_is_named_and_brings_its_token(new_notebook, folder, host):
    notebook = new_notebook(m=asking(), host=host, number=7)

    run = notebook.run("%agent -m m --tools-url $host how large is 3 by 4?")

    assert (run.final_answer, run.tool_invocations[0].result) == ("It is 12.", 12.0)
    assert TOKEN not in notebook.shown
    assert "is no host" in str(notebook.fails("%agent -m m --tools-url $number and now?", ConfigError))
