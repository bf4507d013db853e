"""Real servers for tests: an app in a thread of its own, or `jupyter liteagent SERVICE` as a process of its own."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import uvicorn

BIN = Path(sys.executable).parent
ENV = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}


@contextmanager
def serving(app, host="127.0.0.1"):
    """Serve *app* on a free port and give its URL; its lifespan has ended on return."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((host, 0))
    listener.listen(2048)
    config = uvicorn.Config(app, log_config=None, log_level="critical", timeout_graceful_shutdown=5, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, listener))
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def _run(server, listener):
    with asyncio.Runner() as runner:
        runner.run(server.serve(sockets=[listener]))


def exec_rpc_process(*words, cwd, env=ENV):
    """Run `jupyter liteagent exec-rpc` on a free port; give its process, its URL and what it said. `log` is its log."""
    return service_process("exec-rpc", *words, cwd=cwd, env=env)


@contextmanager
def service_process(service, *words, cwd, env=ENV):
    """Run `jupyter liteagent SERVICE` on a free port; give its process, its URL and what it said. `log` is its log."""
    command = [str(BIN / "jupyter-liteagent"), service, "--port", "0", *words]
    with Path(cwd, "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
        )
    said = ""
    try:
        while not (found := re.search(rf"{service}: (\S+)\n", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        yield process, found[1], said
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(30)
        process.stdout.close()


def until(condition, within_s=5.0):
    """Wait until *condition* holds, and return whether it does."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
