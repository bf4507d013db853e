"""What every Invoker promises, near and far alike."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time

import pytest

from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.core.tools import Observation, Tool
from liteagent_nb.services.background import serve_in_background
from liteagent_nb.services.mcp_server import create_app
from liteagent_nb.services.tools_host import serve_tools
from liteagent_nb.testing.validator import check_request
from liteagent_nb.tools.composite import CompositeInvoker
from liteagent_nb.tools.echo import EchoMCP
from liteagent_nb.tools.http_tools_invoker import HttpToolsInvoker
from liteagent_nb.tools.local_invoker import LocalMCPInvoker
from liteagent_nb.tools.mcp_invoker import McpInvoker
from liteagent_nb.tools.toolbox import Toolbox

TOKEN = "a-token-of-tests"

began = threading.Event()
ended = threading.Event()


async def greet(name: str, times: int = 1) -> str:
    """Say hello.

    Args:
        name: whom to greet
        times: how often
    """
    return " ".join([f"hello {name}"] * times)


def fail(reason: str) -> str:
    """Fail."""
    raise RuntimeError(reason)


async def wait(ms: int) -> str:
    """Wait."""
    began.set()
    try:
        await asyncio.sleep(ms / 1000)
    finally:
        ended.set()
    return f"waited {ms}"


def big(size: int) -> str:
    """Return much."""
    return "é" * size


def record() -> dict[str, object]:
    """Return a record."""
    return {"name": "Zoë", "sizes": [1, 2.5, None], "is_new": True}


def explain() -> Observation:
    """Return an observation of its own."""
    return Observation(ok=False, stdout="half\n", stderr="broken pipe\n", error="it broke", rc=3, language="bash")


FUNCTIONS = [greet, fail, wait, big, record, explain]
explain.__x_liteagent__ = {"run_alone": True, "timeout_s": 4}


@pytest.fixture(scope="module")
def host():
    with serve_tools(FUNCTIONS, token=TOKEN) as host:
        yield host


@pytest.fixture(scope="module")
def mcp_host():
    app = create_app(Toolbox(FUNCTIONS), config=AgentConfig(tool_timeout_sec=30.0), offers_agent=False, token=TOKEN)
    with serve_in_background(app) as server:
        yield server.url


@contextlib.asynccontextmanager
async def toolbox(request):
    yield Toolbox(FUNCTIONS)


@contextlib.asynccontextmanager
async def composite(request):
    async with CompositeInvoker([Toolbox(FUNCTIONS[:2]), Toolbox(FUNCTIONS[2:])]) as both:
        yield both


@contextlib.asynccontextmanager
async def http(request):
    host = request.getfixturevalue("host")
    async with HttpToolsInvoker(host.url, {"Authorization": f"Bearer {host.token}"}) as invoker:
        yield invoker


@contextlib.asynccontextmanager
async def http_in_composite(request):
    async with http(request) as far, CompositeInvoker([far, EchoMCP()]) as both:
        yield both


@contextlib.asynccontextmanager
async def mcp(request):
    url = request.getfixturevalue("mcp_host")
    servers = {"own": {"url": f"{url}/mcp", "headers": {"Authorization": f"Bearer {TOKEN}"}}}
    async with McpInvoker({"mcpServers": servers}) as invoker:
        yield invoker


OWN_KINDS = [toolbox, composite, http, http_in_composite]
"""Each opens an invoker with the tools of FUNCTIONS, and carries all that ours say of them."""
KINDS = [*OWN_KINDS, mcp]
"""MCP knows texts and failures, and nothing of exit codes and the like."""


@pytest.fixture(params=OWN_KINDS, ids=lambda kind: kind.__name__)
async def own_invoker(request):
    async with request.param(request) as invoker:
        yield invoker


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
async def invoker(request):
    began.clear()
    ended.clear()
    async with request.param(request) as invoker:
        yield invoker


async def call(invoker, tool, /, timeout_s=10.0, **arguments):
    return await invoker.call_tool(tool, arguments, timeout_s=timeout_s)


async def test_it_lists_its_tools_with_their_schemas(invoker):
    tools = {tool.name: tool for tool in await invoker.list_tools()}

    assert isinstance(invoker, Invoker)
    assert list(tools)[: len(FUNCTIONS)] == [function.__name__ for function in FUNCTIONS]
    assert all(isinstance(tool, Tool) for tool in tools.values())
    assert tools["greet"].description.startswith("Say hello.")
    assert tools["greet"].parameters["required"] == ["name"]
    assert tools["greet"].parameters["properties"]["name"] == {"type": "string", "description": "whom to greet"}


async def test_a_tool_says_how_it_wants_to_be_run(own_invoker):
    tools = {tool.name: tool for tool in await own_invoker.list_tools()}

    assert (tools["explain"].run_alone, tools["explain"].timeout_s) == (True, 4.0)
    assert (tools["greet"].run_alone, tools["greet"].timeout_s) == (False, None)


async def test_what_it_lists_can_be_offered_to_a_strict_provider(invoker):
    tools = [tool.to_openai() for tool in await invoker.list_tools()]

    check_request([{"role": "user", "content": "hi"}], tools)


async def test_a_call_brings_back_what_the_tool_returned(invoker):
    observation = await call(invoker, "greet", name="Zoë 🦊", times=2)

    assert (observation.ok, observation.error) == (True, None)
    assert observation.result == observation.text == "hello Zoë 🦊 hello Zoë 🦊"
    assert observation.t_ms > 0


async def test_a_record_stays_a_record(own_invoker):
    observation = await call(own_invoker, "record")

    assert observation.result == {"name": "Zoë", "sizes": [1, 2.5, None], "is_new": True}
    assert json.loads(observation.text) == observation.result


async def test_a_tool_that_raises_is_a_failed_observation(invoker):
    observation = await call(invoker, "fail", reason="the moon is full")

    assert not observation.ok
    assert "RuntimeError: the moon is full" in observation.error


async def test_its_traceback_comes_along(own_invoker):
    observation = await call(own_invoker, "fail", reason="the moon is full")

    assert (observation.ok, observation.error) == (False, "RuntimeError: the moon is full")
    assert "in fail" in observation.stderr


async def test_an_observation_that_a_tool_made_itself_comes_back_as_it_is(own_invoker):
    observation = await call(own_invoker, "explain")

    assert (observation.ok, observation.rc, observation.language) == (False, 3, "bash")
    assert (observation.stdout, observation.stderr, observation.error) == ("half\n", "broken pipe\n", "it broke")


async def test_an_unknown_tool_is_told_with_the_ones_there_are(invoker):
    observation = await call(invoker, "gret", name="x")

    assert not observation.ok
    assert "unknown tool 'gret'; tools: greet, fail, wait" in observation.error


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "argument 'name' is missing"),
        ({"name": "x", "tmies": 2}, "unknown argument 'tmies'"),
        ({"name": "x", "times": "often"}, "argument 'times'"),
    ],
)
async def test_arguments_that_do_not_fit_are_told(invoker, arguments, complaint):
    observation = await call(invoker, "greet", **arguments)

    assert not observation.ok
    assert complaint in observation.error


async def test_a_spent_time_limit_is_an_observation_and_the_tool_ends(invoker):
    started = time.monotonic()
    observation = await call(invoker, "wait", timeout_s=0.3, ms=20_000)

    assert time.monotonic() - started < 1.5
    assert (observation.ok, observation.rc, observation.error) == (False, -1, "timeout after 0.3s")
    assert await asyncio.to_thread(ended.wait, 2)


async def test_being_cancelled_ends_the_tool_at_once(invoker):
    running = asyncio.create_task(call(invoker, "wait", timeout_s=30, ms=20_000))
    assert await asyncio.to_thread(began.wait, 5)

    started = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert time.monotonic() - started < 1
    assert await asyncio.to_thread(ended.wait, 2)
    assert (await call(invoker, "greet", name="again")).text == "hello again"


async def test_what_is_too_long_is_shortened_and_says_so(invoker):
    observation = await call(invoker, "big", size=1_000_000)

    assert observation.ok
    assert len(observation.text) <= 20_000
    assert "1000000 characters" in observation.text


async def test_many_at_once_run_side_by_side_each_with_its_own_answer(invoker):
    started = time.monotonic()

    waits = [call(invoker, "wait", ms=300 + number) for number in range(12)]
    observations = await asyncio.gather(*waits)

    assert [observation.text for observation in observations] == [f"waited {300 + number}" for number in range(12)]
    assert time.monotonic() - started < 2.4


async def test_the_local_tools_come_from_far_as_they_are_near():
    near = LocalMCPInvoker(shell_allow_prefixes=("echo",))
    calls = [
        ("exec_shell", {"cmd": "echo hi"}),
        ("exec_shell", {"cmd": "rm -rf nothing"}),
        ("exec_python", {"code": "print(6 * 7)"}),
        ("exec_python", {"code": "1 / 0"}),
        ("compress_runs", {"s": "aaabbc"}),
        ("exec_code", {"language": "cobol", "code": "x"}),
    ]
    with serve_tools(near, token=TOKEN) as host:
        async with HttpToolsInvoker(host.url, {"authorization": f"Bearer {TOKEN}"}) as far:
            assert list(await far.list_tools()) == list(await near.list_tools())
            for name, arguments in calls:
                here = await near.call_tool(name, arguments, timeout_s=10)
                there = await far.call_tool(name, arguments, timeout_s=10)
                assert there.timed(0) == here.timed(0)


async def test_a_name_that_two_offer_is_refused_near_and_far(host):
    far = HttpToolsInvoker(host.url, {"authorization": f"Bearer {TOKEN}"})
    async with CompositeInvoker([Toolbox([greet]), far]) as both:
        with pytest.raises(ConfigError, match="Toolbox and HttpToolsInvoker both offer 'greet'"):
            await both.list_tools()
