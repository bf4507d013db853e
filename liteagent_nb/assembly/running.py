"""Running what was wired, and the seed"s entry points."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liteagent_nb.assembly.making_models import choose_model, maker_of
from liteagent_nb.assembly.making_tools import make_invoker
from liteagent_nb.assembly.wiring import wired
from liteagent_nb.cassettes.opening import choose_cassette
from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.core.tasks import finish_or_abandon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from liteagent_nb.assembly.wiring import Wires
    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.steps import Event, Run
    from liteagent_nb.extras.caching.answers import AnswerCache

__all__ = ["arun_mcp_mini_agent", "run_mcp_mini_agent", "run_wired"]

CLOSE_GRACE_S = 1.0
"""How long a stopped run may take to close what was opened for it; the rest goes on by itself."""


def _ignore(_event: Event) -> None:
    """Watch nothing."""


async def arun_mcp_mini_agent(
    messages: str | Iterable[object],
    mcp: Invoker | None = None,
    cfg: AgentConfig | None = None,
    *,
    watch: Callable[[Event], None] = _ignore,
    cassette: Cassette | None = None,
    cache: AnswerCache | None = None,
) -> Run:
    """Give *messages* to an agent with the tools of *mcp* and return its Run (the seed's entry point).

    Without *mcp* the local tools are used. *cassette* records or replays it, else the one that LITEAGENT_CASSETTE
    names; *cache* answers what it has. What breaks the run is in `Run.error`; raises `ConfigError` where nothing was
    sent.
    """
    config = cfg or AgentConfig()
    config = replace(config, model=choose_model(config.model).name)
    cassette = cassette or choose_cassette()
    wires = wired(
        maker_of(config.model, config.completion_kwargs),
        make_invoker(config) if mcp is None else mcp,
        stronger=maker_of(config.escalate_model, config.completion_kwargs) if config.escalate_model else None,
        cassette=cassette,
        cache=cache,
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
    cache: AnswerCache | None = None,
) -> Run:
    """Do what `arun_mcp_mini_agent` does and wait for it; works inside a running event loop, a notebook cell's too."""
    return shared_portal().wait_for(
        arun_mcp_mini_agent(messages, mcp, cfg, watch=watch, cassette=cassette, cache=cache)
    )
