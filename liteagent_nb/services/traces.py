"""TraceFile: what runs did, one JSON line each, readable by nobody else, without secrets."""

from __future__ import annotations

import logging
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services.agent_wire import iteration_json, run_json
from liteagent_nb.services.answers import json_bytes
from liteagent_nb.services.hiding import words_of

if TYPE_CHECKING:
    from liteagent_nb.core.steps import Run
    from liteagent_nb.services.agent_requests import Task

__all__ = ["TraceFile", "chosen_traces"]

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_NOBODY_ELSE = 0o600
_NAME = "liteagent-traces.jsonl"


def chosen_traces() -> TraceFile | None:
    """Return the file that the environment names; None where no traces are wanted."""
    if not environment.is_flag_set("MINI_AGENT_STORE_TRACES"):
        return None
    return TraceFile(Path(environment.text("MINI_AGENT_STORE_PATH", _NAME)))


class TraceFile:
    """Keeps runs in *path*, or in a file of its own where that is a folder.

    Raises `ConfigError` where it cannot be written, or others can read it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path / _NAME if path.is_dir() else path
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._append(b"")
            found = self.path.stat()
        except OSError as error:
            message = f"traces cannot be kept in {self.path}: {error.strerror}"
            raise ConfigError(message, hint="set MINI_AGENT_STORE_PATH to another file") from None
        if stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077:
            raise ConfigError(f"others can read {self.path}", hint=f"chmod 600 {self.path}")

    def add(self, run: Run, task: Task) -> None:
        """Add one line. A full disk does not break the run: it is logged."""
        record = {"ts": datetime.now(UTC).isoformat(timespec="milliseconds"), **_record(run, task)}
        try:
            self._append(json_bytes(Mask(words_of(task.secrets))(record)) + b"\n")
        except OSError as error:
            logging.getLogger(__name__).warning("a trace was not kept in %s: %s", self.path, error.strerror)

    def _append(self, line: bytes) -> None:
        number = os.open(self.path, _FLAGS, _NOBODY_ELSE)
        try:
            os.write(number, line)  # at once: lines of several servers on one file stay whole
        finally:
            os.close(number)


def _record(run: Run, task: Task) -> dict[str, object]:
    error = run.error
    said = {"type": type(error).__name__, "message": str(error), "hint": error.hint} if error else None
    return {
        **run_json(run),
        "ok": error is None,
        "error": said,
        "tool_backend": task.backend,
        "iterations": [iteration_json(step) for step in run.steps],
    }
