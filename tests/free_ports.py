"""Ports for the servers of tests that cannot tell which one they took themselves."""

from __future__ import annotations

import os
import random
import socket

OWN = range(20_000, 32_000)
"""Below the ports that systems give out by themselves (Linux: from 32,768): a port of those is soon someone else's."""
WORKERS = 8


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens at and that no other pytest worker is given."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
    for port in random.sample(OWN[worker::WORKERS], 50):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise OSError("no port is free")
