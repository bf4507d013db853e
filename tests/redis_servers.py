"""Real Redis servers for tests, each in a folder and on a port of its own."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time

import pytest
from free_ports import free_port

STARTS_WITHIN_S = 20


@contextlib.contextmanager
def serving_redis(folder, *, port=None):
    """Run a Redis server on a port of this machine, a free one where none is named; give the port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is missing (Debian's package redis-server)")
    port = port or free_port()
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(folder),
        "--save",
        "",
        "--loglevel",
        "warning",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(port, server)
            yield port
        finally:
            server.terminate()


def wait_for(port, server):
    ends_s = time.monotonic() + STARTS_WITHIN_S
    while server.poll() is None and time.monotonic() < ends_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(16).startswith(b"+PONG"):
                return
        time.sleep(0.01)
    raise RuntimeError(f"redis-server does not answer on port {port}")
