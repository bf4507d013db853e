"""What a run may leave behind: nothing. Tasks, threads, open files and sockets, processes."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Held:
    """What this process holds at a moment."""

    threads: frozenset[threading.Thread]
    open_files: int
    children: frozenset[int]

    @classmethod
    def now(cls, *, with_processes):
        own = psutil.Process()
        children = own.children(recursive=True) if with_processes else ()
        return cls(frozenset(threading.enumerate()), own.num_fds(), frozenset(child.pid for child in children))

    def beyond(self, before):
        """Tell in words what is held now and was not held before."""
        told = [f"thread {thread.name}" for thread in self.threads - before.threads]
        told += [f"{self.open_files - before.open_files} open files"] if self.open_files > before.open_files else []
        return told + [f"process {pid}" for pid in self.children - before.children]


@contextmanager
def nothing_is_left(*, within_s=2.0, with_processes=True):
    """Fail where the block leaves a thread, an open file, a socket or a process for longer than *within_s*."""
    before = Held.now(with_processes=with_processes)
    yield
    until = time.monotonic() + within_s
    while (left := Held.now(with_processes=with_processes).beyond(before)) and time.monotonic() < until:
        time.sleep(0.005)
    assert not left, f"left behind: {', '.join(left)}"


async def tasks_left(before=frozenset(), *, within_s=0.0):
    """Return the tasks of this loop that have not ended after *within_s*; those *before* and the asking one aside."""
    others = asyncio.all_tasks() - before - {asyncio.current_task()}
    if others and within_s:
        await asyncio.wait(others, timeout=within_s)
    return sorted(str(task.get_coro()) for task in others if not task.done())


def killed(marker):
    """Kill the processes of this machine, whoever's children they are, that have *marker* in their arguments.

    Returns their ids; none of them may be taken for the next example's.
    """
    found = psutil.process_iter(["cmdline", "status"])
    alive = [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
    named = [process for process in alive if marker in " ".join(process.info["cmdline"] or ())]
    for process in named:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return [process.pid for process in named]


def connections_to(port):
    """Return the connections that this process holds open to *port*."""
    return [held for held in psutil.Process().net_connections("tcp") if held.raddr and held.raddr.port == port]
