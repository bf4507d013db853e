"""Connections of the direct path: used again while their loop lives, closed with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading

import pytest

from liteagent_nb.core.chat import Transcript, Usage
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.portal import Portal
from liteagent_nb.core.streaming import ReplyBuilder
from liteagent_nb.models.direct import pool as direct_pool
from liteagent_nb.models.direct.pool import pooled_client
from liteagent_nb.models.litellm_model import LitellmModel

TASK = Transcript.of("hi")


def event(delta, reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({"choices": [choice], "usage": {"prompt_tokens": 1}}).encode() + b"\n\n"


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Counting:
    """A server that counts its connections; *ending* is what it sends a moment after `[DONE]`."""

    def __init__(self, ending=b"0\r\n\r\n", *, breaks=False):
        self.opened = self.closed = 0
        self._ending = ending
        self._breaks = breaks

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader, writer):
        self.opened += 1
        if self._breaks:
            await self._break_off(reader, writer)
            return
        body = event({"content": "fine"}) + event({}, "stop") + b"data: [DONE]\n\n"
        with contextlib.suppress(ConnectionError):
            while request := await reader.read(100_000):
                if b'"messages"' in request:
                    writer.write(HEAD + b"%x\r\n%s\r\n" % (len(body), body))
                    await asyncio.sleep(0.02)
                    writer.write(self._ending)
        self.closed += 1
        writer.close()

    async def _break_off(self, reader, writer):
        """Say something, then more, and go away with it."""
        await reader.read(100_000)
        writer.write(HEAD)
        for text in ("ha", "lf"):
            body = event({"content": text})
            writer.write(b"%x\r\n%s\r\n" % (len(body), body))
            await asyncio.sleep(0.1)
        writer.close()


async def ask(url):
    model = LitellmModel("openai/test-model", {"api_base": url, "api_key": "some-key"})
    return "".join([delta.text async for delta in model.stream(TASK, (), {})])


async def test_questions_one_after_another_share_a_connection():
    async with Counting() as server:
        answers = [await ask(server.url) for _ in range(5)]
        await (await pooled_client()).close()

    assert answers == ["fine"] * 5
    assert server.opened == 1


async def test_a_server_that_does_not_end_its_answer_is_not_waited_for():
    async with Counting(ending=b"") as server:
        async with asyncio.timeout(5):
            answers = [await ask(server.url) for _ in range(2)]
        await asyncio.sleep(0.1)

        assert answers == ["fine"] * 2
        assert (server.opened, server.closed) == (2, 2)


async def test_a_connection_that_breaks_after_the_end_costs_nothing():
    async with Counting(ending=b"no chunk\r\n") as server:
        assert await ask(server.url) == "fine"


async def read_slowly(model, builder):
    async for delta in model.stream(TASK, (), {}):
        builder.add(delta, now_s=0)
        await asyncio.sleep(0.4)


async def test_text_that_came_before_a_break_is_kept_for_a_slow_reader():
    builder = ReplyBuilder(model="", started_s=0)
    async with Counting(breaks=True) as server:
        model = LitellmModel("openai/test-model", {"api_base": server.url, "api_key": "some-key"})
        with pytest.raises(ModelError, match="broke off"):
            await read_slowly(model, builder)

    assert builder.reply(usage=Usage()).text == "half"


def test_the_client_is_closed_with_its_loop():
    clients, loops = [], []

    async def open_one():
        loops.append(asyncio.get_running_loop())
        clients.append(await pooled_client())
        assert await pooled_client() is clients[-1]

    for _ in range(3):
        with asyncio.Runner() as runner:
            runner.run(open_one())
            runner.run(open_one())

    assert [client.closed for client in clients] == [True] * 6
    assert len({id(client) for client in clients}) == 3
    assert not any(loop in direct_pool._clients for loop in loops)


def test_a_portal_keeps_its_client_and_closes_it():
    before = set(threading.enumerate())
    portal = Portal()
    first, again = portal.wait_for(pooled_client()), portal.wait_for(pooled_client())

    portal.close()

    assert first is again
    assert first.closed
    assert "liteagent" not in [thread.name for thread in set(threading.enumerate()) - before]


def test_a_loop_that_was_closed_without_farewell_is_forgotten():
    loop = asyncio.new_event_loop()
    client = loop.run_until_complete(pooled_client())
    loop.run_until_complete(client.close())
    loop.close()

    with asyncio.Runner() as runner:
        runner.run(pooled_client())

    assert loop not in direct_pool._clients
