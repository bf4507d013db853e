"""HttpToolsInvoker against hosts that fail, lie, redirect and are full: real servers, and no secret goes astray."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import re
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from exec_server import until
from tools_hosts import ECHO, hosting, redirect, said

from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, ToolError
from liteagent_nb.core.tools import Tool
from liteagent_nb.testing import ScriptedModel, call
from liteagent_nb.tools.http_tools_invoker import HttpToolsInvoker

SECRET = "s3cr3t-of-the-tests"
AUTH = {"Authorization": f"Bearer {SECRET}"}
HEADERS, ALLOW = "MINI_AGENT_TOOL_HTTP_HEADERS", "MINI_AGENT_TOOL_HTTP_ALLOW"
NO_PROPERTIES = {"type": "object", "properties": {}}
HTML = said(b"<!doctype html><title>Login</title>", kind="text/html")


@pytest.fixture(scope="module")
def hosts():
    with hosting() as one, hosting() as two:
        yield one, two


@pytest.fixture
def host(hosts, monkeypatch):
    monkeypatch.delenv(HEADERS, raising=False)
    monkeypatch.delenv(ALLOW, raising=False)
    hosts[1].will()
    return hosts[0].will()


@pytest.fixture
def other(hosts):
    return hosts[1]


@pytest.fixture
async def invoker(host):
    async with HttpToolsInvoker(host.url, AUTH) as invoker:
        yield invoker


async def echo(invoker, timeout_s=10.0, **arguments):
    return await invoker.call_tool("echo", arguments, timeout_s=timeout_s)


# Lists


@pytest.mark.parametrize(
    "listed",
    [
        [ECHO],
        {"tools": [ECHO]},
        [{"name": "echo", "inputSchema": {"type": "object"}}],
        {"tools": [{"name": "echo", "inputSchema": NO_PROPERTIES}], "nextCursor": None},
        [{"type": "function", "name": "echo", "parameters": NO_PROPERTIES}],
        [{"name": "echo"}],
    ],
)
async def test_lists_of_openais_and_mcps_shape_are_read(host, invoker, listed):
    host.will(listing=said(listed))

    assert list(await invoker.list_tools()) == [Tool("echo")]


def with_schema(schema):
    return said([{"name": "echo", "parameters": schema}])


@pytest.mark.parametrize(
    ("listing", "complaint"),
    [
        (HTML, "text/html that is not JSON: <!doctype html>"),
        (said(b"\xff\x00", kind=""), "something that is not JSON"),
        (said(b"[" * 100_000), "not JSON"),
        (said({"detail": "hello"}), "no list of tools but"),
        (said("tools"), "no list of tools but"),
        (said(["echo"]), "tool 1 of 1 has no name"),
        (said([ECHO, {"function": {"name": 5}}]), "tool 2 of 2 has no name"),
        (said([{"name": "fs.read/all"}]), "named 'fs.read/all'"),
        (said([ECHO, ECHO]), "'echo' twice"),
        (said([{"name": "echo", "description": 5}]), "description of echo is 5, not text"),
        (with_schema("object"), "schema of echo is broken: it is no object"),
        (with_schema({"type": "array"}), 'its type is "array"'),
        (with_schema({"properties": ["text"]}), "it is no object"),
        (with_schema({"properties": {"text": "string"}}), "a property is no schema"),
        (with_schema({"properties": {}, "required": ["text"]}), "not among the properties"),
        (with_schema({"properties": {"text": {"description": "\ud800"}}}), "half characters"),
        (said(b"", 404), "HTTP 404"),
        (said({"detail": "no"}, 401), 'HTTP 401 from .*"detail": "no"'),
        (redirect("/tools"), "redirects more than 5 times"),
        (redirect(""), "to nowhere"),
        (redirect("ftp://example.org/"), "to nowhere"),
    ],
)
async def test_a_host_that_lies_about_its_tools_is_a_config_error_that_says_how(host, invoker, listing, complaint):
    host.will(listing=listing)

    with pytest.raises(ConfigError, match=complaint) as caught:
        await invoker.list_tools()

    assert caught.value.hint


async def test_a_host_that_fails_while_it_lists_is_a_tool_error(host, invoker):
    host.will(listing=said(b"out of memory", 503))

    with pytest.raises(ToolError, match=r"HTTP 503 from .*: out of memory") as caught:
        await invoker.list_tools()

    assert caught.value.hint


async def test_a_redirect_to_what_no_host_can_be_called_is_a_tool_error(host, invoker):
    host.will(listing=redirect("//xn--/"), call=redirect("//xn--/"))

    with pytest.raises(ToolError, match="cannot be reached"):
        await invoker.list_tools()
    assert "cannot be reached" in (await echo(invoker)).error


async def test_a_host_that_is_not_there_is_a_tool_error_and_a_failed_observation():
    async with HttpToolsInvoker("http://127.0.0.1:1", AUTH) as invoker:
        with pytest.raises(ToolError, match=r"http://127\.0\.0\.1:1 cannot be reached") as caught:
            await invoker.list_tools()
        observation = await echo(invoker)

    assert caught.value.hint
    assert not observation.ok
    assert "cannot be reached" in observation.error


async def test_a_host_that_does_not_list_in_time_is_a_tool_error(host):
    host.will(listing=[None])
    async with HttpToolsInvoker(host.url, timeout_s=0.2) as invoker:
        with pytest.raises(ToolError, match=r"did not list its tools within 0\.2 s"):
            await invoker.list_tools()


# Calls


async def test_a_call_is_one_post_with_name_and_arguments(host, invoker):
    observation = await echo(invoker, text="é", n=[1, None])

    (post,) = host.posts()
    assert (observation.ok, observation.text) == (True, "hi")
    assert (post.path, post.headers["content-type"]) == ("/invoke", "application/json")
    assert json.loads(post.body) == {"name": "echo", "arguments": {"text": "é", "n": [1, None]}}


async def test_a_base_with_a_path_keeps_it(host):
    host.will(**{"GET /v1/tools": said([ECHO]), "POST /v1/invoke": said("deep")})
    async with HttpToolsInvoker(f"{host.url}/v1/") as invoker:
        assert [tool.name for tool in await invoker.list_tools()] == ["echo"]
        assert (await echo(invoker)).text == "deep"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ok": True, "result": {"text": "hi"}}, (True, "hi", None)),
        ({"ok": True, "text": "hi"}, (True, "hi", None)),
        ({"ok": True, "stdout": "hi\n", "rc": 0}, (True, "hi\n", None)),
        ({"ok": False, "error": "no disk", "rc": 3, "stdout": "half"}, (False, "half", "no disk")),
        ({"ok": False}, (False, "", "the tool failed")),
        ({"ok": False, "error": {"type": "X", "message": "no disk"}}, (False, "", "no disk")),
        ({"error": "no disk"}, (False, "", "no disk")),
        ({"error": None, "answer": "hi"}, (True, "hi", None)),
        ({"content": [{"type": "text", "text": "a"}, {"type": "image", "data": "…"}]}, (True, "a\n[image]", None)),
        ({"content": [{"type": "text", "text": "no disk"}], "isError": True}, (False, "", "no disk")),
        ("hi", (True, "hi", None)),
        ([1, 2], (True, "[1, 2]", None)),
        (None, (True, "", None)),
    ],
)
async def test_results_of_this_house_of_mcp_and_any_other_json_are_read(host, invoker, answer, expected):
    host.will(call=said(answer))

    observation = await echo(invoker)

    assert (observation.ok, observation.text, observation.error) == expected
    assert observation.t_ms > 0


async def test_a_number_that_json_does_not_know_is_left_out(host, invoker):
    host.will(call=said(b'{"ok": true, "result": [1, NaN, -Infinity]}'))

    assert (await echo(invoker)).result == [1, None, None]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (said(b"x" * 1000, 500, "text/plain"), "HTTP 500"),
        (said({"detail": "no such tool"}, 404), 'HTTP 404 from http.*: {"detail": "no such tool"}'),
        (said({"detail": "who are you?"}, 403), "HTTP 403"),
        (said({"detail": "text is missing"}, 422), "text is missing"),
        (HTML, "text/html that is not JSON"),
        (said(b"", kind=""), "something that is not JSON: nothing"),
        (said({"ok": "yes"}), '"yes" as `ok`, not true or false'),
        (said({"ok": True, "stdout": 5}), "5 as `stdout`, not text"),
        (said({"ok": True, "rc": "0"}), "`rc`, not a whole number"),
        (said({"ok": True, "outputs": [5]}), "`outputs`, not a list of outputs"),
        (redirect("/elsewhere", 302), "redirects .302. to .*/elsewhere; a POST does not follow"),
        (said(b"\x1f\x8b", content_encoding="gzip"), "packed"),
    ],
)
async def test_an_answer_that_is_no_result_is_a_failed_observation_after_one_post(host, invoker, answer, complaint):
    host.will(call=answer)

    observation = await echo(invoker)

    assert (observation.ok, observation.result) == (False, None)
    assert re.search(complaint, observation.error)
    assert len(host.posts()) == 1


async def test_of_an_error_256_characters_are_told(host, invoker):
    host.will(call=said(b"x" * 100_000, 500, "text/plain"))

    observation = await echo(invoker)

    assert observation.error.count("x") == 256


async def test_a_body_without_end_is_given_up_at_the_limit(host, invoker):
    host.will(call=(200, [(b"content-type", b"application/json")], itertools.repeat(b" " * (1 << 20))))

    observation = await echo(invoker, timeout_s=30)

    assert "answers more than 16 MB" in observation.error
    assert await asyncio.to_thread(until, lambda: host.is_left)


@pytest.mark.parametrize("answer", [None, (200, [], [b"{", 2.0, b"}"])], ids=["no answer", "half an answer"])
async def test_a_slow_host_is_a_timeout_in_time(host, answer):
    host.will(call=[answer])
    async with HttpToolsInvoker(host.url, timeout_s=5) as invoker:
        started = time.monotonic()
        observation = await echo(invoker, timeout_s=0.3)

    assert time.monotonic() - started < 1
    assert (observation.rc, observation.error) == (-1, "timeout after 0.3s")


async def test_a_connection_that_breaks_is_a_failed_observation(host):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        breaking = threading.Thread(target=_answers_by_half, args=(listener,))
        breaking.start()
        async with HttpToolsInvoker(f"http://127.0.0.1:{listener.getsockname()[1]}") as invoker:
            observation = await echo(invoker)
        breaking.join(5)

    assert not observation.ok
    assert "cannot be reached" in observation.error


def _answers_by_half(listener):
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")


async def test_being_cancelled_closes_the_request_at_once(host, invoker):
    host.will(call=[None])
    calling = asyncio.create_task(echo(invoker, timeout_s=30))
    assert await asyncio.to_thread(until, host.posts)

    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling

    assert await asyncio.to_thread(until, lambda: host.is_left, 1)


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
async def test_arguments_that_json_does_not_have_are_told_and_nothing_is_sent(host, invoker, value):
    observation = await echo(invoker, text=value)

    assert "cannot be sent as JSON" in observation.error
    assert host.asked == []


async def test_an_agent_goes_on_after_a_far_tool_failed(host, invoker):
    from liteagent_nb import Transcript, run_agent

    host.will(call=[said(b"oops", 500), said({"ok": True, "result": "hi"})])
    model = ScriptedModel(call("echo"), call("echo"), "done")

    run = await run_agent(Transcript.of("go"), model=model, tools=invoker, config=AgentConfig(max_iterations=3))

    assert [(i.ok, i.result) for i in run.tool_invocations] == [(False, None), (True, "hi")]
    assert "HTTP 500" in str(run.messages[2]["content"])
    assert run.final_answer == "done"


# A host that is full


def in_a_moment():
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


@pytest.mark.parametrize("again", ["0", "1", "in a moment", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None])
async def test_a_full_host_is_asked_once_more_when_it_says(host, invoker, again):
    headers = {} if again is None else {"retry_after": in_a_moment() if again == "in a moment" else again}
    host.will(call=[said({"detail": "full"}, 429, **headers), said("hi")])

    started = time.monotonic()
    observation = await echo(invoker)

    assert (observation.text, len(host.posts())) == ("hi", 2)
    assert time.monotonic() - started < 2.5
    assert again != "1" or time.monotonic() - started >= 1


async def test_a_host_that_stays_full_is_a_failed_observation_after_two_posts(host, invoker):
    host.will(call=[said({"detail": "full"}, 429, retry_after="0")])

    observation = await echo(invoker)

    assert (observation.ok, len(host.posts())) == (False, 2)
    assert "HTTP 429" in observation.error
    assert "full" in observation.error


@pytest.mark.parametrize(("again", "timeout_s"), [("3600", 60), ("9", 2)])
async def test_a_wait_beyond_the_bound_or_the_time_limit_is_told_at_once(host, invoker, again, timeout_s):
    host.will(call=[said({"detail": "full"}, 429, retry_after=again)])

    started = time.monotonic()
    observation = await echo(invoker, timeout_s=timeout_s)

    assert (len(host.posts()), time.monotonic() - started < 1) == (1, True)
    assert f"try again after {again}" in observation.error


async def test_a_full_host_lists_at_the_second_time(host, invoker):
    host.will(listing=[said(b"", 429, retry_after="0"), said([ECHO])])

    assert [tool.name for tool in await invoker.list_tools()] == ["echo"]
    assert len(host.asked) == 2


# Headers, and who gets them


async def test_bearer_and_other_headers_arrive(host):
    async with HttpToolsInvoker(host.url, {**AUTH, "X-Tenant": "t1"}) as invoker:
        await invoker.list_tools()
        await echo(invoker)

    for asked in host.asked:
        assert (asked.headers["authorization"], asked.headers["x-tenant"]) == (f"Bearer {SECRET}", "t1")


async def test_headers_of_the_environment_arrive_where_they_are_allowed_and_those_given_win(host, monkeypatch):
    monkeypatch.setenv(HEADERS, json.dumps({"AUTHORIZATION": "Bearer of-the-environment", "X-Tenant": "env"}))
    monkeypatch.setenv(ALLOW, host.url)

    async with HttpToolsInvoker(host.url, {"authorization": "Bearer given"}) as invoker:
        await echo(invoker)

    assert (host.asked[0].headers["authorization"], host.asked[0].headers["x-tenant"]) == ("Bearer given", "env")


async def test_headers_of_the_environment_do_not_go_to_a_url_that_a_caller_names(host, other, monkeypatch):
    monkeypatch.setenv(HEADERS, json.dumps(AUTH))
    monkeypatch.setenv(ALLOW, f"{other.url}, https://tools.example.org")
    host.will(listing=said(b"", 401))

    async with HttpToolsInvoker(host.url) as invoker:
        with pytest.raises(ConfigError, match="HTTP 401") as caught:
            await invoker.list_tools()

    assert "authorization" not in host.asked[0].headers
    assert ALLOW in caught.value.hint


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("source", ["given", "environment"])
async def test_a_list_is_followed_to_another_origin_without_any_header(host, other, monkeypatch, status, source):
    if source == "environment":
        monkeypatch.setenv(HEADERS, json.dumps({**AUTH, "X-Api-Key": SECRET}))
        monkeypatch.setenv(ALLOW, host.url)
    headers = {**AUTH, "Cookie": f"id={SECRET}", "X-Anything": SECRET} if source == "given" else None
    host.will(listing=said(b"", status, location=f"{other.url}/moved", set_cookie=f"id={SECRET}"))
    other.will(**{"GET /moved": redirect(f"{host.url}/back", 302)})
    host.answers["GET /back"] = redirect(f"{other.url}/tools")

    async with HttpToolsInvoker(host.url, headers) as invoker:
        assert [tool.name for tool in await invoker.list_tools()] == ["echo"]

    assert SECRET in str(host.asked[0].headers)
    assert [asked.path for asked in other.asked] == ["/moved", "/tools"]
    assert SECRET not in str(other.asked)
    assert SECRET not in str(host.asked[1].headers)  # not on the way back either: somebody else led there


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_call_is_not_repeated_at_another_origin(host, other, invoker, status):
    host.will(call=redirect(f"{other.url}/invoke", status))

    observation = await echo(invoker, text=SECRET)

    assert (len(host.posts()), other.asked) == (1, [])
    assert f"to {other.url}/invoke" in observation.error
    assert "give the URL that it has moved to" in observation.error


@pytest.mark.parametrize("status", [307, 308])
async def test_a_call_is_repeated_within_its_origin_where_the_host_says_that_it_did_nothing(host, invoker, status):
    host.will(call=redirect("/v2/invoke", status), **{"POST /v2/invoke": said("moved")})

    observation = await echo(invoker, text="x")

    assert observation.text == "moved"
    assert host.posts()[1].headers["authorization"] == f"Bearer {SECRET}"
    assert host.posts()[0].body == host.posts()[1].body


async def test_a_redirect_with_a_name_and_a_password_is_not_followed(host, other, invoker):
    host.will(listing=redirect(other.url.replace("://", f"://me:{SECRET}@") + "/tools"))

    with pytest.raises(ConfigError, match="to nowhere") as caught:
        await invoker.list_tools()

    assert other.asked == []
    assert SECRET not in str(caught.value)


async def test_no_error_and_no_repr_shows_a_secret(host, invoker):
    told = f"bad token {SECRET} in Bearer {SECRET}".encode()
    host.will(listing=said(told, 401), call=said(told, 500))

    with pytest.raises(ConfigError) as caught:
        await invoker.list_tools()
    observation = await echo(invoker)

    assert SECRET not in f"{caught.value} {caught.value.hint} {observation} {invoker!r} {vars(invoker)}"
    host.will(call=redirect(f"/{SECRET}?key={SECRET}"))
    assert SECRET not in str(await echo(invoker))


# Connections


async def test_calls_share_connections_and_a_closed_invoker_opens_new_ones(host):
    invoker = HttpToolsInvoker(host.url)
    await echo(invoker)
    (client,) = (opened.thing for opened in invoker._clients._opened.values())
    await echo(invoker)

    await invoker.aclose()

    assert client.is_closed
    assert (await echo(invoker)).ok
    await invoker.aclose()


def test_each_loop_has_a_client_of_its_own_which_closes_with_it(host):
    invoker = HttpToolsInvoker(host.url)
    clients = []

    async def work():
        clients.append(await invoker._clients.get())
        return await echo(invoker)

    for _ in range(2):
        with asyncio.Runner() as runner:
            assert runner.run(work()).ok

    assert clients[0] is not clients[1]
    assert all(client.is_closed for client in clients)


async def test_closing_reaches_the_client_of_another_running_loop(host):
    from liteagent_nb.core.portal import Portal

    portal, invoker = Portal(), HttpToolsInvoker(host.url)
    try:
        assert portal.wait_for(echo(invoker)).ok
        (client,) = (opened.thing for opened in invoker._clients._opened.values())

        await invoker.aclose()

        assert client.is_closed
    finally:
        portal.close()


def test_an_invoker_that_is_forgotten_is_closed_too(host, recwarn):
    from liteagent_nb.core.portal import Portal

    portal, invoker = Portal(), HttpToolsInvoker(host.url)
    assert portal.wait_for(echo(invoker)).ok
    (client,) = (opened.thing for opened in invoker._clients._opened.values())

    del invoker
    gc.collect()

    assert until(lambda: client.is_closed)
    portal.close()
    assert not recwarn.list
