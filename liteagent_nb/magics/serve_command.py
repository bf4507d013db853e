"""`%agent serve …`: this notebook's agent and functions for other programs, in the background."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.assembly import make_invoker
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.magics.cassette_command import find_cassette
from liteagent_nb.magics.choosing import find_functions, find_model, models_in
from liteagent_nb.panels.lists import note_bundle, rows_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.magics.choosing import Wanted
    from liteagent_nb.services.host import Host

    MakeApp: TypeAlias = Callable[[str], ASGIApp]

__all__ = ["WORDS", "is_serve_command", "serve_command", "stop_serving"]

WORDS = ("stop", "--port", "--mcp")
"""What may come behind `%agent serve`."""

_HINT = "%agent serve, with --port N or --mcp; %agent serve stop"


def is_serve_command(rest: str) -> bool:
    """Whether what stands behind the word `serve` makes it a command: `serve me a joke` is a task."""
    return rest.split() in ([], ["stop"]) or rest.lstrip().startswith("--")


def serve_command(magics: AgentMagics, wanted: Wanted, rest: str) -> tuple[dict[str, str], Host | None]:
    """Serve, or stop; return what to show, and what is served. Raises `ConfigError` where that cannot be."""
    if rest.split() == ["stop"]:
        ended = stop_serving(magics)
        return note_bundle(f"{', '.join(ended)} served no longer." if ended else "Nothing was served."), None
    port, is_mcp = _read(rest)
    kind = "mcp" if is_mcp else "agent"
    served = magics.served.get(kind)
    if served is None or not served.is_open:
        make_app = _mcp_app(magics, wanted) if is_mcp else _agent_app(magics, wanted)
        magics.served[kind] = served = _hosted(make_app, port)
    elif port:
        raise ConfigError(f"it is served at {served.url} already", hint="%agent serve stop, and again")
    magics.ip.user_ns[f"_{kind}_host"] = served
    return rows_bundle("%agent serve", _told(kind, served, wanted, magics)), served


def stop_serving(magics: AgentMagics) -> list[str]:
    """End all that is served, and return what that was."""
    ended = [served.url for served in magics.served.values() if served.is_open]
    for served in magics.served.values():
        served.close()
    magics.served.clear()
    return ended


def _read(rest: str) -> tuple[int, bool]:
    """Return the port that is asked for, 0 for any, and whether MCP is to be served."""
    words = rest.split()
    is_mcp = "--mcp" in words
    text = re.sub(r"--port[ =]+", "--port=", " ".join(word for word in words if word != "--mcp"))
    if not text:
        return 0, is_mcp
    port = text.removeprefix("--port=")
    if port == text or not port.isdecimal() or not int(port) < 1 << 16:
        raise ConfigError(f"%agent serve does not know {rest.strip()!r}", hint=_HINT)
    return int(port), is_mcp


def _hosted(make_app: MakeApp, port: int) -> Host:
    from liteagent_nb.services.host import host_app  # noqa: PLC0415 - a web server loads when something is served

    return host_app(make_app, port=port)


def _agent_app(magics: AgentMagics, wanted: Wanted) -> MakeApp:
    from liteagent_nb.services.agent_proxy import create_app  # noqa: PLC0415 - it, too

    names = magics.ip.user_ns
    config = wanted.config("")
    choice, _ = find_model(wanted.model or None, "", names, config.completion_kwargs)
    functions, cassette = find_functions(wanted.tool, names), find_cassette(magics, wanted.cassette)
    return lambda token: create_app(
        model=choice.name,
        models=list(models_in(names).values()),
        functions=functions,
        config=config,
        isolate=bool(wanted.isolate),
        cassette=cassette,
        token=token,
    )


def _mcp_app(magics: AgentMagics, wanted: Wanted) -> MakeApp:
    from liteagent_nb.services.mcp_server import create_app  # noqa: PLC0415 - it, too; and it needs the extra `mcp`

    config = wanted.config(wanted.model or "")
    invoker = make_invoker(config, find_functions(wanted.tool, magics.ip.user_ns), isolate=bool(wanted.isolate))
    return lambda token: create_app(invoker, config=config, token=token)


def _told(kind: str, served: Host, wanted: Wanted, magics: AgentMagics) -> list[tuple[str, str]]:
    choice, _ = find_model(wanted.model or None, "", magics.ip.user_ns, {})
    tools = ", ".join([*(wanted.tool or ()), "the local tools"])
    rows = [("model", choice.name), ("tools", tools), ("token", f"_{kind}_host.token")]
    if kind == "mcp":
        rows = [("MCP clients", f"{served.url}/mcp"), *rows]
    else:
        rows = [("OpenAI clients", f"base_url {served.url}/v1"), ("routes", f"{served.url}/docs"), *rows]
    return [*rows, ("more", "%agent serve stop ends it; so does the end of this kernel")]
