"""What runs code: here, on a server, or behind a gateway; and a context of it for one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liteagent_nb.kernels.languages import Wall
    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.kernels.run_context import RunContext

__all__ = ["make_executor", "make_run_context", "wall_of"]

PRELOADED = ("numpy", "pandas")
"""What kernels find imported where it is installed: most code wants them, and they take longer than all the rest."""


def make_executor(
    *,
    url: str = "",
    token: str = "",
    gateway: str = "",
    isolate: bool = False,
    cwd: str = "",
    most_contexts: int = 32,
) -> ContextExecutor:
    """Return what runs code: kernels of this machine, or those behind an Exec-RPC *url* or a Jupyter *gateway*.

    *token* is for that server alone. *isolate* walls kernels of this machine off from its files and the network; *cwd*
    is where they run, each in a scratch folder where it is left out. *most_contexts* of this machine's may be open.
    """
    if url:
        from liteagent_nb.kernels.http_executor import HttpExecutor  # noqa: PLC0415 - loads when first wired

        return HttpExecutor(url, token=token)
    from liteagent_nb.kernels.contexts import Contexts  # noqa: PLC0415 - zmq and jupyter_client load when first wired

    if gateway:
        from liteagent_nb.kernels.gateway import GatewayStarter  # noqa: PLC0415

        return Contexts(GatewayStarter(gateway, token=token))
    from liteagent_nb.kernels.local_starter import LocalStarter  # noqa: PLC0415

    starter = LocalStarter(cwd=cwd, isolate=isolate, preload=PRELOADED)
    return Contexts(starter, wall=wall_of(isolate=isolate), most_contexts=most_contexts)


def wall_of(*, isolate: bool) -> Wall | None:
    """Return what walls programs off from the user's files and the network, where that is wanted."""
    if not isolate:
        return None
    from liteagent_nb.kernels.isolation import walled  # noqa: PLC0415 - loads when first wired

    return walled


def make_run_context(executor: ContextExecutor) -> RunContext:
    """Return an executor for one run, whose code keeps its variables until `aclose`."""
    from liteagent_nb.kernels.run_context import RunContext  # noqa: PLC0415 - loads when first wired

    return RunContext(executor)
