"""The owner's end of a supervised program: reads its output, keeps its time limit, ends it."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import subprocess
import tempfile
from typing import TYPE_CHECKING

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels._capped import CappedOutput
from liteagent_nb.kernels._supervisor import kill_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

    from liteagent_nb.core.execution import OutputWatcher

__all__ = ["CANNOT_START", "TIME_LIMIT", "Supervised"]

_NAMES = {1: "stdout", 2: "stderr"}

TIME_LIMIT = -1
"""The exit code of what did not end in time."""

CANNOT_START = 126
"""The exit code of what could not be started, as in a shell."""

_STOP_WITHIN_S = 0.6
"""How long the supervisor may take to end everything before it is killed itself."""
_DRAIN_WITHIN_S = 0.2


class Supervised(asyncio.SubprocessProtocol):
    """One supervised program, from start to end. Everything it started is gone when `live` returns.

    Exit is told by the child watcher, not by the end of the pipes: a stray grandchild may hold those.
    """

    def __init__(self, *, output_cap: int, watch: OutputWatcher | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._outputs = {1: CappedOutput(output_cap), 2: CappedOutput(output_cap)}
        self._watch = watch
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in _NAMES}
        self._exited: asyncio.Future[None] = loop.create_future()
        self._drained: asyncio.Future[None] = loop.create_future()
        self._stopping: asyncio.Future[None] = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep the ends of what was printed, and tell of it while there is not too much."""
        output = self._outputs[fd]
        if self._watch is not None and not output.is_truncated:
            text = self._decoders[fd].decode(data[: output.room])
            self._watch({"output_type": "stream", "name": _NAMES[fd], "text": text})
        output.feed(data)

    def process_exited(self) -> None:
        """Take note: the supervisor has ended."""
        self._exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the caller's signature
        """Take note: the pipes are closed too."""
        self._drained.set_result(None)

    def stop(self) -> None:
        """End the program now; `live` returns soon after."""
        if not self._stopping.done():
            self._stopping.set_result(None)

    async def live(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        cwd: str,
        env: Mapping[str, str],
        stdin: bytes | None,
    ) -> ExecResult:
        """Start the program, wait for its end or the time limit, clear up, and return what it brought back."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            with _readable(stdin) as source:
                transport, _ = await loop.subprocess_exec(
                    lambda: self, *argv, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    cwd=cwd, env=env, start_new_session=True,
                )  # fmt: skip
        except (OSError, ValueError) as error:  # arguments too long, a NUL in them, no such folder
            return ExecResult(ok=False, rc=CANNOT_START, status="error", error=f"cannot be started: {error}")
        try:
            left_s = timeout_s - (loop.time() - started_s)
            await asyncio.wait({self._exited, self._stopping}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            is_late = not self._exited.done()
        finally:
            await self._end(transport)
        rc, error_text = (TIME_LIMIT, f"timeout after {timeout_s:g}s") if is_late else _ending(transport)
        return self._result(rc, error_text, (loop.time() - started_s) * 1000)

    async def _end(self, transport: asyncio.SubprocessTransport) -> None:
        pid = transport.get_pid()
        for signum, patience_s in ((signal.SIGTERM, _STOP_WITHIN_S), (signal.SIGKILL, _STOP_WITHIN_S)):
            if not self._exited.done():
                # Not transport.send_signal: its poll() may snatch the exit code from the child watcher.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signum)
                await asyncio.wait({self._exited}, timeout=patience_s)
        if (transport.get_returncode() or 0) < 0:  # the supervisor was killed: it could not clear up
            kill_session(pid)
        await asyncio.wait({self._drained}, timeout=_DRAIN_WITHIN_S)
        transport.close()
        await asyncio.wait({self._drained}, timeout=_DRAIN_WITHIN_S)

    def _result(self, rc: int, error: str | None, t_ms: float) -> ExecResult:
        stdout, stderr = self._outputs[1], self._outputs[2]
        return ExecResult(
            ok=rc == 0,
            rc=rc,
            status="ok" if rc == 0 else "timeout" if rc == TIME_LIMIT else "error",
            stdout=stdout.text,
            stderr=stderr.text,
            error=error,
            t_ms=t_ms,
            truncated=stdout.is_truncated or stderr.is_truncated,
        )


def _ending(transport: asyncio.SubprocessTransport) -> tuple[int, str | None]:
    """Return the exit code and how to call it."""
    code = transport.get_returncode() or 0
    rc = code if code >= 0 else 128 - code
    if rc == 0:
        return 0, None
    with contextlib.suppress(ValueError):
        return rc, f"exit code {rc} ({signal.Signals(rc - 128).name})"
    return rc, f"exit code {rc}"


@contextlib.contextmanager
def _readable(stdin: bytes | None) -> Iterator[int | IO[bytes]]:
    """Give what a program reads: nothing, or a file. A pipe could be left full."""
    if stdin is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file
