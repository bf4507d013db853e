"""Our HTTP service in a process of its own, asked by hand; or the same server with an answer that is always the same."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from http_by_hand import Http

sys.path.append(str(Path(__file__).parents[2]))

from free_ports import free_port

TOKEN = "a-token-of-benchmarks"
APPS = {
    "": "liteagent_nb.services.exec_rpc_server:app",
    "fresh": "liteagent_nb.services.exec_rpc_server:app",
    "constant": "over_http:constant",
}
START_S = 30
FOREVER = "while True: pass"


async def constant(scope, receive, send):
    """Answer what our service answers, at once."""
    if scope["type"] != "http":
        return
    from starlette.requests import Request
    from starlette.responses import Response

    await Request(scope, receive).body()
    await Response(ANSWER, media_type="application/json")(scope, receive, send)


ANSWER = (
    '{"ok":true,"rc":0,"stdout":"123\\n","stderr":"","error":null,"t_ms":2.0,"truncated":false,"status":"ok","result":null,'
    '"outputs":[{"output_type":"stream","name":"stdout","text":"123\\n"}],"exception":null,"execution_count":1,"context":"a",'
    '"state_lost":false,"id":"a"}'
)


class Kernel:
    def __init__(self, http, context):
        self._http = http
        self._context = context

    async def run(self, code, told=None):
        if told is not None:
            async for piece in self._http.pieces("POST", "/exec/stream", self._asked(code, 60)):
                if b"event: output" in piece:
                    told()
            return ""
        return (await self.result(code, timeout_s=60))["stdout"]

    async def result(self, code, *, timeout_s):
        return await self._http.ask("POST", "/exec", self._asked(code, timeout_s))

    def _asked(self, code, timeout_s):
        asked = {"language": "python", "code": code, "timeout_sec": timeout_s}
        return asked | {"context": self._context} if self._context else asked

    async def interrupt(self):
        await self._http.ask("POST", f"/contexts/{self._context}/interrupt")

    async def pid(self):
        return (await self._http.ask("GET", f"/contexts/{self._context}"))["pid"]

    async def close(self):
        if self._context:
            await self._http.ask("DELETE", f"/contexts/{self._context}")


def _started(app, port, log):
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        app,
        "--port",
        str(port),
        "--no-access-log",
        "--timeout-keep-alive",
        "600",
    ]
    env = {**os.environ, "MINI_AGENT_API_KEY": TOKEN, "PYTHONPATH": str(Path(__file__).parent)}
    with log.open("w") as file:
        return subprocess.Popen(command, env=env, stdout=file, stderr=file)


class Way:
    def __init__(self, variant):
        self._variant = variant
        self._process = None

    async def open(self):
        port = free_port()
        self._log = Path(tempfile.mkdtemp(), "log")
        self._process = _started(APPS[self._variant], port, self._log)
        self.server_pid = self._process.pid
        self._port, self._http = port, Http(port, TOKEN)
        await self._answering()

    async def _answering(self):
        for _ in range(START_S * 20):
            if self._process.poll() is not None:
                raise RuntimeError(self._log.read_text().strip().splitlines()[-1])
            with contextlib.suppress(OSError):
                return await self.health()
            await asyncio.sleep(0.05)
        raise TimeoutError

    async def health(self):
        return await self._http.ask("GET", "/health")

    async def healths(self, seconds):
        """Return what /health took, asked by a process of its own: this one is busy with the crowd."""
        command = [sys.executable, str(Path(__file__).with_name("health_probe.py")), str(self._port), str(seconds)]
        probe = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        told, _ = await probe.communicate()
        return json.loads(told)

    async def rest(self):
        await asyncio.sleep(0.7)

    async def kernel(self):
        if self._variant == "fresh":
            return Kernel(self._http, "")
        return Kernel(self._http, (await self._http.ask("POST", "/contexts", {}))["id"])

    @contextlib.asynccontextmanager
    async def one_stuck(self):
        """Have one kernel run for ever meanwhile; for a server without kernels, a process that takes as much."""
        if self._variant == "constant":
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", FOREVER)
            try:
                yield
            finally:
                process.kill()
                await process.wait()
            return
        kernel = await self.kernel()
        spinning = asyncio.ensure_future(kernel.result(FOREVER, timeout_s=60))
        yield
        await kernel.interrupt()
        await spinning
        await kernel.close()

    async def close(self):
        if self._process is not None:
            self._http.close()
            self._process.terminate()
            self._process.wait(15)
