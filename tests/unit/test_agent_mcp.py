"""`%agent --mcp` in a real IPython shell: servers that start once, and end."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import psutil
import pytest

from liteagent_nb.core.errors import ConfigError, ToolError
from liteagent_nb.testing import ScriptedModel, call

FAULTY = Path(__file__).parent.parent / "service" / "mcp_faulty.py"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with `mcp.json`, which names one server."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


def write(folder, manners="none"):
    entry = {"command": sys.executable, "args": [str(FAULTY), manners, str(folder / "pids")]}
    (folder / "mcp.json").write_text(json.dumps({"mcpServers": {"bad": entry}}))


def pids(folder):
    return [int(line) for line in (folder / "pids").read_text().split()]


def ask(notebook, words="--mcp mcp.json"):
    notebook.ns["m"] = ScriptedModel(call("ok", x=1), "done")
    return notebook.run(f"%agent -m m {words} do it")


def test_the_tools_of_a_file_are_offered_and_its_server_stays_from_question_to_question(notebook, folder):
    first, second = ask(notebook), ask(notebook)

    assert [run.tool_invocations[0].message for run in (first, second)] == ['ok {"x": 1}'] * 2
    assert len(pids(folder)) == 1
    assert psutil.pid_exists(pids(folder)[0])


def test_reset_ends_the_servers_and_the_next_question_starts_them_again(notebook, folder):
    ask(notebook)

    notebook.run("%agent reset")
    assert "The MCP servers were ended." in notebook.shown
    assert not psutil.pid_exists(pids(folder)[0])

    ask(notebook)
    assert len(pids(folder)) == 2


def test_unloading_ends_the_servers(notebook, folder):
    ask(notebook)

    notebook.shell.run_line_magic("unload_ext", "liteagent_nb")
    assert not psutil.pid_exists(pids(folder)[0])


def test_a_file_that_was_written_since_is_read_again(notebook, folder):
    ask(notebook)

    write(folder, "chats")
    os.utime(folder / "mcp.json", ns=(1, 1))
    ask(notebook)
    assert len(pids(folder)) == 2
    assert not psutil.pid_exists(pids(folder)[0])


def test_the_list_of_tools_has_those_of_the_servers_and_the_config_may_name_the_file(notebook, folder):
    notebook.run("%config AgentMagics.mcp = ['mcp.json']")

    notebook.run("%agent tools")
    assert "hang" in notebook.shown
    assert "exec_python" in notebook.shown


def test_a_recorded_task_is_replayed_without_its_servers(new_notebook, folder):
    ask(new_notebook(), "--mcp mcp.json --cassette record:a.cassette.json")
    write(folder, "crashes")
    os.utime(folder / "mcp.json", ns=(1, 1))
    notebook = new_notebook(m=ScriptedModel())

    run = notebook.run("%agent -m m --mcp mcp.json --cassette replay:a.cassette.json do it")

    assert run.tool_invocations[0].message == 'ok {"x": 1}'
    assert len(pids(folder)) == 1


def test_a_file_that_is_not_there_is_said_before_anything_is_asked(notebook, folder):
    notebook.ns["m"] = ScriptedModel()

    error = notebook.fails("%agent -m m --mcp none.json do it", ConfigError)
    assert "none.json" in str(error)


def test_a_server_that_cannot_start_turns_the_cell_red_and_shows_its_stderr(notebook, folder):
    write(folder, "crashes")
    notebook.ns["m"] = ScriptedModel()

    error = notebook.fails("%agent -m m --mcp mcp.json do it", ToolError)
    assert "no configuration found" in str(error)
