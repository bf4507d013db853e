"""The process of one way: loads that way and nothing else, then does what is asked, a line of JSON each time.

    python worker.py NAME      (started by `workers.py`; NAME is a file of this folder)

It first tells what loading took. Each line asked is a task; `at_once` conversations are held together. CPU time is of
the whole process, all its threads; the event loop is one, and kept.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from task import Task


def rss_mb() -> float:
    """Return the memory in use now; Linux tells, elsewhere it is left out."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _together(converse, at_once):
    return await asyncio.gather(*(converse() for _ in range(at_once)))


class Worker:
    """Does tasks; a way's clients live as long as it does."""

    def __init__(self, way):
        self._prepare = functools.cache(way.conversation)
        self._runner = asyncio.Runner()
        self._threads = ThreadPoolExecutor(64) if getattr(way, "IS_SYNC", False) else None

    def do(self, *, at_once, **task_fields):
        task = Task(**task_fields)
        converse = self._prepare(task)
        wall, cpu = time.perf_counter(), time.process_time()
        answers = self._hold(converse, at_once)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        wrong = [answer for answer in answers if (answer or "").strip() != task.answer.strip()]
        if wrong:
            raise ValueError(f"a wrong answer: {wrong[0]!r:.200}")
        return {"cpu_s": cpu, "wall_s": wall}

    def _hold(self, converse, at_once):
        """Hold so many conversations at once: sync ones in a thread each, where there is more than one."""
        if self._threads is None:
            return self._runner.run(_together(converse, at_once))
        if at_once == 1:
            return [converse()]
        return [future.result() for future in [self._threads.submit(converse) for _ in range(at_once)]]


def own_stdout():
    """Return the pipe to the parent; whatever a library prints goes to stderr instead."""
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return pipe


def loaded(name, pipe):
    """Return the module of a way, having told what loading it took."""
    cpu, wall, rss = time.process_time(), time.perf_counter(), rss_mb()
    way = importlib.import_module(name)
    told = {"import_cpu_s": time.process_time() - cpu, "import_wall_s": time.perf_counter() - wall}
    print(json.dumps(told | {"import_mb": rss_mb() - rss}), file=pipe)
    return way


def serve(do, pipe):
    """Do what is asked until nothing more is."""
    for line in sys.stdin:
        try:
            print(json.dumps(do(**json.loads(line))), file=pipe)
        except Exception as error:  # noqa: BLE001 - a peer raises anything; all of it is told
            print(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}), file=pipe)


def main():
    pipe = own_stdout()
    serve(Worker(loaded(sys.argv[1], pipe)).do, pipe)


if __name__ == "__main__":
    main()
