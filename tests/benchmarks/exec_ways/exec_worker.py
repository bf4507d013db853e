"""The process of one way of running code: opens it, then takes the measures that are asked, a line of JSON each.

    python exec_worker.py MODULE[:VARIANT]      (started by `workers.py`; MODULE is a file of this folder)

A way's module has a class `Way(variant)` with `open`, `kernel` (a new one, ready), `close`; a kernel has `run(code)`,
which returns what was printed once the kernel is idle again, and `close`. What else they offer, some measures ask for.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "ways"))

import exec_measures
from worker import loaded, own_stdout, serve


class Worker:
    """Takes measures of one way; its kernels live as long as it does."""

    def __init__(self, way):
        self._way = way
        self._runner = asyncio.Runner()
        self._kernels = []

    def do(self, *, measure, **task):
        return self._runner.run(self._taken(getattr(exec_measures, measure), task))

    async def _taken(self, measure, task):
        if not self._kernels:
            await self._way.open()
            self._kernels.append(await self._way.kernel())
        return await measure(self._way, self._kernels, **task)

    def close(self):
        self._runner.run(self._way.close())
        self._runner.close()


def main():
    pipe = own_stdout()
    name, _, variant = sys.argv[1].partition(":")
    worker = Worker(loaded(name, pipe).Way(variant))
    try:
        serve(worker.do, pipe)
    finally:
        worker.close()


if __name__ == "__main__":
    main()
