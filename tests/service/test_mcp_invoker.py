"""McpInvoker with servers that others wrote: over stdio and streamable HTTP, in a run, and behind a redirect."""

from __future__ import annotations

import json
import time
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from exec_server import serving
from free_ports import free_port
from mcp.server import MCPServer
from mcp_others import TIME, everything_over_http, installed_everything
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from liteagent_nb import AgentConfig, Cassette, CassetteInvoker, McpInvoker, Transcript, arun_mcp_mini_agent, run_agent
from liteagent_nb.cassettes.listings import with_recorded_list
from liteagent_nb.core.errors import CassetteMiss, ToolError
from liteagent_nb.core.protocols import Invoker
from liteagent_nb.testing import ScriptedModel, call

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def everything(request):
    return installed_everything(request.config.cache.mkdir("mcp-everything"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def invoker(everything):
    """The two servers over stdio; the second gets two variables of the user's beside its clean environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_API_KEY", "sk-not-for-servers")
        patch.setenv("NAMED_TOKEN", "for-this-server")
        env = {"TOKEN": "Bearer ${NAMED_TOKEN}", "MODE": "${SURELY_NOT_SET:-plain}"}
        servers = {"time": TIME, "everything": {"command": "node", "args": [str(everything)], "env": env}}
        async with McpInvoker({"mcpServers": servers}) as opened:
            yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far(everything):
    """The second server over HTTP."""
    with everything_over_http(everything, free_port()) as url:
        async with McpInvoker({"everything": {"url": url}}) as opened:
            yield opened


async def test_it_is_an_invoker_and_lists_the_tools_of_all_servers(invoker):
    tools = {tool.name: tool for tool in await invoker.list_tools()}

    assert isinstance(invoker, Invoker)
    assert {"convert_time", "get_current_time", "echo", "get-sum"} <= set(tools)
    assert tools["get-sum"].parameters["required"] == ["a", "b"]
    assert tools["convert_time"].description == "Convert time between timezones"


async def test_a_server_from_pypi_is_called(invoker):
    arguments = {"source_timezone": "Europe/Berlin", "time": "12:00", "target_timezone": "Asia/Tokyo"}

    observation = await invoker.call_tool("convert_time", arguments, timeout_s=10)

    assert json.loads(observation.text)["target"]["timezone"] == "Asia/Tokyo"


async def test_a_server_from_npm_is_called(invoker):
    observation = await invoker.call_tool("get-sum", {"a": 17, "b": 25}, timeout_s=10)

    assert (observation.ok, observation.text) == (True, "The sum of 17 and 25 is 42.")


async def test_what_the_server_calls_an_error_is_a_failed_observation(invoker):
    observation = await invoker.call_tool("get-sum", {"a": "many"}, timeout_s=10)

    assert not observation.ok
    assert "Invalid arguments for tool get-sum" in observation.error


async def test_an_unknown_tool_is_a_failed_observation(invoker):
    observation = await invoker.call_tool("no-such-tool", {}, timeout_s=10)

    assert "unknown tool 'no-such-tool'" in observation.error


async def test_a_picture_is_kept_for_people_and_named_for_the_model(invoker):
    observation = await invoker.call_tool("get-tiny-image", {}, timeout_s=10)

    assert "[a picture (image/png), is shown to the user]" in observation.text
    assert observation.outputs[0]["data"]["image/png"].startswith("iVBOR")


async def test_resources_and_links_to_them_are_told_of(invoker):
    links = await invoker.call_tool("get-resource-links", {"count": 1}, timeout_s=10)
    text = await invoker.call_tool("get-resource-reference", {"resourceType": "Text", "resourceId": 1}, timeout_s=10)
    blob = await invoker.call_tool("get-resource-reference", {"resourceType": "Blob", "resourceId": 1}, timeout_s=10)

    assert "[a resource, demo://resource/dynamic/" in links.text
    assert "This is a plaintext resource" in text.text
    assert "bytes, left out]" in blob.text


async def test_structured_content_is_told(invoker):
    observation = await invoker.call_tool("get-structured-content", {"location": "Chicago"}, timeout_s=10)

    assert set(json.loads(observation.text)) == {"temperature", "conditions", "humidity"}


async def test_a_server_gets_a_clean_environment_and_what_its_entry_names(invoker):
    told = json.loads((await invoker.call_tool("get-env", {}, timeout_s=10)).text)

    assert (told["TOKEN"], told["MODE"]) == ("Bearer for-this-server", "plain")
    assert "sk-not-for-servers" not in json.dumps(told)
    assert set(told) <= set("PATH LANG LC_ALL LC_CTYPE TZ TERM HOME TMPDIR PYTHONIOENCODING TOKEN MODE".split()) | {
        "LD_LIBRARY_PATH", "VIRTUAL_ENV", "OMP_NUM_THREADS", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "JAVA_HOME",
        "GOROOT", "RUSTUP_HOME", "CARGO_HOME",
    }  # fmt: skip


@pytest.mark.parametrize("place", ["near", "far"])
async def test_a_long_call_is_broken_off_in_time_and_the_next_is_answered(place, invoker, far):
    invoker = {"near": invoker, "far": far}[place]
    await invoker.list_tools()
    began = time.monotonic()

    observation = await invoker.call_tool("trigger-long-running-operation", {"duration": 30}, timeout_s=0.3)

    assert observation.error == "timeout after 0.3s"
    assert time.monotonic() - began < 0.8
    assert (await invoker.call_tool("echo", {"message": "still here"}, timeout_s=10)).text == "Echo: still here"


async def test_a_server_over_http_is_listed_and_called(far):
    assert "get-sum" in [tool.name for tool in await far.list_tools()]

    observation = await far.call_tool("get-sum", {"a": 1, "b": 2}, timeout_s=10)
    assert observation.text == "The sum of 1 and 2 is 3."


async def test_an_agent_uses_them(invoker):
    model = ScriptedModel(call("get-sum", a=40, b=2), "It is 42.")

    run = await run_agent(Transcript.of("40 + 2?"), model=model, tools=invoker, config=AgentConfig(model="m"))

    assert run.final_answer == "It is 42."
    assert run.tool_invocations[0].message == "The sum of 40 and 2 is 42."


async def test_a_replay_starts_no_server(invoker, tmp_path):
    recorded = Cassette(tmp_path / "a.cassette.json", "record")
    taped = CassetteInvoker(recorded, with_recorded_list(invoker, recorded))
    listed = await taped.list_tools()
    answered = await taped.call_tool("get-sum", {"a": 1, "b": 2}, timeout_s=10)

    servers = {"time": {"command": "no-such-program"}, "everything": {"command": "no-such-program"}}
    replayed = Cassette(tmp_path / "a.cassette.json", "replay")
    replay = CassetteInvoker(replayed, with_recorded_list(McpInvoker(servers), replayed))
    assert await replay.list_tools() == listed
    assert (await replay.call_tool("get-sum", {"a": 1, "b": 2}, timeout_s=10)).text == answered.text
    with pytest.raises(CassetteMiss):
        await replay.call_tool("get-sum", {"a": 2, "b": 2}, timeout_s=10)


async def test_a_replayed_run_starts_no_server(invoker, tmp_path, monkeypatch):
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")
    config = AgentConfig(model="dummy")
    asked = await arun_mcp_mini_agent("hi", invoker, config, cassette=Cassette(tmp_path / "a.cassette.json", "record"))

    servers = {"time": {"command": "no-such-program"}, "everything": {"command": "no-such-program"}}
    replayed = Cassette(tmp_path / "a.cassette.json", "replay")
    again = await arun_mcp_mini_agent("hi", McpInvoker(servers), config, cassette=replayed)
    assert again.final_answer == asked.final_answer


async def test_a_server_over_http_that_was_started_again_is_found_again(everything):
    port = free_port()
    servers = {"everything": {"url": f"http://127.0.0.1:{port}/mcp"}}
    async with AsyncExitStack() as stack:
        with everything_over_http(everything, port):
            invoker = await stack.enter_async_context(McpInvoker(servers))
            assert (await echo(invoker)).ok
        down = await echo(invoker)
        with everything_over_http(everything, port):
            up = await echo(invoker)
        with everything_over_http(everything, port):
            again = await echo(invoker)

    assert not down.ok
    assert "'everything' died in the call" in down.error
    assert up.ok
    assert again.ok  # it knew the session no more, so it was asked anew


async def echo(invoker):
    return await invoker.call_tool("echo", {"message": "x"}, timeout_s=10)


async def test_a_result_of_50_mb_over_http_is_cut_and_says_how_large_it_was():
    server = MCPServer("large", log_level="ERROR")
    server.tool(structured_output=False)(large)
    with serving(server.streamable_http_app()) as url:
        async with McpInvoker({"large": {"url": f"{url}/mcp"}}) as invoker:
            observation = await invoker.call_tool("large", {}, timeout_s=30)

    assert len(observation.text) == 20_000
    assert "[50000000 characters, middle left out]" in observation.text


def large() -> str:
    return "y" * 50_000_000


async def test_headers_do_not_follow_a_redirect_to_another_host():
    seen = []

    async def take(request):
        seen.append(dict(request.headers))
        return Response(status_code=404)

    everything = {"methods": ["GET", "POST", "DELETE"]}
    with serving(Starlette(routes=[Route("/mcp", take, **everything)])) as other:

        async def lead_away(request):
            assert request.headers["authorization"] == "Bearer secret"
            return RedirectResponse(f"{other}/mcp", status_code=307)

        with serving(Starlette(routes=[Route("/mcp", lead_away, **everything)])) as url:
            invoker = McpInvoker({"x": {"url": f"{url}/mcp", "headers": {"Authorization": "Bearer secret"}}})
            with pytest.raises(ToolError, match=r"'x' cannot be opened: Redirect to .* not followed"):
                await invoker.list_tools()
            await invoker.aclose()

    assert seen == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, b'{"error": "who are you?"}', "application/json", "HTTP 401 Unauthorized"),
        (200, b"<h1>Welcome</h1>", "text/html", "Unexpected content type: text/html"),
        (503, b"", "text/plain", "HTTP 503 Service Unavailable"),
    ],
)
async def test_a_host_that_is_no_mcp_server_is_a_tool_error_that_says_what_it_answered(status, body, kind, said):
    async def answer(_request):
        return Response(body, status, media_type=kind)

    with serving(Starlette(routes=[Route("/mcp", answer, methods=["GET", "POST", "DELETE"])])) as url:
        invoker = McpInvoker({"x": {"url": f"{url}/mcp"}})
        with pytest.raises(ToolError, match=said):
            await invoker.list_tools()
        await invoker.aclose()


async def test_a_host_that_is_down_is_a_tool_error():
    url = f"http://127.0.0.1:{free_port()}/mcp"

    with pytest.raises(ToolError, match="'x' cannot be opened: All connection attempts failed"):
        await McpInvoker({"x": {"url": url}}).list_tools()
