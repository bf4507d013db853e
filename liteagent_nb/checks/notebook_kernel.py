"""Check of the kernel that notebooks get: whether it is one in which this package is known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from liteagent_nb.checks.check import Bench

__all__ = ["notebook_kernel"]

_LOOK_WITHIN_S = 60


def notebook_kernel(_bench: Bench) -> str:
    """Look at the kernel that a notebook of ours gets, and whether this package is known in it."""
    try:
        argv = KernelSpecManager().get_kernel_spec("python3").argv
    except NoSuchKernel:
        hint = f"{sys.executable} -m pip install ipykernel"
        raise ConfigError("there is no kernel python3", hint=hint) from None
    program = argv[0] if Path(argv[0]).is_absolute() else sys.executable
    if not _can_import(program, "ipykernel", "liteagent_nb"):
        hint = f"{sys.executable} -m ipykernel install --sys-prefix"
        raise ConfigError(f"the kernel python3 is {program}, which cannot import liteagent_nb", hint=hint)
    return f"python3 is {program}"


def _can_import(program: str, *names: str) -> bool:
    code = "; ".join(f"import {name}" for name in names)
    try:
        done = subprocess.run([program, "-c", code], capture_output=True, timeout=_LOOK_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
