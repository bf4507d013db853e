"""code-sandboxes: its sandbox over a Jupyter server."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from code_sandboxes.sandboxes.jupyter_server import JupyterServerSandbox

sys.path.append(str(Path(__file__).parents[2]))

from jupyter_servers import SERVER, TOKEN, serving


class Kernel:
    def __init__(self, sandbox):
        self._sandbox = sandbox

    async def run(self, code, told=None):
        result = self._sandbox.run_code(code)
        return "".join(message.line for message in result.logs.stdout)

    async def close(self):
        """The sandbox ends it."""


class Way:
    def __init__(self, variant):
        self._stack = contextlib.ExitStack()

    async def open(self):
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        running = self._stack.enter_context(serving(SERVER, folder))
        self._sandbox = JupyterServerSandbox(server_url=running.url, token=TOKEN)
        self._sandbox.start()
        self._stack.callback(self._sandbox.stop)

    async def kernel(self):
        return Kernel(self._sandbox)

    async def close(self):
        self._stack.close()
