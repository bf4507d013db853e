"""Starts kernels: a warm process that forks one whenever its owner asks, and clears up after each.

    python -P -m liteagent_nb.kernels._forkserver SCRATCH MODULE …    (file descriptor 0 is a socket to its owner)

The owner sends a line of JSON for each errand, and is told a line for each kernel that ended:

    {"op": "start", "id": 1, "connection_file", "argv", "cwd", "env", "log", "limits"}   ->  {"id": 1, "pid": 123}
    {"op": "preload", "modules": ["numpy"]}
    {"op": "end", "pid": 123}                                                            ->  {"ended": 123, "code": -9}

A kernel without `argv` is forked with all that is imported here (the modules named too), which saves most of its start;
one with `argv` is a program. It has one thread only, or a fork would be a gamble. When the owner is gone, whatever
it died of, so are all kernels and what they started.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from typing import Any

from liteagent_nb.environment import replace_environment
from liteagent_nb.kernels import _supervisor as processes

__all__ = ["TAG", "main"]

_LOOK_EVERY_S = 0.5
_KILL_WITHIN_S = 2.0
TAG = "LITEAGENT_KERNEL"
"""The variable by which what a kernel started is found again, wherever it went."""


class _Server:
    """The kernels of one owner, their start and their end."""

    def __init__(self, owner: socket.socket, wakeup: int) -> None:
        self._owner = owner
        self._wakeup = wakeup
        self._received = b""
        self._most: dict[int, int] = {}
        """How many processes each kernel may have, by its pid."""
        self._tags: dict[int, str] = {}

    def serve(self) -> None:
        """Work until the owner is gone; then end everything."""
        while True:
            sources = [self._owner.fileno(), self._wakeup]
            ready, _, _ = select.select(sources, [], [], _LOOK_EVERY_S if self._most else None)
            if self._wakeup in ready:
                os.read(self._wakeup, 4096)
            if sources[0] in ready and not self._listen():
                break
            self._reap()
            self._check_numbers()
        for pid in list(self._most):
            self._end(pid)

    def _listen(self) -> bool:
        try:
            received = self._owner.recv(1 << 16)
        except OSError:
            return False
        *lines, self._received = (self._received + received).split(b"\n")
        for line in lines:
            self._do(json.loads(line))
        return bool(received)

    def _do(self, errand: dict[str, Any]) -> None:
        if errand["op"] == "start":
            self._tell(id=errand["id"], pid=self._start(errand))
        elif errand["op"] == "preload":
            _import(errand["modules"])
        elif errand["pid"] in self._most:
            self._end(errand["pid"])

    def _tell(self, **message: object) -> None:
        with contextlib.suppress(OSError):  # the owner is gone: the next look ends this
            self._owner.sendall(json.dumps(message).encode() + b"\n")

    def _start(self, errand: dict[str, Any]) -> int:
        pid = os.fork()
        if pid == 0:
            self._owner.close()
            _become_kernel(errand, server=os.getppid())
        self._most[pid] = errand["limits"]["processes"]
        self._tags[pid] = errand["env"].get(TAG, "")
        return pid

    def _reap(self) -> None:
        """Collect what ended: kernels, and orphans that came to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._most:
                self._ended(pid, os.waitstatus_to_exitcode(status))

    def _check_numbers(self) -> None:
        """End a kernel that has too many processes: the limit of the system does not hold for root."""
        for pid, most in list(self._most.items()):
            if sum(1 for _ in processes.descendants(pid)) > most:
                self._tell(crowded=pid, most=most)
                self._end(pid)

    def _end(self, pid: int) -> None:
        """Kill a kernel and what it started."""
        for descendant in [*processes.descendants(pid), pid]:
            processes.kill(descendant)
        code = -int(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._ended(pid, code)

    def _ended(self, pid: int, code: int) -> None:
        del self._most[pid]
        _clear_up(pid, self._tags.pop(pid))
        self._tell(ended=pid, code=code)


def _clear_up(session: int, tag: str) -> None:
    """Kill what a kernel has left behind, until nothing is left."""
    until = time.monotonic() + _KILL_WITHIN_S
    while time.monotonic() < until:
        left = [
            pid for pid, _parent, its_session in processes.processes_now() if its_session == session or _has(pid, tag)
        ]
        for pid in left:
            processes.kill(pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if not left:
            return
        time.sleep(0.002)


def _has(pid: int, tag: str) -> bool:
    if not tag or pid == os.getpid():
        return False
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return f"{TAG}={tag}".encode() in file.read().split(b"\0")
    except OSError:
        return False


def _become_kernel(errand: dict[str, Any], *, server: int) -> None:
    """Turn this forked process into a kernel; never returns."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        log = os.open(errand["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for target, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
            os.dup2(source, target)
        os.closerange(3, 1 << 12)
        os.chdir(errand["cwd"])
        processes.be_bounded(processes.limits_of(**errand["limits"]), parent=server)
        if errand["argv"]:
            os.execvpe(errand["argv"][0], errand["argv"], errand["env"])  # noqa: S606 - no shell on purpose
        _forked_kernel(errand)
        code = 0
    except BaseException as error:  # noqa: BLE001 - whatever it is, it stands in the log
        os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(code)


def _forked_kernel(errand: dict[str, Any]) -> None:
    replace_environment(errand["env"])
    time.tzset()
    sys.argv = [""]
    if drawing := sys.modules.get("numpy.random"):  # `random` does so itself: two forks must not draw the same numbers
        drawing.seed()
    from liteagent_nb.kernels import _kernel_app  # noqa: PLC0415 - imported before the fork, programs do without

    _kernel_app.run(errand["connection_file"])


def _import(modules: list[str]) -> None:
    for module in modules:
        with contextlib.suppress(Exception):  # what cannot be imported here will say so in the kernel
            importlib.import_module(module)


def main(scratch: str, modules: list[str]) -> None:
    """Import what kernels will need, then serve the owner behind file descriptor 0; *scratch* goes with him."""
    owner = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    processes.be_a_subreaper()
    awake, wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wakeup)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner's Ctrl+C is not ours
    _import(modules)
    _Server(owner, awake).serve()
    shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
