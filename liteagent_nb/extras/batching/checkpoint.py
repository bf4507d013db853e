"""Checkpoint: a file with one line for each finished task, from which a batch that was ended goes on.

A line is handed to the system in one write as soon as its task is done: a process that is killed loses none. The disk
is told to keep them at most once a second, so that a machine that loses power loses the last second.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.core.chat import Usage
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.batching.records import read_record

if TYPE_CHECKING:
    from types import TracebackType

    from liteagent_nb.extras.batching.records import Record
    from liteagent_nb.extras.batching.tasks import BatchTask

__all__ = ["Checkpoint"]

_HEAD = b'{"liteagent_batch":1}\n'
_SYNC_EVERY_S = 1.0
_TEXTS = ("task", "answer", "error")
_FINAL = frozenset({"success", "max_iterations", "stagnation"})
"""How a run ends that is not asked again; `budget` belongs to them under the limits that it was cut by."""


class Checkpoint:
    """The finished tasks in *file*, as long as it is open; no other process has it meanwhile.

    Raises `ConfigError` where another has it, and where *file* is something else.
    """

    def __init__(self, file: str | Path) -> None:
        self.path = Path(file).expanduser()
        self.spent = Usage()
        """Tokens and money of all starts, failed tasks included."""
        self._done: dict[str, tuple[Record, list[float | None] | None]] = {}
        self._mask = Mask()
        self._fd = -1
        self._synced_s = 0.0

    def __enter__(self) -> Self:
        """Lock the file, read it, and cut off a last line that was not finished."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - where there is a checkpoint

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(f"{self.path}.lock", timeout=0, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            hint = "wait for it, or name another file: two batches cannot go on from one"
            raise ConfigError(f"another batch is writing {self.path}", hint=hint) from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Have the disk keep all of it, and let others have the file."""
        try:
            os.fsync(self._fd)
        finally:
            os.close(self._fd)
            self._lock.release()

    def __len__(self) -> int:
        return len(self._done)

    def done(self, task: BatchTask, *, limits: list[float | None]) -> Record | None:
        """Return what became of *task* in an earlier start; None where it is to be asked."""
        record, cut_by = self._done.get(task.key, (None, None))
        if record is None or cut_by not in (None, limits):
            return None
        return replace(record, index=task.index)

    async def add(self, task: BatchTask, record: Record, *, limits: list[float | None], is_cut: bool) -> None:
        """Keep what became of *task*; one that failed, or that a limit of the batch cut, is asked again next time."""
        is_final = record.stopped_reason in _FINAL or (record.stopped_reason == "budget" and not is_cut)
        line = {"key": task.key, "is_final": is_final, "limits": limits, "record": self._masked(record)}
        _write(self._fd, json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
        if (now := time.monotonic()) - self._synced_s >= _SYNC_EVERY_S:
            self._synced_s = now
            await asyncio.to_thread(os.fsync, self._fd)

    def _masked(self, record: Record) -> dict[str, object]:
        """Return *record* without secrets: they could only be in its texts."""
        row = record.row()
        return row | {name: self._mask.text(text) for name in _TEXTS if isinstance(text := row[name], str)}

    def _open(self) -> None:
        data = self.path.read_bytes() if self.path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        if not _HEAD.startswith(whole[: len(_HEAD)]) or (not whole and not _HEAD.startswith(data)):
            raise ConfigError(f"{self.path} is no checkpoint of a batch", hint="name another file")
        for number, line in enumerate(whole.splitlines()[1:], 2):
            self._read(line, number)
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o600)
        os.ftruncate(self._fd, len(whole))
        if not whole:
            _write(self._fd, _HEAD)

    def _read(self, line: bytes, number: int) -> None:
        try:
            told = json.loads(line)
            record = read_record(told["record"])
            self.spent += record.usage
            if told["is_final"]:
                self._done[told["key"]] = (record, told["limits"] if record.stopped_reason == "budget" else None)
        except (ValueError, LookupError, TypeError) as error:
            hint = "take the line out, or name another file; what it told is asked anew"
            raise ConfigError(f"line {number} of {self.path} is no finished task", hint=hint) from error


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
