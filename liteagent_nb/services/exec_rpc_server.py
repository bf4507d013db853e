"""The exec service: an Executor over HTTP. `uvicorn liteagent_nb.services.exec_rpc_server:app`."""

from __future__ import annotations

import contextlib
import html
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response

from liteagent_nb import environment
from liteagent_nb.assembly import make_executor
from liteagent_nb.services.answers import error_handlers, json_answer
from liteagent_nb.services.doors import Door, openapi, routes
from liteagent_nb.services.exec_routes import ExecRoutes
from liteagent_nb.services.exec_schema import EVENTS, ref, schemas
from liteagent_nb.services.guard import Guard, GuardSettings, warn_if_open
from liteagent_nb.services.metrics import Tally

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from liteagent_nb.kernels.protocol import ContextExecutor

__all__ = ["app", "create_app"]

app: Starlette
"""The app with settings from the environment, made when it is first asked for."""

_TEXT = {"type": "string"}


def create_app(
    executor: ContextExecutor | None = None,
    *,
    token: str | None = None,
    hosts: frozenset[str] = frozenset(),
    max_work: int = 64,
    max_body_bytes: int = 10 << 20,
    body_timeout_s: float = 30.0,
) -> Starlette:
    """Return the app over *executor*, which it closes when the server stops.

    Without *token*, that of the environment is asked for. *hosts* are names it is asked by, beside those of loopback.
    """
    runner = make_executor() if executor is None else executor
    settings = GuardSettings(
        token=environment.text("MINI_AGENT_API_KEY") if token is None else token,
        hosts=hosts,
        open_paths=frozenset({"/health"}),
        limited_paths=frozenset({"/exec", "/exec/stream", "/contexts"}),
        max_work=max_work,
        max_body_bytes=max_body_bytes,
        body_timeout_s=body_timeout_s,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        warn_if_open(settings, "exec-rpc")
        try:
            yield
        finally:
            await runner.aclose()

    tally = Tally()
    served = Starlette(
        routes=routes(_doors(ExecRoutes(runner, tally), runner)),
        middleware=[Middleware(Guard, settings=settings, tally=tally)],
        exception_handlers=error_handlers(),
        lifespan=lifespan,
    )
    served.router.redirect_slashes = False  # a redirect would be an answer that no schema speaks of
    return served


def _doors(ends: ExecRoutes, executor: ContextExecutor) -> list[Door]:
    """Return all routes; the two that speak of them come last."""
    context = "/contexts/{id}"
    runs = (404, 429, 503, 504)
    doors = [
        Door("GET", "/health", ends.health, "Alive?", ref("Health"), is_open=True),
        Door("GET", "/ready", ends.ready, "May I send work? Runs code", ref("Ready"), errors=(429, 503, 504)),
        Door("POST", "/exec", ends.execute, "Run code", ref("ExecResult"), takes=ref("ExecRequest"), errors=runs),
        Door("POST", "/exec/stream", ends.execute_streamed, "Run code; its outputs are events `output`, its end is "
             "`result` or `error`", EVENTS, takes=ref("ExecRequest"), media_type="text/event-stream", errors=runs),
        Door("GET", "/languages", ends.languages, "The languages", ref("Languages"), errors=(503,)),
        Door("GET", "/contexts", ends.contexts, "The open contexts", ref("Contexts"), errors=(503,)),
        Door("POST", "/contexts", ends.create_context, "Open a context", ref("Context"), status=201,
             takes=ref("ContextRequest"), is_body_optional=True, errors=(409, 429, 503, 504)),
        Door("GET", context, ends.context, "A context", ref("Context"), errors=(404, 503)),
        Door("DELETE", context, ends.close_context, "Close it and end its kernel", ref("Done"), errors=(404, 503)),
        Door("POST", context + "/restart", ends.restart_context, "Give it a new kernel", ref("Context"), errors=runs),
        Door("POST", context + "/interrupt", ends.interrupt_context, "Interrupt what runs in it", ref("Done"),
             errors=(404, 503)),
        Door("GET", "/metrics", ends.metrics, "Figures for Prometheus", _TEXT, media_type="text/plain", errors=(503,)),
    ]  # fmt: skip
    return [*doors, *_about(doors, executor)]


def _about(doors: list[Door], executor: ContextExecutor) -> list[Door]:
    """Return the two routes that speak of *doors* and of themselves."""

    async def openapi_json(_request: Request) -> Response:
        known = schemas(await executor.languages())
        return json_answer(openapi([*doors, *about], title="exec-rpc", version=version("liteagent_nb"), schemas=known))

    async def docs(_request: Request) -> Response:
        return HTMLResponse(_page([*doors, *about]))

    about = [
        Door("GET", "/openapi.json", openapi_json, "This schema", {"type": "object"}, errors=(503,)),
        Door("GET", "/docs", docs, "The routes as a page", _TEXT, media_type="text/html"),
    ]
    return about


def _page(doors: list[Door]) -> str:
    rows = "".join(f"<tr><td>{door.method}<td><code>{door.path}</code><td>{html.escape(door.about)}" for door in doors)
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>exec-rpc</title>"
        "<style>body{font:1rem system-ui;margin:2rem}td{padding:.2rem 1rem .2rem 0}</style>"
        f"<h1>exec-rpc</h1><p>Code runs in a kernel of its own. The schema: <a href=openapi.json>openapi.json</a>."
        f"<table>{rows}</table></html>"
    )


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = made = create_app()
    return made
