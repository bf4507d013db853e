"""The tools service: an Invoker over HTTP. `uvicorn liteagent_nb.services.http_tools_stub:app` has two tools to try."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Annotated, Any

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.services.application import Service, make_app
from liteagent_nb.services.doors import Door
from liteagent_nb.services.guard import GuardSettings
from liteagent_nb.services.metrics import Tally
from liteagent_nb.services.schema_words import ref
from liteagent_nb.services.tools_routes import ToolsRoutes
from liteagent_nb.services.tools_wire import schemas
from liteagent_nb.tools.toolbox import Toolbox

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from liteagent_nb.core.protocols import Invoker

__all__ = ["app", "create_app", "stub_tools"]

_DELAY = "STUB_GLOBAL_DELAY_MS"
_MAX_SLEEP_MS = 60_000

app: Starlette
"""The app with the tools to try and settings from the environment, made when it is first asked for."""


def create_app(
    invoker: Invoker,
    *,
    token: str | None = None,
    hosts: frozenset[str] = frozenset(),
    timeout_s: float = 120.0,
    max_work: int = 64,
    max_body_bytes: int = 10 << 20,
    body_timeout_s: float = 30.0,
) -> Starlette:
    """Return the app over *invoker*, which it opens and closes with the server where there is something to.

    Without *token*, that of the environment is asked for. *hosts* are names it is asked by, beside those of loopback.
    *timeout_s* is for one call, where its tool names no other.
    """
    settings = GuardSettings(
        token=environment.text("MINI_AGENT_API_KEY") if token is None else token,
        hosts=hosts,
        open_paths=frozenset({"/health"}),
        limited_paths=frozenset({"/invoke"}),
        max_work=max_work,
        max_body_bytes=max_body_bytes,
        body_timeout_s=body_timeout_s,
    )

    async def known() -> dict[str, dict[str, object]]:
        return schemas(await invoker.list_tools())

    doors = _doors(ToolsRoutes(invoker, timeout_s=timeout_s))
    service = Service("tools", "Tools for other programs.", doors, known, _nothing, around=lambda: _opened(invoker))
    return make_app(service, settings, Tally())


def _doors(ends: ToolsRoutes) -> list[Door]:
    return [
        Door("GET", "/health", ends.health, "Alive?", ref("Health"), is_open=True),
        Door("GET", "/ready", ends.ready, "May I send work? Lists the tools", ref("Ready"), errors=(400, 502)),
        Door("GET", "/tools", ends.tools, "The tools, in OpenAI's shape", ref("Tools"), errors=(400, 502)),
        Door("POST", "/invoke", ends.invoke, "Call a tool; one that fails is an answer, with `ok` false",
             ref("ToolResult"), takes=ref("Invocation"), errors=(404, 429, 502, 503)),
    ]  # fmt: skip


async def _nothing() -> None:
    """Close nothing: what is open stands in `around`."""


def _opened(invoker: Invoker) -> AbstractAsyncContextManager[object]:
    return invoker if isinstance(invoker, AbstractAsyncContextManager) else contextlib.nullcontext()


def stub_tools() -> Toolbox:
    """Return the tools to try: `echo` and `sleep`."""
    delay_s = _delay_s()

    async def echo(text: Annotated[str, "what to say"]) -> dict[str, str]:
        """Say the text back."""
        await asyncio.sleep(delay_s)
        return {"text": text}

    async def sleep(ms: Annotated[int, f"milliseconds, at most {_MAX_SLEEP_MS}"]) -> str:
        """Wait, and say how long it was."""
        if not 0 <= ms <= _MAX_SLEEP_MS:
            raise ValueError(f"ms must be between 0 and {_MAX_SLEEP_MS}")
        await asyncio.sleep(delay_s + ms / 1000)
        return f"slept {ms} ms"

    return Toolbox([echo, sleep])


def _delay_s() -> float:
    said = environment.text(_DELAY, "0")
    if not said.isdecimal():
        raise ConfigError(f"{_DELAY} is {said!r}, not a number of milliseconds", hint=f"such as {_DELAY}=200")
    return int(said) / 1000


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = made = create_app(stub_tools())
    return made
