"""The process of one way: loads that way and nothing else, then reads what is asked, a line of JSON each time.

    python stream_worker.py NAME      (started by `router_stream.py`; NAME is a file of this folder)

CPU time is of the whole process, all its threads. Callbacks that litellm calls after a stream are waited for, so that
what they cost counts. What a way has loaded is taken out of the garbage collector's sight before each measure: looking
through litellm's 440,000 objects takes as long as 500 pieces, and would fall on one figure or another by chance.

Before each measure it is read once as it will be, and that one is told apart, as *cold*: while the other ways had the
processor, their memory took the place of this one's in its caches, and one long stream would pay for that what many short
ones share.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import statistics
import sys
import time
from pathlib import Path

from stream_task import StreamTask

sys.path.append(str(Path(__file__).parent.parent / "ways"))

from worker import loaded, own_stdout, serve


class StreamWorker:
    """Reads streams; a way's clients live as long as it does."""

    def __init__(self, way):
        self._reader = functools.cache(way.reader)
        self._runner = asyncio.Runner()

    def do(self, *, at_once, times, **task_fields):
        read = self._reader(StreamTask(**task_fields))
        gc.collect()
        gc.freeze()
        return self._runner.run(_measured(read, at_once, times))


async def _measured(read, at_once, times):
    """Read so many streams at once, so many times; return what one time took, and what the first one took."""
    cold = await _taken(read, at_once, 1)
    return {**await _taken(read, at_once, times), "cold_cpu_s": cold["cpu_s"], "cold_wall_s": cold["wall_s"]}


async def _taken(read, at_once, times):
    wall, cpu = time.perf_counter(), time.process_time()
    took = [one for _ in range(times) for one in await asyncio.gather(*(read() for _ in range(at_once)))]
    wall = time.perf_counter() - wall
    await _settled()
    cpu = time.process_time() - cpu
    moments = {name: statistics.median(one[name] for one in took) for name in ("ttft_s", "ttft_cpu_s", "tail_s")}
    return {"cpu_s": cpu / times, "wall_s": wall / times, **moments}


async def _settled():
    """Let the tasks end that were left to themselves; litellm's own worker waits for ever."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others := {task for task in others if "_worker_loop" not in repr(task.get_coro())}:
        await asyncio.wait(others, timeout=5)


def main():
    pipe = own_stdout()
    serve(StreamWorker(loaded(sys.argv[1], pipe)).do, pipe)


if __name__ == "__main__":
    main()
