"""The checks find what they are for."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import uuid

import pytest
from leaks import connections_to, killed, nothing_is_left, tasks_left


def test_a_thread_that_stays_is_told():
    may_end = threading.Event()

    with pytest.raises(AssertionError, match="thread sleeper"), nothing_is_left(within_s=0.02):
        threading.Thread(target=may_end.wait, name="sleeper").start()

    may_end.set()


def test_a_socket_that_stays_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(AssertionError, match="1 open files"), nothing_is_left(within_s=0.02):
            client = socket.create_connection(("127.0.0.1", port))
        found = connections_to(port)
        client.close()

    assert len(found) == 1


def test_a_process_that_stays_is_told_whoever_its_parent_is():
    marker = f"60.{uuid.uuid4().int % 10**9}"
    script = f"(setsid sleep {marker} &); exec sleep {marker}"

    with pytest.raises(AssertionError, match="process"), nothing_is_left(within_s=0.2):
        child = subprocess.Popen(["sh", "-c", script])
    found = killed(marker)
    child.wait()

    assert len(found) == 2
    assert child.pid in found


async def test_a_task_that_stays_is_told():
    async def stays():
        await asyncio.sleep(60)

    task = asyncio.create_task(stays())
    left = await tasks_left(within_s=0.01)
    task.cancel()

    assert len(left) == 1
    assert "stays" in left[0]
