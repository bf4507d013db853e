"""Checks of what runs code: a kernel of this machine, the Exec-RPC service, and the wall of --isolate."""

from __future__ import annotations

import secrets
from contextlib import aclosing
from typing import TYPE_CHECKING

import httpx

from liteagent_nb.assembly import make_executor
from liteagent_nb.checks.check import Skipped
from liteagent_nb.core.errors import ConfigError, ExecError
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.kernels.isolation import walled
from liteagent_nb.services.exec_rpc_server import create_app
from liteagent_nb.services.host import host_app

if TYPE_CHECKING:
    from liteagent_nb.checks.check import Bench
    from liteagent_nb.core.execution import ExecResult
    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.services.host import Host

__all__ = ["exec_host", "exec_rpc", "isolation", "kernel"]

_CODE = "print(123)"
_LIMIT_S = 60.0


def kernel(_bench: Bench) -> str:
    """Run code in a kernel of this machine."""
    found = _printed(shared_portal().wait_for(_once(make_executor())))
    return f"{_CODE} printed 123 in {found.t_ms:.0f} ms"


def exec_rpc(bench: Bench) -> str:
    """Run code by way of an Exec-RPC server, and be refused without its token."""
    host = exec_host(bench)
    refused = httpx.post(f"{host.url}/exec", json={"language": "python", "code": _CODE}, trust_env=False)
    if refused.status_code != httpx.codes.UNAUTHORIZED:
        raise ExecError(f"without a token it answers {refused.status_code}, not 401", hint="report it")
    _printed(shared_portal().wait_for(_once(make_executor(url=host.url, token=host.token))))
    return f"{_CODE} printed 123 over HTTP; 401 without the token"


def isolation(_bench: Bench) -> str:
    """Look whether code can be walled off."""
    try:
        walled(["true"], "/")
    except ConfigError as error:
        raise Skipped(str(error), remedy=error.hint) from None
    return "--isolate keeps code from your files and the network"


def exec_host(bench: Bench) -> Host:
    """Return the Exec-RPC server of this bench."""
    return bench.keep("exec-rpc", _exec_host)


def _exec_host() -> Host:
    return host_app(lambda token: create_app(token=token), token=secrets.token_urlsafe())


async def _once(executor: ContextExecutor) -> ExecResult:
    async with aclosing(executor):
        return await executor.execute(_CODE, timeout_s=_LIMIT_S)


def _printed(found: ExecResult) -> ExecResult:
    if (found.ok, found.stdout) != (True, "123\n"):
        said = found.error or found.stderr or found.stdout or "nothing"
        raise ExecError(f"{_CODE} gave {said}", hint="pip install --upgrade --force-reinstall ipykernel")
    return found
