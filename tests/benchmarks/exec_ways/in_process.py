"""Our Contexts, asked in this process: with all that it keeps ready, or with less, or over a gateway."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict

from liteagent_nb.kernels.contexts import Contexts
from liteagent_nb.kernels.isolation import walled
from liteagent_nb.kernels.local_starter import LocalStarter


class Kernel:
    def __init__(self, executor, context):
        self._executor = executor
        self._context = context

    async def run(self, code, told=lambda: None):
        def watch(_output):
            told()

        result = await self._executor.execute(code, context=self._context, timeout_s=60, watch=watch)
        return result.stdout

    async def result(self, code, *, timeout_s):
        return asdict(await self._executor.execute(code, context=self._context, timeout_s=timeout_s))

    async def interrupt(self):
        await self._executor.interrupt(self._context)

    async def pid(self):
        return next(context.pid for context in await self._executor.contexts() if context.id == self._context)

    async def close(self):
        await self._executor.close(self._context)


class Fresh(Kernel):
    """No context: every call has a kernel of its own."""

    def __init__(self, executor):
        super().__init__(executor, "")

    async def close(self):
        """There is nothing to close."""


class Way:
    """The variants: ``, `fresh`, `forked` (no pool), `alone` (no forkserver running either), `preloaded`, `isolated`."""

    def __init__(self, variant):
        self._variant = variant
        self.server_pid = os.getpid()
        self._executors = []

    async def open(self):
        self._executors.append(self._executor())

    def _executor(self):
        warm = 0 if self._variant in {"forked", "alone"} else 1
        if self._variant == "isolated":
            return Contexts(LocalStarter(isolate=True), warm=0, wall=walled)
        preload = ("numpy", "pandas") if self._variant == "preloaded" else ()
        return Contexts(LocalStarter(preload=preload), warm=warm)

    async def rest(self):
        """Let the pool fill; or begin anew where nothing may be kept."""
        if self._variant == "alone":
            self._executors.append(self._executor())
        elif self._variant not in {"forked", "isolated"}:
            await asyncio.sleep(0.7)

    async def kernel(self):
        executor = self._executors[-1]
        return Fresh(executor) if self._variant == "fresh" else Kernel(executor, (await executor.create()).id)

    async def close(self):
        for executor in self._executors:
            await executor.aclose()
