"""The exec service: an Executor over HTTP. `uvicorn liteagent_nb.services.exec_rpc_server:app`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.assembly import make_executor
from liteagent_nb.services.application import Service, make_app
from liteagent_nb.services.doors import Door
from liteagent_nb.services.exec_routes import ExecRoutes
from liteagent_nb.services.exec_schema import EVENTS, schemas
from liteagent_nb.services.guard import GuardSettings
from liteagent_nb.services.metrics import Tally
from liteagent_nb.services.schema_words import TEXT, ref

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from liteagent_nb.kernels.protocol import ContextExecutor

__all__ = ["app", "create_app"]

app: Starlette
"""The app with settings from the environment, made when it is first asked for."""


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

    tally = Tally("execution")

    async def known() -> dict[str, dict[str, object]]:
        return schemas(await runner.languages())

    service = Service(
        "exec-rpc", "Code runs in a kernel of its own.", _doors(ExecRoutes(runner, tally)), known, runner.aclose
    )
    return make_app(service, settings, tally)


def _doors(ends: ExecRoutes) -> list[Door]:
    context = "/contexts/{id}"
    runs = (404, 429, 503, 504)
    return [
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
        Door("GET", "/metrics", ends.metrics, "Figures for Prometheus", TEXT, media_type="text/plain", errors=(503,)),
    ]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = made = create_app()
    return made
