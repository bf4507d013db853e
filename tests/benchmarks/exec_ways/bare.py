"""The kernel protocol by hand, the yardstick: a default ipykernel over tcp, or a kernel as ours are started.

It signs, packs and reads as jupyter_client does, without threads, an event loop or a client object.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import zmq
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session

from liteagent_nb.kernels.local_starter import LocalStarter

LIMIT_MS = 30_000


class Kernel:
    """Two sockets of a running kernel, read by hand."""

    def __init__(self, info, end):
        self._end = end
        self._session = Session(key=info["key"] if isinstance(info["key"], bytes) else info["key"].encode())
        self._context = zmq.Context()
        self._shell = self._connected(zmq.DEALER, info, "shell_port")
        self._iopub = self._connected(zmq.SUB, info, "iopub_port")
        self._poller = zmq.Poller()
        for socket in (self._shell, self._iopub):
            self._poller.register(socket, zmq.POLLIN)

    def _connected(self, kind, info, port):
        socket = self._context.socket(kind)
        socket.linger = 0
        if kind == zmq.SUB:
            socket.subscribe(b"")
        socket.connect(
            f"ipc://{info['ip']}-{info[port]}" if info["transport"] == "ipc" else f"tcp://{info['ip']}:{info[port]}"
        )
        return socket

    async def run(self, code, told=lambda: None):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        asked = self._session.send(self._shell, "execute_request", content | {"stop_on_error": True})
        printed, is_replied, is_idle = [], False, False
        while not (is_replied and is_idle):
            ready = dict(self._poller.poll(LIMIT_MS))
            if not ready:
                raise TimeoutError
            for socket in ready:
                _, message = self._session.recv(socket)
                if message["parent_header"].get("msg_id") != asked["header"]["msg_id"]:
                    continue
                if socket is self._shell:
                    is_replied = True
                elif message["msg_type"] == "stream":
                    printed.append(message["content"]["text"])
                    told()
                elif message["content"].get("execution_state") == "idle":
                    is_idle = True
        return "".join(printed)

    async def close(self):
        self._context.destroy(linger=0)
        await self._end()


class Way:
    def __init__(self, variant):
        self._is_ours = variant == "ours"
        self._kernels = []
        self._starter = LocalStarter()

    async def open(self):
        """Nothing is shared between kernels."""

    async def rest(self):
        """Nothing is kept ready."""

    async def kernel(self):
        kernel = await (self._ours() if self._is_ours else self._default())
        self._kernels.append(kernel)
        return kernel

    async def _ours(self):
        connection = await self._starter.start("python")
        kernel = Kernel(_newest_connection_file(self._starter), connection.close)
        await _ready(kernel)
        return kernel

    async def _default(self):
        manager = KernelManager()
        manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.stop_channels()

        async def end():
            manager.shutdown_kernel(now=True)

        return Kernel(manager.get_connection_info(), end)

    async def close(self):
        for kernel in self._kernels:
            await kernel.close()
        await self._starter.aclose()


def _newest_connection_file(starter):
    files = Path(starter._folder).glob("*/kernel.json")
    return json.loads(max(files, key=lambda path: path.stat().st_mtime_ns).read_text())


async def _ready(kernel):
    """Wait until it is heard: what is printed before the subscription has reached it is lost."""
    for _ in range(100):
        asked = kernel._session.send(kernel._shell, "kernel_info_request")
        heard = set()
        while dict(kernel._poller.poll(50)):
            socket = next(iter(dict(kernel._poller.poll(0))))
            _, message = kernel._session.recv(socket)
            heard.add(socket)
            if len(heard) == 2 and message["parent_header"].get("msg_id") == asked["header"]["msg_id"]:
                return
    raise TimeoutError
