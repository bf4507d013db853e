"""LocalStarter: kernels on this machine, each in a folder of its own, with a clean environment and limits."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zmq
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.threads import Thread
from liteagent_nb.environment import child_environment
from liteagent_nb.kernels._forkserver import TAG
from liteagent_nb.kernels.forkserver import Forkserver
from liteagent_nb.kernels.isolation import walled
from liteagent_nb.kernels.languages import LANGUAGES, toolchain_variables
from liteagent_nb.kernels.processes import ProcessLimits
from liteagent_nb.kernels.protocol import LanguageStatus
from liteagent_nb.kernels.zmq_connection import PORTS, ZmqConnection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.kernels.connection import KernelConnection

__all__ = ["LocalStarter"]

_LONGEST_PATH = 70
"""The path of a Unix socket ends at about 107 bytes."""
_HEARTBEAT = 4
_OUR_KERNEL = (sys.executable, "-P", "-m", "liteagent_nb.kernels._kernel_app")


class LocalStarter:
    """Starts Python kernels by forking, and kernels of any installed kernelspec as programs.

    *cwd* is where they run; without it each has a scratch folder. *isolate* walls them off from the user's files and
    the network, in scratch folders always. *preload* names modules that every Python kernel
    but the first finds imported already.
    """

    def __init__(
        self, *, cwd: str = "", isolate: bool = False, limits: ProcessLimits | None = None, preload: Sequence[str] = ()
    ) -> None:
        self._cwd = "" if isolate else cwd
        self._is_isolated = isolate
        self._limits = limits or ProcessLimits()
        self._preload = tuple(preload)
        self._numbers = itertools.count()
        self._folder = ""
        self._forkserver: Forkserver | None = None
        self._context: zmq.Context[Any] | None = None

    async def start(self, language: str) -> KernelConnection:
        """Start a kernel for *language*: `python`, or the name of a kernelspec or its language.

        Raises `ConfigError` for an unknown one, `ExecError` where it cannot be started.
        """
        spec = None if language == "python" else _find_spec(language)
        forkserver = self._opened()
        folder = Path(self._folder, str(next(self._numbers)))
        home = folder / "home"
        home.mkdir(parents=True, mode=0o700)
        key, connection_file = secrets.token_hex(16), folder / "kernel.json"
        connection_file.write_text(json.dumps(_connection_info(str(folder / "k"), key)))
        connection_file.chmod(0o600)
        process = await forkserver.start(
            connection_file=str(connection_file),
            argv=self._argv(spec, str(connection_file), str(folder)),
            cwd=self._cwd or str(home),
            env=_environment(str(home), spec) | self._shared(),
            log=str(folder / "log"),
            limits=self._limits,
        )
        assert self._context is not None  # _opened has made it
        connection = ZmqConnection(
            process, path=str(folder / "k"), key=key.encode(), context=self._context, log=folder / "log",
            is_walled=self._is_isolated,
        )  # fmt: skip
        # Behind the connection, which reads the log when the kernel ends.
        process.ended.add_done_callback(lambda _: None if self._context is None else _remove_later(folder))
        return connection

    async def languages(self) -> Sequence[LanguageStatus]:
        """Return Python and the languages of the installed kernelspecs."""
        version = f"Python {sys.version.split()[0]}"
        python = LanguageStatus("python", is_installed=True, version=version, keeps_state=True, aliases=("py",))
        specs = await asyncio.to_thread(KernelSpecManager().get_all_specs)
        return [python, *(_status_of(name, entry["spec"]) for name, entry in sorted(specs.items()))]

    async def aclose(self) -> None:
        """End all kernels and remove their folders."""
        forkserver, self._forkserver = self._forkserver, None
        context, self._context = self._context, None
        if forkserver is not None:
            await forkserver.aclose()
        if context is not None:
            context.destroy(linger=0)
        if self._folder:
            await Thread(lambda: shutil.rmtree(self._folder, ignore_errors=True), name="liteagent-tidy").start().outcome
            self._folder = ""

    def _shared(self) -> dict[str, str]:
        """Return what kernels may share: matplotlib takes seconds to look at all fonts, and keeps what it saw."""
        return {} if self._is_isolated else {"MPLCONFIGDIR": f"{self._folder}/matplotlib"}

    def _argv(self, spec: Any, connection_file: str, folder: str) -> list[str]:
        """Return the program to start; empty for one that is forked."""
        if spec is None and not self._is_isolated:
            return []
        argv = [*_OUR_KERNEL, connection_file] if spec is None else _argv_of(spec, connection_file)
        return walled(argv, folder, f"{folder}/home") if self._is_isolated else argv

    def _opened(self) -> Forkserver:
        if self._forkserver is None:
            self._folder = _folder()
            self._context = zmq.Context()
            self._forkserver = Forkserver(scratch=self._folder, preload=self._preload)
        return self._forkserver


def _folder() -> str:
    """Make a folder that only this user can enter: whoever can open a kernel's sockets can read its outputs."""
    short = tempfile.gettempdir() if len(tempfile.gettempdir()) <= _LONGEST_PATH else "/tmp"  # noqa: S108
    return tempfile.mkdtemp(prefix="liteagent-", dir=short)


def _connection_info(path: str, key: str) -> dict[str, object]:
    ports = {f"{channel}_port": number for channel, number in PORTS.items()} | {"hb_port": _HEARTBEAT}
    return {"transport": "ipc", "ip": path, "key": key, "signature_scheme": "hmac-sha256", **ports}


def _environment(home: str, spec: Any) -> dict[str, str]:
    env = {**child_environment(home), **toolchain_variables(), "IPYTHONDIR": os.path.join(home, ".ipython")}  # noqa: PTH118
    return {**env, **(spec.env if spec else {}), TAG: secrets.token_hex(8)}


def _argv_of(spec: Any, connection_file: str) -> list[str]:
    values: Mapping[str, str] = {"connection_file": connection_file, "resource_dir": spec.resource_dir}
    words = [_filled(word, values) for word in spec.argv]
    is_python = words[0] in {"python", "python3"}
    return [sys.executable if is_python else words[0], *words[1:]]


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _find_spec(language: str) -> Any:
    manager = KernelSpecManager()
    try:
        return manager.get_kernel_spec(language)
    except NoSuchKernel:
        specs = manager.get_all_specs()
    found = [
        name for name, entry in specs.items() if str(entry["spec"].get("language", "")).lower() == language.lower()
    ]
    if not found:
        known = ", ".join([*(language.name for language in LANGUAGES), *sorted(specs)])
        raise ConfigError(f"there is no kernel for {language!r}", hint=f"there are: {known}")
    return manager.get_kernel_spec(found[0])


def _status_of(name: str, spec: Mapping[str, Any]) -> LanguageStatus:
    return LanguageStatus(name, is_installed=True, version=str(spec.get("display_name", "")), keeps_state=True)


def _remove_later(folder: Path) -> None:
    Thread(lambda: shutil.rmtree(folder, ignore_errors=True), name="liteagent-tidy").start()
