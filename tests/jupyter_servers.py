"""Real Jupyter servers for tests: processes of their own, nothing of this machine's configuration, ended by pid."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from free_ports import free_port

TOKEN = "a-token-of-tests"
START_S = 60
GATEWAY = [
    *("-m", "kernel_gateway", "--KernelGatewayApp.ip=127.0.0.1", "--KernelGatewayApp.port_retries=0"),
    *(
        "--KernelGatewayApp.port={port}",
        "--KernelGatewayApp.auth_token={token}",
        "--JupyterWebsocketPersonality.list_kernels=True",
    ),
]
SERVER = [
    *("-m", "jupyter_server", "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port_retries=0"),
    *("--ServerApp.port={port}", "--IdentityProvider.token={token}", "--ServerApp.root_dir={folder}"),
]
OLD_PROTOCOL = "--ZMQChannelsWebsocketConnection.kernel_ws_protocol="
"""Has a server speak the JSON protocol only, as older ones do."""
NOTICES_DEATH_SOON = "--KernelRestarter.time_to_dead=0.3"


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    url: str
    pid: int

    def get(self, path):
        request = urllib.request.Request(f"{self.url}/{path}", headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def kernels(self):
        return self.get("api/kernels")


@contextlib.contextmanager
def serving(command, folder, *more, ready="api/kernelspecs", program=sys.executable, env=None):
    """Run a server with its configuration, its data and its home in *folder*, until it answers at *ready*.

    *program* runs it, with *env* beside what the tests have.
    """
    # Neither server tells the port it chose by itself where a test could read it.
    port = free_port()
    filled = [word.format(port=port, token=TOKEN, folder=folder) for word in [*command, *more]]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            [program, *filled], cwd=folder, env={**_environment(folder), **(env or {})}, stdout=log, stderr=log
        ) as process,
    ):
        try:
            running = Running(f"http://127.0.0.1:{port}", process.pid)
            _wait_until_it_answers(running, process, folder / "log", ready)
            yield running
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


def _wait_until_it_answers(running, process, log, ready):
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            return running.get(ready)
        time.sleep(0.1)
    raise RuntimeError(f"it does not start:\n{log.read_text()[-2000:]}")


def _environment(folder):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "KG_", "COV"))}
    own = {
        name: str(folder / name)
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    return {**kept, **own, "HOME": str(folder), "JUPYTER_PREFER_ENV_PATH": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
