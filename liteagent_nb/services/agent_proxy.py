"""The agent proxy: an agent over HTTP, and a model for OpenAI's clients: `liteagent_nb.services.agent_proxy:app`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.assembly import make_executor
from liteagent_nb.cassettes.opening import choose_cassette
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.services.agent_routes import AgentRoutes
from liteagent_nb.services.agent_runs import Runs
from liteagent_nb.services.agent_schema import CHUNKS, EVENTS, schemas
from liteagent_nb.services.agent_supplies import Supplies
from liteagent_nb.services.application import Service, make_app
from liteagent_nb.services.doors import Door
from liteagent_nb.services.guard import GuardSettings
from liteagent_nb.services.openai_routes import OpenAIRoutes
from liteagent_nb.services.openai_shape import shape_of
from liteagent_nb.services.schema_words import TEXT, ref
from liteagent_nb.services.tools_routes import ToolsRoutes
from liteagent_nb.services.traces import TraceFile, chosen_traces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.applications import Starlette

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.kernels.protocol import ContextExecutor

__all__ = ["app", "create_app"]

_WORK = ("/agent/run", "/agent/run/stream", "/v1/chat/completions", "/chat/completions", "/invoke")
_OPEN = ("/ready", "/health", "/healthz")
_CHAT_ITERATIONS = 8
_INVOKE_TIMEOUT_S = 120.0

app: Starlette
"""The app with settings from the environment, made when it is first asked for."""


def create_app(
    *,
    model: str = "",
    models: Iterable[Model] = (),
    functions: Sequence[Callable[..., object]] = (),
    config: AgentConfig | None = None,
    executor: ContextExecutor | None = None,
    isolate: bool = False,
    cassette: Cassette | None = None,
    traces: TraceFile | None = None,
    token: str | None = None,
    hosts: frozenset[str] = frozenset(),
    max_work: int = 64,
    max_body_bytes: int = 32 << 20,
    body_timeout_s: float = 30.0,
) -> Starlette:
    """Return the app.

    *model* answers where none is named, else the one of `choose_model`; *models* are some of one's own, *functions*
    are tools of one's own. *config* limits the runs behind chat completions, which cannot say limits themselves. Code
    runs on *executor*, which is closed when the server stops; *isolate* walls it off. Without *cassette*, *traces* and
    *token*, those of the environment are taken. *hosts* are names it is asked by, beside those of loopback.
    """
    settings = GuardSettings(
        token=environment.text("MINI_AGENT_API_KEY") if token is None else token,
        hosts=hosts,
        open_paths=frozenset(_OPEN),
        limited_paths=frozenset(_WORK),
        max_work=max_work,
        max_body_bytes=max_body_bytes,
        body_timeout_s=body_timeout_s,
    )
    runner = executor or make_executor(isolate=isolate, most_contexts=max_work)
    supplies = Supplies(
        runner, model, {own.name: own for own in models}, tuple(functions), isolate, cassette or choose_cassette()
    )
    runs = Runs(supplies, traces or chosen_traces())
    return make_app(_service(runs, config or AgentConfig(max_iterations=_CHAT_ITERATIONS)), settings, runs.tally)


def _service(runs: Runs, chat_config: AgentConfig) -> Service:
    ends, chat, own_tools = AgentRoutes(runs), OpenAIRoutes(runs, chat_config), runs.supplies.own_tools()
    tools = ToolsRoutes(own_tools, timeout_s=_INVOKE_TIMEOUT_S)

    async def known() -> dict[str, dict[str, object]]:
        return schemas(await own_tools.list_tools())

    return Service(
        "agent",
        "An agent for other programs, and a model for OpenAI's clients.",
        [*_doors(ends, tools), *_chat_doors(chat)],
        known,
        runs.supplies.executor.aclose,
        around=ends.loading,
        shape_of=shape_of,
    )


def _doors(ends: AgentRoutes, tools: ToolsRoutes) -> list[Door]:
    runs = (404, 429, 502, 503, 504, 508)
    return [
        Door("GET", "/ready", ends.ready, "May I send work?", ref("Done"), errors=(503,), is_open=True),
        Door("GET", "/health", ends.health, "Alive?", ref("Done"), is_open=True),
        Door("GET", "/healthz", ends.health, "Alive?", ref("Done"), is_open=True, id="healthz"),
        Door("POST", "/agent/run", ends.run, "Run an agent", ref("Run"), takes=ref("RunRequest"), errors=runs),
        Door("POST", "/agent/run/stream", ends.run_streamed, "Run an agent; its events as they come", EVENTS,
             takes=ref("RunRequest"), media_type="text/event-stream", errors=runs),
        Door("GET", "/tools", tools.tools, "Its own tools, in OpenAI's shape", ref("Tools"), errors=(400, 502)),
        Door("POST", "/invoke", tools.invoke, "Call a tool; one that fails is an answer, with `ok` false",
             ref("ToolResult"), takes=ref("Invocation"), errors=(404, 429, 502, 503)),
        Door("GET", "/metrics", ends.metrics, "Figures for Prometheus", TEXT, media_type="text/plain"),
    ]  # fmt: skip


def _chat_doors(chat: OpenAIRoutes) -> list[Door]:
    runs = (404, 429, 502, 503, 504, 508)
    return [
        door
        for base, suffix in (("/v1", ""), ("", "_without_v1"))
        for door in (
            Door("POST", f"{base}/chat/completions", chat.chat, "Answer a conversation, with `stream` as chunks",
                 ref("ChatCompletion"), takes=ref("ChatRequest"), errors=runs, id=f"chat{suffix}", error="OpenAIError",
                 also=("text/event-stream", CHUNKS)),
            Door("GET", f"{base}/models", chat.models, "The models that are configured", ref("Models"),
                 id=f"models{suffix}", error="OpenAIError"),
        )
    ]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = made = create_app()
    return made
