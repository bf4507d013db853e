"""Our MCP server, asked by the SDK's own client: over stdio as `jupyter liteagent mcp`, and over HTTP behind the guard."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager

import httpx
import httpx2
import psutil
import pytest
import pytest_asyncio
from exec_server import BIN, ENV, serving, until
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from liteagent_nb import AgentConfig, CompositeInvoker, LocalMCPInvoker, McpInvoker, Toolbox
from liteagent_nb.core.tools import Observation
from liteagent_nb.services.mcp_server import create_app, create_server
from liteagent_nb.testing import call, slow
from liteagent_nb.testing.provider import serving_provider

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "a-token-for-tests"
LOCAL = ["exec_python", "exec_shell", "exec_code", "research_echo", "compress_runs"]


def text_of(result):
    return result.content[0].text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell():
    """The command, as a client's settings would name it."""
    env = {"MINI_AGENT_ALLOW_DUMMY": "1", "LITELLM_DEFAULT_MODEL": "dummy"}
    command = StdioServerParameters(command=str(BIN / "jupyter-liteagent"), args=["mcp"], env=env)
    opened, closing = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def live():  # the SDK wants its client left by the task that entered it, which a fixture is not
        async with Client(command) as client:
            opened.set_result(client)
            await closing.wait()

    task = asyncio.create_task(live())
    yield await opened
    closing.set()
    await task


async def test_the_command_offers_the_local_tools_and_the_agent(shell):
    listed = await shell.list_tools()

    assert [tool.name for tool in listed.tools] == [*LOCAL, "ask_agent"]
    assert listed.tools[0].input_schema["required"] == ["code"]


async def test_a_tool_is_called_and_its_failure_is_a_result(shell):
    done = await shell.call_tool("exec_python", {"code": "print(6 * 7)"})
    failed = await shell.call_tool("exec_python", {"code": "1 / 0"})
    unknown = await shell.call_tool("no_such_tool", {})

    assert (done.is_error, text_of(done)) == (False, "42\n")
    assert failed.is_error
    assert "ZeroDivisionError" in text_of(failed)
    assert unknown.is_error
    assert "unknown tool 'no_such_tool'" in text_of(unknown)


async def test_the_agent_answers_and_says_which_model_it_was(shell):
    result = await shell.call_tool("ask_agent", {"task": "hello"})

    assert text_of(result).startswith("[stub]")
    assert result.structured_content["stopped_reason"] == "success"
    assert result.structured_content["model"] == "dummy"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "takes a task"),
        ({"task": " "}, "takes a task"),
        ({"task": "x", "model": 5}, "takes a task"),
        ({"task": "x", "model": "local/no-such-file.gguf"}, "no-such-file.gguf"),
    ],
)
async def test_what_the_agent_cannot_do_is_a_result_that_says_so(shell, arguments, complaint):
    result = await shell.call_tool("ask_agent", arguments)

    assert result.is_error
    assert complaint in text_of(result)


async def test_both_ends_meet(shell):
    env = {"MINI_AGENT_ALLOW_DUMMY": "1"}
    async with McpInvoker({"us": {"command": str(BIN / "jupyter-liteagent"), "args": ["mcp"], "env": env}}) as invoker:
        assert [tool.name for tool in await invoker.list_tools()] == [*LOCAL, "ask_agent"]

        assert (await invoker.call_tool("compress_runs", {"s": "aaabbc"}, timeout_s=10)).text == "a3b2c1"


def initialize(process):
    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    ask(process, "initialize", about)
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "liteagent_nb"


def ask(process, method, params):
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    process.stdin.write(line + "\n")
    process.stdin.flush()


@contextmanager
def started(*command):
    process = subprocess.Popen(
        command, env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        initialize(process)
        yield process
    finally:
        process.kill()
        process.communicate()


NOISY = """
import os, subprocess, sys
from liteagent_nb import Toolbox
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.services.mcp_server import serve_mcp

def noisy() -> str:
    print("printed")
    os.write(1, b"written")
    subprocess.run(["echo", "from a child"])
    return "quiet"

shared_portal().wait_for(serve_mcp(Toolbox([noisy])))
print("after")
"""


async def test_stdout_belongs_to_the_protocol_whatever_a_tool_prints():
    with started(sys.executable, "-c", NOISY) as process:
        ask(process, "tools/call", {"name": "noisy", "arguments": {}})
        said = json.loads(process.stdout.readline())
        process.stdin.close()
        process.stdin = None
        rest, errors = process.communicate(timeout=20)

    assert said["result"]["content"][0]["text"] == "quiet"
    assert rest == "after\n"  # then it is a plain program again
    assert all(word in errors for word in ("printed", "written", "from a child"))


@pytest.mark.parametrize("ending", ["stdin", signal.SIGINT, signal.SIGTERM])
async def test_the_command_ends_with_its_client_and_leaves_no_process(ending):
    with started(str(BIN / "jupyter-liteagent"), "mcp") as process:
        ask(process, "tools/call", {"name": "exec_python", "arguments": {"code": "import time; time.sleep(60)"}})
        me = psutil.Process(process.pid)
        assert until(lambda: len(me.children(recursive=True)) > 1)
        children = me.children(recursive=True)
        if ending == "stdin":
            process.stdin.close()
            process.stdin = None
        else:
            process.send_signal(ending)

        process.wait(5)
        assert until(lambda: not any(child.is_running() for child in children))


class Pictures:
    """An invoker whose tool shows a picture."""

    async def list_tools(self):
        return await Toolbox({"draw": lambda: None}).list_tools()

    async def call_tool(self, name, arguments, *, timeout_s):
        shown = {"output_type": "display_data", "data": {"image/png": "aGk=\n", "text/plain": "x"}}
        return Observation(ok=True, result="drawn", outputs=(shown,))


async def test_pictures_that_a_tool_shows_are_sent():
    async with Client(create_server(Pictures())) as client:
        result = await client.call_tool("draw", {})

    assert text_of(result) == "drawn"
    assert (result.content[1].mime_type, result.content[1].data) == ("image/png", "aGk=")


class Broken:
    """An invoker that breaks its promise: what goes wrong is raised."""

    def __init__(self, error):
        self._error = error

    async def list_tools(self):
        return await Toolbox({"break": lambda: None}).list_tools()

    async def call_tool(self, name, arguments, *, timeout_s):
        raise self._error


@pytest.mark.parametrize(
    ("error", "said"),
    [(ValueError("no"), "ValueError: no"), (asyncio.CancelledError(), "RuntimeError: the tool cancelled itself")],
)
async def test_whatever_an_invoker_raises_is_a_failed_result_and_the_server_goes_on(error, said):
    async with Client(create_server(Broken(error))) as client:
        result = await client.call_tool("break", {})
        assert (result.is_error, text_of(result)) == (True, said)

        assert len((await client.list_tools()).tools) == 2


async def test_the_agent_may_be_left_out_and_a_tool_of_its_name_wins():
    async with Client(create_server(Toolbox({"ask_agent": lambda task: f"mine: {task}"}))) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["ask_agent"]
        assert text_of(await client.call_tool("ask_agent", {"task": "x"})) == "mine: x"
    async with Client(create_server(LocalMCPInvoker(), offers_agent=False)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == LOCAL
        assert (await client.call_tool("ask_agent", {"task": "x"})).is_error


# Over HTTP


def shout(text: str) -> str:
    """Say it louder."""
    return text.upper()


@contextmanager
def serving_mcp(*script, **settings):
    """Serve our tools and an agent whose model is a strict provider; give the URL and that provider."""
    with serving_provider(*script) as provider:
        kwargs = {"api_base": provider.url, "api_key": provider.key}
        config = AgentConfig(model="openai/test-model", max_iterations=4, completion_kwargs=kwargs)
        tools = CompositeInvoker([Toolbox([shout]), LocalMCPInvoker()])
        with serving(create_app(tools, config=config, token=TOKEN, **settings)) as url:
            yield url, provider


@asynccontextmanager
async def asking(url, **settings):
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), **settings) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_run_tells_of_its_steps_while_it_goes_on(mode):
    told = []

    async def note(progress, total, message):
        told.append((progress, total, message))

    with serving_mcp(call("shout", text="a"), call("exec_python", code="print(1)"), "A and 1") as (url, provider):
        async with asking(url, mode=mode) as client:
            result = await client.call_tool("ask_agent", {"task": "do it"}, progress_callback=note)
        assert provider.violations == []

    assert text_of(result) == "A and 1"
    assert result.structured_content["steps"] == 3
    assert told == [(1, 4, "step 1: shout"), (2, 4, "step 2: exec_python"), (3, 4, "step 3: answered")]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_that_cancels_stops_the_run_and_its_processes(mode, tmp_path):
    code = f"open({str(tmp_path / 'began')!r}, 'w'); import time; time.sleep(60)"
    with serving_mcp(call("exec_python", code=code), "never asked") as (url, provider):
        async with asking(url, mode=mode) as client:
            task = asyncio.create_task(client.call_tool("ask_agent", {"task": "wait"}))
            assert await asyncio.to_thread(until, (tmp_path / "began").exists, 20)
            children = psutil.Process().children(recursive=True)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(until, lambda: not any(running(child) for child in children))
            assert text_of(await client.call_tool("shout", {"text": "next"})) == "NEXT"
        assert len(provider.requests) == 1


def running(child):
    try:
        return any("main.py" in word for word in child.cmdline())
    except psutil.NoSuchProcess:
        return False


async def test_the_agent_is_not_left_running_by_a_client_that_goes_away(tmp_path):
    code = f"open({str(tmp_path / 'began')!r}, 'w'); import time; time.sleep(60)"
    with serving_mcp(call("exec_python", code=code), "never asked") as (url, _):
        with pytest.raises(httpx2.ReadTimeout):
            async with httpx2.AsyncClient(timeout=1.5) as http:
                await http.post(
                    f"{url}/mcp",
                    headers={
                        "Authorization": f"Bearer {TOKEN}",
                        "Accept": "application/json, text/event-stream",
                        "MCP-Protocol-Version": "2026-07-28",
                        "Mcp-Method": "tools/call",
                        "Mcp-Name": "ask_agent",
                    },
                    json=modern_call("ask_agent", {"task": "wait"}),
                )
        assert (tmp_path / "began").exists()
        assert await asyncio.to_thread(
            until, lambda: not any(running(child) for child in psutil.Process().children(recursive=True))
        )


def modern_call(name, arguments):
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments, "_meta": meta},
    }


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"authorization": ""}, 401, "Unauthorized"),
        ({"authorization": "Bearer wrong"}, 401, "Unauthorized"),
        ({"host": "evil.example"}, 403, "ForeignHost"),
        ({"origin": "https://evil.example"}, 403, "ForeignOrigin"),
        ({"content-type": "text/plain"}, 415, "NotJson"),
    ],
)
async def test_the_guard_stands_before_it(headers, status, kind):
    good = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    with serving(create_app(Toolbox([shout]), token=TOKEN)) as url:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{url}/mcp", headers=good | headers, content=b"{}")
            health = await http.get(f"{url}/health")

    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert health.json() == {"ok": True}


async def test_more_work_than_there_is_room_for_is_refused():
    with serving_mcp(slow(1.5, "one"), "two", max_work=1) as (url, _):
        async with asking(url) as client, httpx.AsyncClient() as http:
            task = asyncio.create_task(client.call_tool("ask_agent", {"task": "x"}))
            await asyncio.sleep(0.5)
            headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
            refused = await http.post(f"{url}/mcp", headers=headers, content=b"{}")
            assert not (await task).is_error

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")


@contextmanager
def http_command(*words):
    command = [str(BIN / "jupyter-liteagent"), "mcp", "--http", "--port", "0", *words]
    process = subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, text=True)
    try:
        yield next(line.split()[-1] for line in process.stdout if line.startswith("mcp: "))
    finally:
        process.terminate()
        process.wait(5)
        process.stdout.close()


async def test_the_command_serves_http_with_a_token_of_its_own(tmp_path):
    with http_command("--token-file", str(tmp_path / "token"), "--no-agent") as url:
        headers = {"Authorization": f"Bearer {(tmp_path / 'token').read_text().strip()}"}
        async with McpInvoker({"us": {"url": f"{url}/mcp", "headers": headers}}) as invoker:
            assert [tool.name for tool in await invoker.list_tools()] == LOCAL

    assert (tmp_path / "token").stat().st_mode & 0o077 == 0


async def test_without_the_extra_the_command_names_it():
    code = "import sys; sys.modules.update(mcp=None, mcp_types=None)\nfrom liteagent_nb import cli\nsys.exit(cli.main(['mcp']))"
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], env=ENV, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "liteagent_nb[mcp]"' in done.stderr
