"""Isolation: a wall of bubblewrap round a kernel, so that it sees neither the user's files nor the network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["walled"]

_SYSTEM = "/usr /bin /sbin /lib /lib32 /lib64".split()
_SETTINGS = (
    "ld.so.cache ld.so.conf ld.so.conf.d alternatives fonts group java-17-openjdk localtime nsswitch.conf "
    "passwd ssl timezone"
).split()
"""What programs need of /etc; the rest of it is nobody's business."""
_TRY_WITHIN_S = 10


def walled(argv: Sequence[str], folder: str, cwd: str = "") -> list[str]:
    """Return *argv* behind a wall: it reads the system's programs and Python, writes *folder*, and has no network.

    It begins in *cwd*, a folder in there. Raises `ConfigError` where this machine cannot do that.
    """
    return [_bubblewrap(), *_WALLS, *_readable(), "--bind", folder, folder, "--chdir", cwd or folder, "--", *argv]


_WALLS = (
    "--unshare-user-try --unshare-ipc --unshare-net --unshare-uts --unshare-cgroup-try --unshare-pid --new-session "
    "--die-with-parent --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run"
).split()


def _readable() -> Iterator[str]:
    """Yield the options that show the system's programs and this Python, to be read only."""
    for path in (*_SYSTEM, *(f"/etc/{name}" for name in _SETTINGS), *_python_folders()):
        yield from ("--ro-bind-try", path, path)


@cache
def _python_folders() -> tuple[str, ...]:
    """Return where this Python and its packages live, and this package where it is not installed among them."""
    paths = sysconfig.get_paths()
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, paths["purelib"], paths["platlib"], paths["stdlib"]}
    found |= {str(Path(sys.executable).resolve().parent.parent), str(Path(__file__).parents[1])}
    return tuple(sorted(found))


@cache
def _bubblewrap() -> str:
    bwrap = which("bwrap")
    if bwrap is None:
        hint = "install bubblewrap (Debian: apt-get install bubblewrap), or leave out --isolate"
        raise ConfigError("kernels cannot be isolated: bubblewrap is not on this machine", hint=hint)
    tried = subprocess.run(
        [bwrap, *_WALLS, *_readable(), "--", sys.executable, "-c", ""],
        capture_output=True, text=True, timeout=_TRY_WITHIN_S, check=False,
    )  # fmt: skip
    if tried.returncode:
        said = tried.stderr.strip().splitlines()[-1:] or [f"exit code {tried.returncode}"]
        hint = "allow unprivileged user namespaces, or leave out --isolate"
        raise ConfigError(f"kernels cannot be isolated on this machine: {said[0]}", hint=hint)
    return bwrap
