"""HttpExecutor against servers that are not what it hopes for: real sockets, bad manners."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from exec_server import serving

from liteagent_nb.core.errors import ConfigError, ExecBusy, ExecError, ExecTimeout
from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.http_executor import HttpExecutor
from liteagent_nb.services.exec_rpc_server import create_app

OK = '{"ok": true, "rc": 0, "stdout": "1\\n", "t_ms": 1, "news_of_a_later_version": 1}'


def answer(body, status="200 OK", *, kind="application/json", more=""):
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n{body}".encode()


@asynccontextmanager
async def playing(*scripts):
    """Serve connections by script, one each, the last one for all that follow; give the URL and what was received.

    A script is a list of answers; None closes the connection.
    """
    received, waiting = [], list(scripts)

    async def serve(reader, writer):
        script = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        try:
            for step in script:
                head = await reader.readuntil(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                received.append(head + body)
                if step is None:
                    return
                writer.write(step)
                await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received
    finally:
        server.close()


async def test_a_kept_connection_that_was_closed_meanwhile_is_tried_once_more():
    async with playing([answer(OK), None], [answer(OK)]) as (url, received), HttpExecutor(url) as executor:
        await executor.execute("1")
        result = await executor.execute("2")

    assert result.stdout == "1\n"
    assert len(received) == 3


async def test_a_new_connection_that_breaks_is_not_tried_again_as_the_code_may_have_run():
    async with playing([None]) as (url, received), HttpExecutor(url) as executor:
        with pytest.raises(ExecError, match="cannot be reached"):
            await executor.execute("1")

    assert len(received) == 1


async def test_a_redirect_is_not_followed_and_the_token_stays():
    async with (
        playing([answer(OK)]) as (elsewhere, seen),
        playing([answer("", "307 Temporary Redirect", more=f"location: {elsewhere}/exec\r\n")]) as (url, received),
        HttpExecutor(url, "secret-token") as executor,
    ):
        with pytest.raises(ExecError, match="redirects to"):
            await executor.execute("1")

    assert seen == []
    assert b"Bearer secret-token" in received[0]


async def test_no_proxy_of_the_environment_sees_the_token(monkeypatch):
    async with playing([answer(OK)]) as (proxy, seen), playing([answer(OK)]) as (url, received):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("ALL_PROXY", proxy)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with HttpExecutor(url, "secret-token") as executor:
            await executor.execute("1")

    assert seen == []
    assert len(received) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer("<html>", kind="text/html"), ExecError),
        (answer("[]"), ExecError),
        (answer('{"hello": 1}'), ExecError),
        (answer("not found", "404 Not Found", kind="text/plain"), ExecError),
        (answer("bad gateway", "502 Bad Gateway", kind="text/plain"), ExecError),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ExecError),
    ],
)
async def test_something_else_that_answers_is_named_so(reply, kind):
    async with playing([reply, None]) as (url, _), HttpExecutor(url) as executor:
        with pytest.raises(kind) as caught:
            await executor.execute("1")

    assert caught.value.hint


async def test_a_stream_that_ends_early_is_an_error():
    cut = answer(
        'event: output\ndata: {"output_type": "stream", "name": "stdout", "text": "1"}\n\n', kind="text/event-stream"
    )
    came = []
    async with playing([cut]) as (url, _), HttpExecutor(url) as executor:
        with pytest.raises(ExecError, match="before the result came"):
            await executor.execute("1", watch=came.append)

    assert len(came) == 1


async def test_a_stream_cut_into_single_bytes_is_read_the_same():
    from liteagent_nb.kernels.http_wire import events_of

    text = ': keep-alive\n\nevent: output\ndata: {"text": "\\u00e4"}\n\nevent: result\ndata: {"ok": true}\n\n'

    async def bytewise():
        for byte in text.encode():
            yield bytes([byte])

    assert [event async for event in events_of(bytewise())] == [
        ("output", b'{"text": "\\u00e4"}'),
        ("result", b'{"ok": true}'),
    ]


async def test_a_service_that_never_answers_is_given_up_after_the_time_limit_and_a_margin():
    async with playing([b""]) as (url, _), HttpExecutor(url, margin_s=0.3) as executor:
        started = time.monotonic()
        with pytest.raises(ExecTimeout, match="did not answer"):
            await executor.execute("1", timeout_s=0.2)

    assert time.monotonic() - started < 3


async def test_nobody_there_is_an_error_with_a_hint():
    async with playing([b""]) as (url, _):
        pass
    async with HttpExecutor(url) as executor:
        with pytest.raises(ExecError, match="cannot be reached") as caught:
            await executor.languages()

    assert caught.value.hint


@pytest.mark.parametrize("url", ["", "127.0.0.1:8790", "ftp://127.0.0.1", "http://user:word@127.0.0.1"])
def test_what_is_not_a_url_of_a_service_is_refused_at_once(url):
    with pytest.raises(ConfigError):
        HttpExecutor(url)


async def test_a_busy_service_says_when_to_try_again():
    busy = '{"ok": false, "error": {"type": "TooBusy", "message": "64 are under way", "status": 429, "hint": "later"}}'
    async with (
        playing([answer(busy, "429 Too Many Requests", more="retry-after: 7\r\n")]) as (url, _),
        HttpExecutor(url) as executor,
    ):
        with pytest.raises(ExecBusy, match="64 are under way") as caught:
            await executor.execute("1")

    assert (caught.value.retry_after_s, caught.value.hint) == (7.0, "later")


async def test_a_wrong_token_is_said_with_what_to_do():
    with serving(create_app(Contexts(), token="right")) as url:
        async with HttpExecutor(url, "wrong") as executor:
            with pytest.raises(ConfigError, match="token") as caught:
                await executor.contexts()

    assert "Bearer" in caught.value.hint


async def test_closing_it_closes_the_contexts_that_it_made_and_no_others():
    with serving(create_app(Contexts(), token="")) as url:
        async with HttpExecutor(url) as watching:
            await watching.create("python", name="theirs")
            async with HttpExecutor(url) as executor:
                await executor.create("python", name="ours")
            left = [context.id for context in await watching.contexts()]

    assert left == ["theirs"]


def test_the_token_is_not_in_what_it_shows_of_itself():
    assert "secret-token" not in repr(HttpExecutor("http://127.0.0.1:8790", "secret-token"))
