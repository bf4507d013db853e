"""Runs a program that cannot get out of hand: limits, a clean environment, and nothing left when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.core.tasks import wait_in_any_case
from liteagent_nb.core.threads import Thread
from liteagent_nb.environment import child_environment
from liteagent_nb.kernels._supervised import TIME_LIMIT, Supervised

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from liteagent_nb.core.execution import OutputWatcher

__all__ = [
    "MISSING_PROGRAM",
    "TIME_LIMIT",
    "ProcessLimits",
    "is_installed",
    "run_process",
    "scratch_folder",
    "supervised",
]

MISSING_PROGRAM = -2
"""The exit code where there is no such program on this machine."""

OUTPUT_CAP = 20_000
"""How many bytes of stdout, and of stderr, are kept."""

_SUPERVISOR = (
    f"import os, sys; sys.path.append({str(Path(__file__).parent)!r}); import _supervisor; "
    "os._exit(_supervisor.main(sys.argv[1:]))"
)
_TIDY_WITHIN_S = 0.3


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What a program may use. The number of processes holds for it and all that it starts."""

    memory_mb: int = 4096
    file_mb: int = 1024
    open_files: int = 1024
    processes: int = 512

    def in_bytes(self) -> dict[str, int]:
        """Return them as the system wants them."""
        sizes = {"memory": self.memory_mb << 20, "file_size": self.file_mb << 20}
        return {**sizes, "open_files": self.open_files, "processes": self.processes}


@contextlib.asynccontextmanager
async def scratch_folder() -> AsyncIterator[str]:
    """Give a folder of its own to a piece of work, and remove it after."""
    folder = tempfile.TemporaryDirectory(prefix="liteagent-", ignore_cleanup_errors=True)
    try:
        yield folder.name
    finally:
        # A program may have left a million files: they are removed beside the loop, and not waited for forever.
        removal = Thread(folder.cleanup, name="liteagent-tidy").start()
        await wait_in_any_case(removal.outcome, timeout_s=_TIDY_WITHIN_S)


async def run_process(
    argv: Sequence[str],
    *,
    timeout_s: float,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    output_cap: int = OUTPUT_CAP,
    stdin: bytes | None = None,
    limits: ProcessLimits | None = None,
    scratch: str = "",
    watch: OutputWatcher | None = None,
) -> ExecResult:
    """Run a program and return what it brought back; failing is a result.

    It and all that it started are gone on return: when it ended, when *timeout_s* is over (rc -1), when this is
    cancelled; and when this process dies. Without *cwd* it runs in a scratch folder of its own. *env* is added to a
    clean environment. *scratch* is its HOME, and removed should this process die. *watch* is told what it prints.
    """
    if not scratch:
        async with scratch_folder() as folder:
            return await run_process(
                argv, timeout_s=timeout_s, cwd=cwd, env=env, output_cap=output_cap, stdin=stdin, limits=limits,
                scratch=folder, watch=watch,
            )  # fmt: skip
    environment = {**child_environment(scratch), **(env or {})}
    if not is_installed(argv[0], environment.get("PATH"), cwd or scratch):
        return ExecResult(
            ok=False, rc=MISSING_PROGRAM, status="error", error=f"{argv[0]} is not installed on this machine"
        )
    program = Supervised(output_cap=output_cap, watch=watch)
    life = asyncio.ensure_future(
        program.live(
            supervised(argv, limits=limits or ProcessLimits(), scratch=scratch),
            timeout_s=timeout_s,
            cwd=cwd or scratch,
            env=environment,
            stdin=stdin,
        )
    )
    try:
        return await asyncio.shield(life)
    except asyncio.CancelledError:
        program.stop()
        await wait_in_any_case(life)
        raise


def is_installed(program: str, path: str | None, cwd: str) -> bool:
    """Whether *program* can be started in the folder *cwd*, with *path* as its PATH."""
    try:
        return shutil.which(os.path.join(cwd, program) if "/" in program else program, path=path) is not None  # noqa: PTH118
    except ValueError:  # a NUL in the name
        return False


def supervised(argv: Sequence[str], *, limits: ProcessLimits, scratch: str = "") -> list[str]:
    """Return *argv* under a supervisor that takes all with it that it started: at its end, on SIGTERM, and when we die.

    Its standard streams are the program's. *scratch* is removed should this process die.
    """
    # Isolated and without site: it must start fast, and nothing of the user's may run in it.
    return [
        sys.executable or "python3",
        "-I",
        "-S",
        "-c",
        _SUPERVISOR,
        str(os.getpid()),
        scratch,
        *map(str, limits.in_bytes().values()),
        *argv,
    ]
