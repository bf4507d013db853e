"""McpInvoker against servers that die, flood, lie, hang and stay: real processes with bad manners."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from exec_server import until

from liteagent_nb import McpInvoker
from liteagent_nb.core.errors import ConfigError, ToolError
from liteagent_nb.core.portal import Portal
from liteagent_nb.tools import _mcp_stdio

FAULTY = Path(__file__).with_name("mcp_faulty.py")


@pytest.fixture
def faulty(tmp_path):
    """Return a function that makes the invoker of a server with such manners; `pids` lists its processes."""
    made = []

    def new(manners="none", *, name="bad", **settings):
        entry = {"command": sys.executable, "args": [str(FAULTY), manners, str(tmp_path / "pids")]}
        invoker = McpInvoker({"mcpServers": {name: entry}}, **settings)
        invoker.pids = lambda: [int(line) for line in (tmp_path / "pids").read_text().split()]
        made.append(invoker)
        return invoker

    yield new
    assert until(lambda: not mcp_children()), "a server was left"


def mcp_children():
    return children_with("mcp_faulty")


def children_with(word):
    return [child.pid for child in psutil.Process().children(recursive=True) if word in words_of(child)]


def words_of(process):
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


async def test_a_server_that_dies_in_a_call_is_a_failed_observation_with_its_last_words_and_comes_back(faulty):
    async with faulty() as invoker:
        died = await invoker.call_tool("die", {}, timeout_s=5)
        again = await invoker.call_tool("ok", {"x": 1}, timeout_s=5)

    assert not died.ok
    assert "'bad' died in the call; it ended with exit code 3" in died.error
    assert "I go now" in died.error
    assert again.text == 'ok {"x": 1}'
    assert len(invoker.pids()) == 2


async def test_a_server_that_died_between_two_calls_is_started_again_unnoticed(faulty):
    async with faulty() as invoker:
        await invoker.call_tool("ok", {}, timeout_s=5)
        os.kill(invoker.pids()[0], signal.SIGKILL)
        assert await asyncio.to_thread(until, lambda: not psutil.pid_exists(invoker.pids()[0]))
        await asyncio.sleep(0.2)
        again = await invoker.call_tool("ok", {}, timeout_s=5)

    assert again.ok


async def test_a_server_that_starts_more_slowly_than_a_call_may_take_is_there_for_a_later_call(faulty):
    async with faulty("sleepy") as invoker:
        await invoker.call_tool("die", {}, timeout_s=5)
        early = await invoker.call_tool("ok", {}, timeout_s=0.2)
        later = await invoker.call_tool("ok", {}, timeout_s=5)

    assert early.error == "timeout after 0.2s; the server is still starting"
    assert later.ok
    assert len(invoker.pids()) == 2


async def test_a_server_that_always_dies_is_left_alone_after_three_times_until_somebody_asks_for_its_tools(faulty):
    async with faulty() as invoker:
        errors = [(await invoker.call_tool("die", {}, timeout_s=5)).error for _ in range(5)]
        assert len(invoker.pids()) == 3
        tools = await invoker.list_tools()

    assert all("died in the call" in error for error in errors[:3])
    assert all("died 3 times in a row" in error for error in errors[3:])
    assert "ok" in [tool.name for tool in tools]


async def test_a_flood_on_stderr_neither_blocks_the_server_nor_stays_in_memory(faulty):
    async with faulty() as invoker:
        before = psutil.Process().memory_info().rss
        flooded = await invoker.call_tool("flood", {}, timeout_s=20)
        grown = psutil.Process().memory_info().rss - before
        died = await invoker.call_tool("die", {}, timeout_s=5)

    assert flooded.ok
    assert grown < 20_000_000
    assert len(died.error) < 10_000
    assert died.error.endswith("I go now")


async def test_a_result_of_50_mb_is_cut_and_says_how_large_it_was(faulty):
    async with faulty() as invoker:
        observation = await invoker.call_tool("big", {}, timeout_s=30)

    assert observation.ok
    assert len(observation.text) == 20_000
    assert "[50000000 characters, middle left out]" in observation.text


async def test_a_message_without_an_end_ends_the_server(faulty, monkeypatch):
    monkeypatch.setattr(_mcp_stdio, "MAX_MESSAGE_BYTES", 4 << 20)
    async with faulty() as invoker:
        observation = await invoker.call_tool("endless", {}, timeout_s=20)

        assert "it sent a message of more than 4 MB" in observation.error
        assert (await invoker.call_tool("ok", {}, timeout_s=5)).ok


async def test_lies_about_schemas_and_names_are_mended_or_left_out(faulty):
    async with faulty("lies") as invoker:
        tools = {tool.name: tool for tool in await invoker.list_tools()}
        answers = [await invoker.call_tool(name, {"x": 1}, timeout_s=5) for name in tools]

    assert all(tool.parameters["type"] == "object" for tool in tools.values())
    assert all(isinstance(tool.parameters["properties"], dict) for tool in tools.values())
    assert list(tools)[:6] == ["missing", "array", "text", "half", "output", "with_a_space_and_dots"]
    assert len(tools) == 8
    assert all(len(name) <= 64 for name in tools)
    assert all(answer.ok for answer in answers)


async def test_a_result_that_is_none_is_a_failed_observation(faulty):
    async with faulty() as invoker:
        observation = await invoker.call_tool("no-result", {}, timeout_s=5)

    assert not observation.ok
    assert "MCP server 'bad'" in observation.error


async def test_what_is_no_message_on_stdout_does_no_harm(faulty):
    async with faulty("chats") as invoker:
        assert (await invoker.call_tool("ok", {}, timeout_s=5)).ok

        assert "Welcome! This server is ready." in (await invoker.call_tool("die", {}, timeout_s=5)).error


async def test_a_call_has_a_time_limit_and_the_server_is_told(faulty):
    async with faulty() as invoker:
        await invoker.list_tools()
        began = time.monotonic()
        observation = await invoker.call_tool("hang", {}, timeout_s=0.3)
        took_s = time.monotonic() - began
        died = await invoker.call_tool("die", {}, timeout_s=5)

    assert (observation.ok, observation.rc, observation.error) == (False, -1, "timeout after 0.3s")
    assert took_s < 0.6
    assert "cancelled " in died.error


async def test_a_cancelled_call_returns_at_once_and_the_server_is_told(faulty):
    async with faulty() as invoker:
        await invoker.list_tools()
        task = asyncio.create_task(invoker.call_tool("hang", {}, timeout_s=30))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.3
        died = await invoker.call_tool("die", {}, timeout_s=5)

    assert "cancelled " in died.error


async def test_a_server_that_says_nothing_is_given_up_and_ended(faulty):
    invoker = faulty("silent", start_timeout_s=0.5)

    with pytest.raises(ToolError, match=r"'bad' cannot be opened: did not answer within 0\.5 s"):
        await invoker.list_tools()
    assert not mcp_children()


async def test_a_server_that_ends_at_once_shows_what_it_wrote(faulty):
    with pytest.raises(ToolError, match=r"(?s)exit code 1.*no configuration found"):
        async with faulty("crashes"):
            pass


async def test_an_interrupted_opening_leaves_no_process(faulty):
    invoker = faulty("silent")
    task = asyncio.create_task(invoker.list_tools())
    assert await asyncio.to_thread(until, mcp_children)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not mcp_children()


async def test_closing_ends_a_server_that_wants_to_stay_and_what_it_started(faulty):
    invoker = faulty("stays")
    await invoker.list_tools()
    left = children_with("sleep 600")
    assert left

    await invoker.aclose()
    assert not mcp_children()
    assert not any(psutil.pid_exists(pid) for pid in left)


async def test_another_task_than_the_one_that_opened_may_close_and_it_may_be_opened_again(faulty):
    invoker = faulty()
    await asyncio.create_task(invoker.list_tools())
    await asyncio.create_task(invoker.aclose())
    assert not mcp_children()

    assert (await invoker.call_tool("ok", {}, timeout_s=5)).ok
    await asyncio.create_task(invoker.aclose())


async def test_a_notebooks_two_loops_have_a_server_each_and_one_close_ends_both(faulty):
    invoker, portal = faulty(), Portal()
    observe = functools.partial(invoker.call_tool, "ok", {}, timeout_s=5)
    answers = [await observe(), await asyncio.to_thread(lambda: portal.wait_for(observe())), await observe()]

    assert [answer.text for answer in answers] == ["ok {}"] * 3
    assert len(invoker.pids()) == 2
    assert len(invoker.pids()) == 2
    await invoker.aclose()
    await asyncio.to_thread(lambda: portal.wait_for(invoker.aclose()))  # waits for what the other loop was told to do
    assert not mcp_children()
    portal.close()


async def test_closing_ends_a_call_under_way(faulty):
    invoker = faulty()
    await invoker.list_tools()
    task = asyncio.create_task(invoker.call_tool("hang", {}, timeout_s=30))
    await asyncio.sleep(0.2)

    await invoker.aclose()
    observation = await asyncio.wait_for(task, 2)
    assert not observation.ok


async def test_constructing_starts_nothing(faulty):
    faulty("crashes")

    assert not mcp_children()


async def test_where_one_of_two_servers_cannot_start_neither_is_left(faulty, tmp_path):
    good = {"command": sys.executable, "args": [str(FAULTY), "none", str(tmp_path / "good")]}
    bad = {"command": sys.executable, "args": [str(FAULTY), "crashes"]}

    with pytest.raises(ToolError, match="'bad' cannot be opened"):
        async with McpInvoker({"good": good, "bad": bad}):
            pass
    assert (tmp_path / "good").exists()
    assert not mcp_children()


async def test_two_servers_with_the_same_tools_have_their_names_before_them(faulty, tmp_path):
    entry = {"command": sys.executable, "args": [str(FAULTY), "none"]}
    async with McpInvoker({"one": entry, "two": entry}) as invoker:
        names = [tool.name for tool in await invoker.list_tools()]
        answer = await invoker.call_tool("two__ok", {}, timeout_s=5)

    assert {"one__ok", "two__ok"} < set(names)
    assert answer.text == "ok {}"


def test_no_server_outlives_a_process_that_is_killed(tmp_path):
    code = f"""
import asyncio
from liteagent_nb import McpInvoker
async def main():
    entry = {{"command": {sys.executable!r}, "args": [{str(FAULTY)!r}, "stays", {str(tmp_path / "pids")!r}]}}
    await McpInvoker({{"bad": entry}}).list_tools()
    print("open", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"open\n"
    server = int((tmp_path / "pids").read_text())

    process.kill()
    process.wait()
    process.stdout.close()
    assert until(lambda: not psutil.pid_exists(server))


async def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match="'x': no-such-program is not installed"):
        await McpInvoker({"x": {"command": "no-such-program"}}).list_tools()


async def test_a_variable_that_is_not_set_is_named():
    entry = {"command": sys.executable, "env": {"TOKEN": "${SURELY_NOT_SET}"}}

    with pytest.raises(ConfigError, match="wants the variable SURELY_NOT_SET"):
        await McpInvoker({"x": entry}).list_tools()


def test_without_the_extra_the_error_names_it_and_all_else_works():
    code = """
import asyncio, sys
sys.modules.update({name: None for name in ("mcp", "mcp_types", "httpx2")})
import liteagent_nb
from liteagent_nb import LocalMCPInvoker, McpInvoker, EchoMCP, Toolbox, HttpExecutor
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "liteagent_nb")
shell.run_line_magic("agent", "status")
async def main():
    print((await LocalMCPInvoker().call_tool("exec_python", {"code": "print(6 * 7)"})).text)
    await McpInvoker({"x": {"command": "true"}}).list_tools()
try:
    asyncio.run(main())
except liteagent_nb.LiteAgentError as error:
    print(type(error).__name__, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.strip().endswith('42\n\nConfigError pip install "liteagent_nb[mcp]"'), done.stderr
