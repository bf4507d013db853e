"""The kernel's own process: ipykernel, tuned by its public traits to answer fast and to lose nothing.

    python -P -m liteagent_nb.kernels._kernel_app CONNECTION_FILE

Also started by `_forkserver.py` in a process that it forked. Imports nothing else of the package.
"""

from __future__ import annotations

import functools
import os
import select
import sys
import time
from typing import Any

import zmq
from ipykernel.iostream import OutStream
from ipykernel.kernelapp import IPKernelApp
from IPython.core.compilerop import CachingCompiler
from traitlets.config import Config

__all__ = ["PromptStream", "SidecarApp", "run"]

_FLUSH_WITHIN_S = 0.02
"""A printed line is sent so much later at most; ipykernel's own 0.2 s is what a reader waits for."""
_PIPE_LOOKS = 50
_PIECE_CHARS = 1 << 16
_MESSAGES_HELD = 16
"""How many messages wait at either end of the iopub channel before the code has to."""
_INPUTS_KEPT = 1000


class PromptStream(OutStream):
    """stdout or stderr, sent soon and in its order; a flush does not wait for the thread that sends.

    ipykernel's own `_flush` runs in that thread and then queues the message once more, behind all that was queued
    meanwhile, the end of the execution for instance; so its `flush` has to wait, which costs more than most cells.
    """

    flush_interval = _FLUSH_WITHIN_S

    def flush(self) -> None:
        """Have what was written sent before anything that is sent later."""
        self._let_pipe_run_dry()
        with self._buffer_lock:
            is_empty = not self._buffers
        if not is_empty:
            self.pub_thread.schedule(self._flush)

    def _flush(self) -> None:
        self._flush_pending = self._subprocess_flush_pending = False
        for parent, data in self._flush_buffers():  # type: ignore[no-untyped-call]
            # In pieces: whoever reads them holds one at a time, and makes the code wait if it is too fast.
            for start in range(0, len(data), _PIECE_CHARS):
                self.session.pid = os.getpid()
                content = {"name": self.name, "text": data[start : start + _PIECE_CHARS]}
                self.session.send(
                    _AtOnce(self.pub_thread), self.session.msg("stream", content, parent), ident=self.topic
                )

    def _let_pipe_run_dry(self) -> None:
        """Let the thread that reads file descriptors catch up: what C code or a program printed comes that way."""
        for _ in range(_PIPE_LOOKS):
            if self._fid is None or not select.select([self._fid], [], [], 0)[0]:
                return
            time.sleep(0.0005)


class _AtOnce:
    """Sends from within the sending thread."""

    def __init__(self, thread: Any) -> None:
        self._thread = thread

    def send_multipart(self, message: Any, *arguments: Any, **more: Any) -> None:
        self._thread._really_send(message, *arguments, **more)  # noqa: SLF001 - its public form queues


class SidecarApp(IPKernelApp):
    """ipykernel that drops no output, without what a sidecar has no use for: a heartbeat, history."""

    def _bind_socket(self, s: zmq.Socket[Any], port: int) -> Any:
        if s.socket_type == zmq.XPUB:
            # A slow reader makes the code wait. The default drops messages without a word, `idle` among them.
            s.setsockopt(zmq.XPUB_NODROP, 1)
            s.setsockopt(zmq.SNDHWM, _MESSAGES_HELD)
        return super()._bind_socket(s, port)  # type: ignore[no-untyped-call]

    def init_kernel(self) -> None:
        """Make the kernel, without a debugger: nobody attaches one here, and it is two thirds of the start."""
        modules: Any = sys.modules
        modules.setdefault("debugpy", None)  # how Python is told that there is none
        try:
            super().init_kernel()  # type: ignore[no-untyped-call]
        finally:
            if modules["debugpy"] is None:
                del modules["debugpy"]

    def init_shell(self) -> None:
        """Keep what a kernel remembers of its past from growing with every execution."""
        super().init_shell()  # type: ignore[no-untyped-call]
        shell: Any = self.shell
        if hasattr(shell.history_manager, "outputs"):  # from IPython 9 on: all that was ever printed
            shell.history_manager.outputs = _Forgotten()
        # ipykernel's own hashes every cell in Python, a second for a megabyte, so that a debugger finds it as a file.
        shell.compile = CachingCompiler()  # type: ignore[no-untyped-call]
        shell.events.register("post_run_cell", functools.partial(_forget, shell))

    def init_heartbeat(self) -> None:
        """Open none: the process itself is watched."""


class _Forgotten(dict[int, list[object]]):
    """Looks empty whatever is put in."""

    def __missing__(self, _key: int) -> list[object]:
        return []


def _forget(shell: Any, _result: object) -> None:
    """Drop what would be written to a database, were there one, and the numbered copies of old inputs."""
    history = shell.history_manager
    history.db_input_cache.clear()
    getattr(history, "exceptions", {}).clear()
    shell.user_ns.pop(f"_i{shell.execution_count - _INPUTS_KEPT}", None)


def run(connection_file: str) -> None:
    """Serve the kernel until it is told to shut down."""
    config = Config()
    config.SidecarApp.connection_file = connection_file
    config.SidecarApp.parent_handle = 1  # somebody else watches over it, and needs no hints on the terminal
    config.IPKernelApp.outstream_class = "liteagent_nb.kernels._kernel_app.PromptStream"
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.Session.digest_history_size = 1000  # the default of 65,536 grows by megabytes
    config.Kernel._execute_sleep = 0.0  # noqa: SLF001 - a trait; the reader waits for reply and idle
    app: Any = SidecarApp.instance(config=config)
    app.initialize([])
    app.start()


if __name__ == "__main__":
    run(sys.argv[1])
