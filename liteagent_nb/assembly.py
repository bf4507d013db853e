"""Who is wired to whom: the only place that knows every implementation. What is heavy loads when it is first wired."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb import environment
from liteagent_nb.cassettes.opening import choose_cassette
from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.core.protocols import Executor, Invoker, Model
from liteagent_nb.core.tasks import finish_or_abandon

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.chat import Price
    from liteagent_nb.core.execution import Output
    from liteagent_nb.core.pictures import Picture
    from liteagent_nb.core.steps import Event, Run
    from liteagent_nb.kernels.languages import Wall
    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.kernels.run_context import RunContext
    from liteagent_nb.tools.http_tools_invoker import HttpToolsInvoker
    from liteagent_nb.tools.mcp_invoker import McpInvoker

__all__ = [
    "EMBEDDED_MODEL",
    "Closing",
    "Maker",
    "ModelChoice",
    "Wires",
    "about_model",
    "arun_mcp_mini_agent",
    "choose_model",
    "has_embedded_model",
    "make_executor",
    "make_far_invoker",
    "make_http_tools",
    "make_invoker",
    "make_mcp_invoker",
    "make_model",
    "make_run_context",
    "maker_of",
    "priced",
    "run_mcp_mini_agent",
    "run_wired",
    "wired",
]

CLOSE_GRACE_S = 1.0
"""How long a stopped run may take to close what was opened for it; the rest goes on by itself."""

EMBEDDED_MODEL = "local/smollm2"
PRELOADED = ("numpy", "pandas")
"""What kernels find imported where it is installed: most code wants them, and they take longer than all the rest."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and why that one."""

    name: str
    why: str


def choose_model(named: str | None = None, trait: str | None = None) -> ModelChoice:
    """Return the model that answers: the option, the trait, `LITELLM_DEFAULT_MODEL`, or the embedded one."""
    default = environment.text("LITELLM_DEFAULT_MODEL")
    if named:
        return ModelChoice(named, "named for this task")
    if trait:
        return ModelChoice(trait, "set by %config")
    if default:
        return ModelChoice(default, "set by LITELLM_DEFAULT_MODEL")
    keys = environment.key_names()
    why = f"no other is named ({keys[0]} is set: name a model with --model to use it)" if keys else "no other is named"
    return ModelChoice(EMBEDDED_MODEL, why)


def about_model(name: str) -> str:
    """Return an honest line about a model that needs one; empty for all others. Loads nothing heavy."""
    if not name.startswith("local/"):
        return ""
    from liteagent_nb.models.local_model import LocalModel  # noqa: PLC0415 - loads when first wired

    return LocalModel(name).about


def has_embedded_model() -> bool:
    """Whether the embedded model's weights are installed."""
    from liteagent_nb.models.embedded.weights import find_weights  # noqa: PLC0415 - loads when first wired

    return find_weights() is not None


def make_model(name: str, completion_kwargs: Mapping[str, object] | None = None) -> Model:
    """Return the model of that name. Raises `ConfigError` for an unknown name, a missing key or a missing extra."""
    if name.startswith("local/"):
        from liteagent_nb.models.local_model import LocalModel  # noqa: PLC0415 - loads when first wired

        return LocalModel(name)
    if name in {"dummy", "noop"}:
        from liteagent_nb.models.dummy import DummyModel  # noqa: PLC0415 - loads when first wired

        return DummyModel(name)
    from liteagent_nb.models.litellm_model import LitellmModel  # noqa: PLC0415 - litellm loads at the first question

    if name.startswith(("codex-agent/", "codex_cli_agent/")):
        from liteagent_nb.provider.codex_agent import check_codex_agent  # noqa: PLC0415

        check_codex_agent(completion_kwargs or {})
    return LitellmModel(name, completion_kwargs or {})


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
    from liteagent_nb.tools.composite import CompositeInvoker  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.tools.local_invoker import LocalMCPInvoker  # noqa: PLC0415
    from liteagent_nb.tools.toolbox import Toolbox  # noqa: PLC0415

    local = LocalMCPInvoker(
        config.shell_allow_prefixes,
        config.tool_timeout_sec,
        executor=executor,
        wall=_wall(isolate=isolate),
    )
    beside = [*([Toolbox(functions)] if functions else []), *others]
    return CompositeInvoker([*beside, local]) if beside else local


def make_mcp_invoker(file: Path, *, taken: Iterable[str] = ()) -> McpInvoker:
    """Return the tools of the MCP servers in *file*. Raises `ConfigError` where it names none."""
    from liteagent_nb.tools.mcp_invoker import McpInvoker  # noqa: PLC0415 - loads when first wired

    return McpInvoker.from_file(file, taken=taken)


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
    from liteagent_nb.tools.composite import CompositeInvoker  # noqa: PLC0415
    from liteagent_nb.tools.http_tools_invoker import CALL_TIMEOUT_S, HttpToolsInvoker, listed_as  # noqa: PLC0415
    from liteagent_nb.tools.toolbox import Toolbox  # noqa: PLC0415

    made: list[HttpToolsInvoker] = []

    def make() -> Invoker:
        shown = token()
        headers = {"authorization": f"Bearer {shown}"} if shown else None
        made.append(HttpToolsInvoker(url, headers, max(timeout_s, CALL_TIMEOUT_S)))
        return made[0]

    async def close() -> None:
        for invoker in made:
            await invoker.aclose()

    tape = None if cassette is None or cassette.mode == "off" else cassette
    far: Invoker = make() if tape is None else CassetteListing(tape, listed_as(url), make)
    beside = [*([Toolbox(functions)] if functions else []), *others]
    return (CompositeInvoker([*beside, far]) if beside else far), close


def make_http_tools(url: str, headers: Mapping[str, str] | None = None) -> HttpToolsInvoker:
    """Return the tools of the host at *url*; to be closed. *headers* are for that host alone."""
    from liteagent_nb.tools.http_tools_invoker import HttpToolsInvoker  # noqa: PLC0415 - loads when first wired

    return HttpToolsInvoker(url, headers)


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
    return Contexts(starter, wall=_wall(isolate=isolate), most_contexts=most_contexts)


def _wall(*, isolate: bool) -> Wall | None:
    if not isolate:
        return None
    from liteagent_nb.kernels.isolation import walled  # noqa: PLC0415 - loads when first wired

    return walled


def make_run_context(executor: ContextExecutor) -> RunContext:
    """Return an executor for one run, whose code keeps its variables until `aclose`."""
    from liteagent_nb.kernels.run_context import RunContext  # noqa: PLC0415 - loads when first wired

    return RunContext(executor)


@dataclass(frozen=True, slots=True)
class Maker:
    """A model by its name, and how to make it: a replay needs the name alone."""

    name: str
    make: Callable[[], Model]


def maker_of(name: str, completion_kwargs: Mapping[str, object] | None = None) -> Maker:
    """Return the maker of the model of that name."""
    return Maker(name, partial(make_model, name, completion_kwargs))


def priced(model: Maker, price: Price) -> Maker:
    """Return the maker of the same model at the price that the user gives."""
    from liteagent_nb.models.priced import PricedModel  # noqa: PLC0415 - loads when first wired

    return Maker(model.name, lambda: PricedModel(model.make(), price))


Closing: TypeAlias = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Wires:
    """What a run is made of."""

    model: Model
    tools: Invoker | None
    escalate_to: Model | None = None
    clock: Callable[[], float] | None = None
    close: Closing | None = None
    """Closes what was opened for this run alone."""


def wired(
    model: Maker,
    tools: Invoker | None,
    *,
    stronger: Maker | None = None,
    cassette: Cassette | None = None,
    close: Closing | None = None,
) -> Wires:
    """Return model and tools, made now; or with a *cassette* behind it, which makes them only where it must."""
    models = [one.name for one in (model, stronger) if one is not None]
    if cassette is None or cassette.mode == "off":
        seen = None if tools is None else _seen(tools, models)
        return Wires(model.make(), seen, stronger.make() if stronger else None, close=close)
    from liteagent_nb.cassettes.clock import TapeClock  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.cassettes.invokers import CassetteInvoker  # noqa: PLC0415
    from liteagent_nb.cassettes.models import CassetteModel  # noqa: PLC0415

    if cassette.mode == "record":  # it will be asked: what is wrong with it is said now
        made = model.make()
        model = Maker(model.name, lambda: made)
    clock = TapeClock()
    return Wires(
        CassetteModel(cassette, model.name, model.make, clock=clock),
        None if tools is None else CassetteInvoker(cassette, _seen(_listed(cassette, tools), models), clock=clock),
        CassetteModel(cassette, stronger.name, stronger.make, clock=clock) if stronger else None,
        clock,
        close,
    )


def _listed(cassette: Cassette, tools: Invoker) -> Invoker:
    """Return *tools*, of which those that ask for their lists do so only where *cassette* has none."""
    from liteagent_nb.cassettes.listings import with_recorded_list  # noqa: PLC0415 - loads when first wired
    from liteagent_nb.tools.composite import CompositeInvoker  # noqa: PLC0415

    if isinstance(tools, CompositeInvoker):
        return tools.each(partial(_listed, cassette))
    return with_recorded_list(tools, cassette)


def _seen(tools: Invoker, models: Sequence[str]) -> Invoker:
    """Return *tools* with small copies of what they show, where one of *models* could see; only made ones are sure."""
    if all(name.startswith("local/") or name in {"dummy", "noop"} for name in models):
        return tools
    from liteagent_nb.tools.seeing import SeeingInvoker  # noqa: PLC0415 - loads when first wired

    return SeeingInvoker(tools, _pictures_of)


def _pictures_of(outputs: Sequence[Output]) -> tuple[Picture, ...]:
    from liteagent_nb.extras.images.showing import pictures_of  # noqa: PLC0415 - Pillow loads for the first picture

    return pictures_of(outputs)


def _ignore(_event: Event) -> None:
    """Watch nothing."""


async def arun_mcp_mini_agent(
    messages: str | Iterable[object],
    mcp: Invoker | None = None,
    cfg: AgentConfig | None = None,
    *,
    watch: Callable[[Event], None] = _ignore,
    cassette: Cassette | None = None,
) -> Run:
    """Give *messages* to an agent with the tools of *mcp* and return its Run (the seed's entry point).

    Without *mcp* the local tools are used. *cassette* records or replays it, else the one that LITEAGENT_CASSETTE
    names. What breaks the run is in `Run.error`; raises `ConfigError` where nothing was sent.
    """
    config = cfg or AgentConfig()
    config = replace(config, model=choose_model(config.model).name)
    cassette = cassette or choose_cassette()
    wires = wired(
        maker_of(config.model, config.completion_kwargs),
        make_invoker(config) if mcp is None else mcp,
        stronger=maker_of(config.escalate_model, config.completion_kwargs) if config.escalate_model else None,
        cassette=cassette,
    )
    return await run_wired(Transcript.of(messages), wires, config=config, watch=watch)


async def run_wired(
    transcript: Transcript, wires: Wires, *, config: AgentConfig, watch: Callable[[Event], None]
) -> Run:
    """Run the agent on what was wired for it, and close what was opened for it."""
    try:
        return await run_agent(
            transcript,
            model=wires.model,
            tools=wires.tools,
            config=config,
            watch=watch,
            escalate_to=wires.escalate_to,
            clock=wires.clock,
        )
    finally:
        if wires.close is not None:
            await finish_or_abandon(wires.close(), grace_s=CLOSE_GRACE_S)


def run_mcp_mini_agent(
    messages: str | Iterable[object],
    mcp: Invoker | None = None,
    cfg: AgentConfig | None = None,
    *,
    watch: Callable[[Event], None] = _ignore,
    cassette: Cassette | None = None,
) -> Run:
    """Do what `arun_mcp_mini_agent` does and wait for it; works inside a running event loop, a notebook cell's too."""
    return shared_portal().wait_for(arun_mcp_mini_agent(messages, mcp, cfg, watch=watch, cassette=cassette))
