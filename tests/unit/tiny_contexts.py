"""A double of ContextExecutor: Python in this very process, and a program language that echoes."""

from __future__ import annotations

import asyncio
import contextlib
import io

from liteagent_nb.core.errors import ConfigError, UnknownContext
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus

HANG = "hang"


class Printed(io.StringIO):
    def __init__(self, watch):
        super().__init__()
        self.watch = watch

    def write(self, text):
        self.watch({"output_type": "stream", "name": "stdout", "text": text})
        return super().write(text)


class TinyContexts:
    """Runs code with `exec`; the name `show` in it tells an output."""

    def __init__(self, **place):
        self.place = place
        self.open = {}
        self.asked = []
        self.was_stopped = self.is_closed = False
        self.interrupted = asyncio.Event()

    async def execute(self, code, *, language="python", timeout_s=10.0, context="", watch=None):
        self.asked.append((code, language, timeout_s, context))
        watch = watch or (lambda output: None)
        if context and context not in self.open:
            raise UnknownContext(f"there is no context {context}")
        if language == "echo":
            return ExecResult(
                ok=code != "fail",
                rc=3 if code == "fail" else 0,
                stdout=code + "\n",
                status="error" if code == "fail" else "ok",
            )
        if language not in {"python", "r"}:
            raise ConfigError(f"nobody knows {language}", hint="one of echo, python")
        if code.startswith(HANG):
            return await self.hang(watch)
        if code.startswith("result "):
            return eval(code.removeprefix("result "))
        return self.run(code, watch, self.open.get(context, [None, {}])[1], context)

    async def hang(self, watch):
        watch({"output_type": "stream", "name": "stdout", "text": "so far\n"})
        self.interrupted = asyncio.Event()
        try:
            await asyncio.wait_for(self.interrupted.wait(), 60)
        finally:
            self.was_stopped = True
        return ExecResult(ok=False, rc=130, stdout="so far\n", status="interrupted", error="interrupted")

    def run(self, code, watch, names, context):
        printed = Printed(watch)
        try:
            with contextlib.redirect_stdout(printed):
                exec(code, names | {"show": watch} if not context else names.setdefault("show", watch) and names)
        except Exception as error:  # noqa: BLE001 - as a kernel does
            kind = {
                "ename": type(error).__name__,
                "evalue": str(error),
                "traceback": ["Traceback", "\x1b[31mline 1\x1b[0m"],
            }
            watch({"output_type": "error", **kind})
            return ExecResult(
                ok=False,
                rc=1,
                status="error",
                stdout=printed.getvalue(),
                error=f"{kind['ename']}: {error}",
                exception=kind,
            )
        return ExecResult(ok=True, rc=0, stdout=printed.getvalue(), context=context)

    async def create(self, language="python", *, name=""):
        name = name or f"c{len(self.open)}"
        self.open[name] = (language, {})
        return ContextStatus(name, language)

    async def contexts(self):
        return [ContextStatus(name, language, pid=7, executions=2) for name, (language, _) in self.open.items()]

    async def interrupt(self, context):
        self.needed(context)
        self.interrupted.set()

    async def restart(self, context):
        self.needed(context)[1].clear()

    async def close(self, context):
        self.needed(context)
        del self.open[context]

    def needed(self, context):
        if context not in self.open:
            raise UnknownContext(f"there is no context {context}", hint="%exec list")
        return self.open[context]

    async def languages(self):
        return [
            LanguageStatus("python", is_installed=True, version="Python 3", keeps_state=True, aliases=("py",)),
            LanguageStatus("echo", is_installed=True, aliases=("parrot",)),
            LanguageStatus("r", is_installed=True, keeps_state=True),
            LanguageStatus("cobol", is_installed=False),
        ]

    async def aclose(self):
        self.open.clear()
        self.is_closed = True
