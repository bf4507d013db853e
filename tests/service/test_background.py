"""An app that is served from a notebook, in the background."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest
from exec_server import ENV
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services.background import serve_in_background


class Told:
    """An app, and what happened to it."""

    def __init__(self):
        self.log = []
        self.is_working = threading.Event()
        self.app = Starlette(routes=[Route("/", self.answer), Route("/slow", self.work)], lifespan=self.life)

    @contextlib.asynccontextmanager
    async def life(self, app):
        self.log.append("open")
        yield
        self.log.append("closed")

    async def answer(self, request):
        return PlainTextResponse("here")

    async def work(self, request):
        self.is_working.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise


def is_taken(url):
    with socket.socket() as probe:
        return probe.connect_ex((urlsplit(url).hostname, urlsplit(url).port)) == 0


def test_it_is_there_at_once_and_gone_when_it_is_closed():
    told = Told()

    with serve_in_background(told.app) as server:
        assert httpx.get(server.url).text == "here"
        assert (server.is_open, repr(server)) == (True, f"BackgroundServer({server.url!r})")

    assert not is_taken(server.url)
    assert told.log == ["open", "closed"]
    assert (server.is_open, repr(server)) == (False, f"BackgroundServer({server.url!r}, closed)")
    server.close()
    assert told.log == ["open", "closed"]


def test_closing_cancels_what_does_not_end_by_itself_and_takes_no_longer_than_it_was_given():
    told = Told()
    server = serve_in_background(told.app, drain_s=0)
    asking = threading.Thread(target=lambda: httpx.get(f"{server.url}/slow", timeout=10))
    asking.start()
    assert told.is_working.wait(5)

    started = time.monotonic()
    server.close()

    assert time.monotonic() - started < 3
    assert told.log == ["open", "cancelled", "closed"]
    asking.join(5)
    assert not asking.is_alive()


def test_a_port_that_is_taken_is_a_config_error():
    with serve_in_background(Told().app) as server, pytest.raises(ConfigError, match="cannot be bound") as caught:
        serve_in_background(Told().app, port=urlsplit(server.url).port)

    assert "port" in caught.value.hint


def test_an_app_that_does_not_open_is_a_config_error_and_leaves_nothing_behind():
    @contextlib.asynccontextmanager
    async def broken(app):
        raise OSError("no disk")
        yield

    threads = threading.active_count()

    with pytest.raises(ConfigError, match="did not start"):
        serve_in_background(Starlette(lifespan=broken))

    assert threading.active_count() == threads


async def test_it_works_inside_a_running_loop():
    with serve_in_background(Told().app) as server:
        async with httpx.AsyncClient() as client:
            assert (await client.get(server.url)).text == "here"


def test_an_interpreter_that_exits_closes_it():
    script = (
        "import contextlib\nfrom starlette.applications import Starlette\n"
        "from liteagent_nb.services.background import serve_in_background\n"
        "@contextlib.asynccontextmanager\nasync def life(app):\n    yield\n    print('closed', flush=True)\n"
        "server = serve_in_background(Starlette(lifespan=life))\nprint('open', flush=True)\n"
    )

    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=30, check=False)

    assert (done.stdout.split(), done.stderr, done.returncode) == (["open", "closed"], "", 0)
