"""Kernels of a Jupyter Server or a Kernel Gateway: over a plain websocket client, or over ours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import uuid
from pathlib import Path

import aiohttp

from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.gateway import GatewayStarter
from liteagent_nb.kernels.websocket_wire import V1, pack_json, pack_v1, unpack_json, unpack_v1

sys.path.append(str(Path(__file__).parents[2]))

import in_process
from jupyter_servers import GATEWAY, SERVER, TOKEN, serving

NOTEBOOK_HTTP = [
    "--KernelGatewayApp.api=kernel_gateway.notebook_http",
    "--KernelGatewayApp.seed_uri={folder}/seed.ipynb",
]


class Kernel:
    """A websocket as most clients open it; one dispatcher, requests told apart by their id."""

    def __init__(self, session, url, kernel_id, websocket):
        self._session = session
        self._url = f"{url}/api/kernels/{kernel_id}"
        self._websocket = websocket
        self._is_v1 = websocket.protocol == V1
        self._open = {}
        self._reading = asyncio.ensure_future(self._read())

    async def run(self, code, told=lambda: None):
        header = {"msg_id": uuid.uuid4().hex, "session": "s", "username": "", "date": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {
            "header": header | {"msg_type": "execute_request"},
            "parent_header": {},
            "metadata": {},
            "content": content,
        }
        done = asyncio.get_running_loop().create_future()
        self._open[header["msg_id"]] = state = {"printed": [], "left": {"reply", "idle"}, "done": done, "told": told}
        if self._is_v1:
            await self._websocket.send_bytes(pack_v1("shell", message))
        else:
            await self._websocket.send_str(pack_json("shell", message))
        await asyncio.wait_for(done, 60)
        return "".join(state["printed"])

    async def _read(self):
        async for frame in self._websocket:
            channel, message = unpack_v1(frame.data) if self._is_v1 else unpack_json(frame.data)
            state = self._open.get(message["parent_header"].get("msg_id"))
            if state is None:
                continue
            if message["header"]["msg_type"] == "stream":
                state["printed"].append(message["content"]["text"])
                state["told"]()
            if channel == "shell":
                state["left"].discard("reply")
            elif message["content"].get("execution_state") == "idle":
                state["left"].discard("idle")
            if not state["left"] and not state["done"].done():
                state["done"].set_result(None)

    async def close(self):
        self._reading.cancel()
        await self._websocket.close()
        async with self._session.delete(self._url):
            pass


class Endpoint:
    """A cell of a notebook behind an address; its code is fixed."""

    def __init__(self, session, url):
        self._session = session
        self._url = url

    async def run(self, code, told=None):
        async with self._session.get(f"{self._url}/run") as answer:
            return await answer.text()

    async def close(self):
        """It has no kernel of its own."""


class Way:
    """The variants: `server-json`, `server-v1`, `gateway-v1`, `gateway-ours`, `server-ours`, `notebook-http`."""

    def __init__(self, variant):
        self._server, _, self._protocol = variant.partition("-")
        self._stack = contextlib.AsyncExitStack()

    async def open(self):
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        more = NOTEBOOK_HTTP if self._protocol == "http" else []
        (folder / "seed.ipynb").write_text(json.dumps(SEED))
        command = SERVER if self._server == "server" else GATEWAY
        if self._protocol == "http":
            command = [word for word in command if "Personality" not in word]
        serve = serving(command, folder, *more, ready="run" if self._protocol == "http" else "api/kernelspecs")
        running = self._stack.enter_context(serve)
        self._url, self.server_pid = running.url, running.pid
        headers = {"Authorization": f"token {TOKEN}"}
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession(headers=headers))
        if self._protocol == "ours":
            self._contexts = await self._stack.enter_async_context(Contexts(GatewayStarter(self._url, TOKEN), warm=0))

    async def rest(self):
        """Nothing is kept ready."""

    async def kernel(self):
        if self._protocol == "http":
            return Endpoint(self._session, self._url)
        if self._protocol == "ours":
            return in_process.Kernel(self._contexts, (await self._contexts.create()).id)
        async with self._session.post(f"{self._url}/api/kernels", json={}) as answer:
            kernel_id = (await answer.json())["id"]
        protocols = [V1] if self._protocol == "v1" else []
        url = f"{self._url}/api/kernels/{kernel_id}/channels"
        websocket = await self._session.ws_connect(url, protocols=protocols, max_msg_size=0)
        kernel = Kernel(self._session, self._url, kernel_id, websocket)
        await kernel.run("1")
        return kernel

    async def close(self):
        await self._stack.aclose()


SEED = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "cells": [
        {
            "id": "a",
            "cell_type": "code",
            "metadata": {},
            "outputs": [],
            "execution_count": None,
            "source": "# GET /run\nprint(123)",
        }
    ],
}
