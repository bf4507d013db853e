"""Forkserver: the owner's end of the process that starts kernels."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ExecError
from liteagent_nb.environment import child_environment
from liteagent_nb.kernels._supervisor import kill_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.kernels.processes import ProcessLimits

__all__ = ["Forkserver", "KernelProcess"]

_KERNEL_MODULES = (
    "liteagent_nb.kernels._kernel_app ipykernel.ipkernel ipykernel.zmqshell IPython.core.completerlib "
    "IPython.core.debugger IPython.core.logger IPython.extensions.storemagic tornado.locks tornado.platform.asyncio "
    "tornado.queues"
).split()
"""What a kernel imports while it starts."""
_END_WITHIN_S = 3.0


@dataclass(slots=True)
class KernelProcess:
    """A kernel's process. `ended` is done with its exit code once it, and all that it started, is gone."""

    pid: int
    _server: Forkserver = field(repr=False)
    ended: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    why: str = ""
    """Why it was ended, where the forkserver did so by itself."""

    def signal(self, signum: int) -> None:
        """Send a signal to it and its process group."""
        if not self.ended.done():  # its pid is its own until the forkserver says that it has ended
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signum)

    async def end(self) -> None:
        """Kill it and all that it started; returns when they are gone."""
        if not self.ended.done():
            self._server.send(op="end", pid=self.pid)
            await asyncio.wait({self.ended}, timeout=_END_WITHIN_S)


class Forkserver:
    """Starts kernels by forking a warm process, or as programs. Opens at the first start.

    *preload* names modules that are imported once the first kernel is there; every later one finds them ready.
    """

    def __init__(self, *, scratch: str, preload: Sequence[str] = ()) -> None:
        self._scratch = scratch
        self._preload = list(preload)
        self._opening = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._socket: socket.socket | None = None
        self._ids = itertools.count()
        self._asked: dict[int, asyncio.Future[int]] = {}
        self._kernels: dict[int, KernelProcess] = {}
        self._received = b""

    async def start(
        self, *, connection_file: str, argv: Sequence[str], cwd: str, env: Mapping[str, str], log: str,
        limits: ProcessLimits,
    ) -> KernelProcess:  # fmt: skip
        """Start a kernel, forked where *argv* is empty. Raises `ExecError` where the forkserver itself cannot run."""
        await self._opened()
        number = next(self._ids)
        told = self._asked[number] = asyncio.get_running_loop().create_future()
        self.send(
            op="start", id=number, connection_file=connection_file, argv=list(argv), cwd=cwd, env=dict(env), log=log,
            limits=limits.in_bytes(),
        )  # fmt: skip
        try:
            pid = await asyncio.shield(told)
        except asyncio.CancelledError:  # it will be there in a moment, and nobody will want it
            told.add_done_callback(self._end_unwanted)
            raise
        if self._preload:  # behind the first start, which nobody shall wait for it with
            modules, self._preload = self._preload, []
            self.send(op="preload", modules=modules)
        return self._kernels[pid]

    def send(self, **errand: object) -> None:
        """Ask the forkserver for something."""
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it has died: its reader tells everybody
                self._socket.sendall(json.dumps(errand).encode() + b"\n")

    async def aclose(self) -> None:
        """End all kernels and the forkserver."""
        async with self._opening:
            process, kernels = self._process, list(self._kernels.values())
            if process is None:
                return
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_WR)  # it ends everything and then itself
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_WITHIN_S)
            self._lost()
            await _killed(process)
            self._process = None
        for kernel in kernels:
            kill_session(kernel.pid)

    async def _opened(self) -> None:
        async with self._opening:
            if self._socket is not None:
                return
            ours, theirs = socket.socketpair()
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-P", "-m", "liteagent_nb.kernels._forkserver", self._scratch, *_KERNEL_MODULES,
                    stdin=theirs.fileno(), stdout=asyncio.subprocess.DEVNULL, stderr=None,
                    env=child_environment(self._scratch), cwd=self._scratch, start_new_session=True,
                )  # fmt: skip
            self._socket = ours
            asyncio.get_running_loop().add_reader(ours, self._listen)

    def _listen(self) -> None:
        assert self._socket is not None  # only then there is a reader
        try:
            received = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._lost()
            return
        *lines, self._received = (self._received + received).split(b"\n")
        for line in lines:
            self._take_in(json.loads(line))

    def _take_in(self, told: dict[str, Any]) -> None:
        if "id" in told:
            self._kernels[told["pid"]] = KernelProcess(told["pid"], self)
            self._asked.pop(told["id"]).set_result(told["pid"])
        elif "crowded" in told:
            self._kernels[told["crowded"]].why = f"stopped: more than {told['most']} processes"
        else:
            kernel = self._kernels.pop(told["ended"])
            if not kernel.ended.done():
                kernel.ended.set_result(told["code"])

    def _end_unwanted(self, told: asyncio.Future[int]) -> None:
        if not told.cancelled() and told.exception() is None:
            self.send(op="end", pid=told.result())

    def _lost(self) -> None:
        """The forkserver is gone, and its kernels with it."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket, self._received = None, b""
        kernels, self._kernels = self._kernels, {}
        for kernel in kernels.values():
            kill_session(kernel.pid)
            if not kernel.ended.done():
                kernel.ended.set_result(-int(signal.SIGKILL))
        asked, self._asked = self._asked, {}
        for waiting in asked.values():
            waiting.set_exception(ExecError("the process that starts kernels has died", hint="try again"))


async def _killed(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
