"""Tools: the local ones, functions of the user, MCP servers, and those of a host."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.assembly.making_executors import wall_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Executor, Invoker
    from liteagent_nb.tools.http_tools_invoker import HttpToolsInvoker
    from liteagent_nb.tools.mcp_invoker import McpInvoker

__all__ = ["Closing", "make_far_invoker", "make_http_tools", "make_invoker", "make_mcp_invoker"]

Closing: TypeAlias = Callable[[], Coroutine[None, None, None]]


def make_invoker(
    config: AgentConfig,
    functions: Sequence[Callable[..., object]] = (),
    *,
    executor: Executor | None = None,
    isolate: bool = False,
    others: Sequence[Invoker] = (),
) -> Invoker:
    """Return the local tools that *config* allows, beside them *functions* of the user's and the tools of *others*.

    Code runs on *executor*, without one in a fresh process each time; *isolate* walls off shell commands, too.
    """
    from liteagent_nb.tools.local_invoker import LocalMCPInvoker  # noqa: PLC0415 - loads when first wired

    local = LocalMCPInvoker(
        config.shell_allow_prefixes,
        config.tool_timeout_sec,
        executor=executor,
        wall=wall_of(isolate=isolate),
    )
    return _with_others(local, functions, others)


def make_mcp_invoker(file: Path, *, taken: Iterable[str] = ()) -> McpInvoker:
    """Return the tools of the MCP servers in *file*. Raises `ConfigError` where it names none."""
    from liteagent_nb.tools.mcp_invoker import McpInvoker  # noqa: PLC0415 - loads when first wired

    return McpInvoker.from_file(file, taken=taken)


def make_http_tools(url: str, headers: Mapping[str, str] | None = None, *, timeout_s: float = 0.0) -> HttpToolsInvoker:
    """Return the tools of the host at *url*; to be closed. *headers* are for that host alone.

    A call gets *timeout_s* where that is more than usual.
    """
    from liteagent_nb.tools.http_tools_invoker import CALL_TIMEOUT_S, HttpToolsInvoker  # noqa: PLC0415 - it, too

    return HttpToolsInvoker(url, headers, max(timeout_s, CALL_TIMEOUT_S))


def make_far_invoker(
    url: str,
    functions: Sequence[Callable[..., object]] = (),
    *,
    others: Sequence[Invoker] = (),
    token: Callable[[], str] = str,
    timeout_s: float = 0.0,
    cassette: Cassette | None = None,
) -> tuple[Invoker, Closing]:
    """Return the tools of the host at *url*, beside them *functions* and the tools of *others*, and what closes it.

    *token* gives what is shown to that host alone. A call gets *timeout_s* where that is more than usual. Where the
    host's list is on *cassette*, nobody is asked for it.
    """
    from liteagent_nb.cassettes.listings import CassetteListing  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.tools.http_tools_invoker import listed_as  # noqa: PLC0415

    made: list[HttpToolsInvoker] = []

    def make() -> Invoker:
        shown = token()
        headers = {"authorization": f"Bearer {shown}"} if shown else None
        made.append(make_http_tools(url, headers, timeout_s=timeout_s))
        return made[0]

    async def close() -> None:
        for invoker in made:
            await invoker.aclose()

    tape = None if cassette is None or cassette.mode == "off" else cassette
    far: Invoker = make() if tape is None else CassetteListing(tape, listed_as(url), make)
    return _with_others(far, functions, others), close


def _with_others(invoker: Invoker, functions: Sequence[Callable[..., object]], others: Sequence[Invoker]) -> Invoker:
    """Return *invoker* with *functions* and *others* before it, where there are any."""
    from liteagent_nb.tools.composite import CompositeInvoker  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.tools.toolbox import Toolbox  # noqa: PLC0415

    before = [*([Toolbox(functions)] if functions else []), *others]
    return CompositeInvoker([*before, invoker]) if before else invoker
