"""The loop: ask, act, and stop when a rule speaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError, LiteAgentError
from liteagent_nb.core.mending import mended
from liteagent_nb.core.meter import LimitReached, Meter, check_price
from liteagent_nb.core.offering import offered_tools
from liteagent_nb.core.pictures import check_sight
from liteagent_nb.core.progress import Progress
from liteagent_nb.core.steps import RunDone
from liteagent_nb.core.stops import reason_to_stop, stop_rules
from liteagent_nb.core.watching import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Invoker, Model
    from liteagent_nb.core.steps import Event, Run, StopReason, Watcher

__all__ = ["run_agent"]


def _ignore(_event: Event) -> None:
    """Watch nothing."""


async def run_agent(
    transcript: Transcript,
    *,
    model: Model,
    config: AgentConfig,
    tools: Invoker | None = None,
    watch: Watcher = _ignore,
    escalate_to: Model | None = None,
    clock: Callable[[], float] | None = None,
) -> Run:
    """Take steps until a stop rule speaks; a tool that fails does not end the run, the model may try again.

    A spent limit or a model that breaks the run is in the returned `Run` (`stopped_reason`, `error`). Raises
    `ConfigError` where nothing was sent. Cancelling stops model, tools and their processes within a second, tells the
    watcher `RunDone` with what there is, and raises `CancelledError` as usual. *clock* gives the seconds that the
    run's times are told in, the event loop's where it is left out.
    """
    for candidate in (model, escalate_to):
        if candidate is not None:
            check_price(candidate, config)
    check_sight(model, transcript, config)
    meter = Meter(config, clock=clock or asyncio.get_running_loop().time)
    progress = Progress(mended(transcript), model=model, escalate_to=escalate_to, config=config, meter=meter)
    watch = guarded(watch)
    try:
        reason, detail = await _steps_within_limits(progress, tools, config, watch)
    except asyncio.CancelledError:
        watch(RunDone(progress.run("cancelled", "stopped from outside")))
        raise
    except LiteAgentError as error:
        if isinstance(error, ConfigError) and progress.is_untouched:
            raise
        run = progress.run("error", str(error), error=error)
    else:
        run = progress.run(reason, detail)
    watch(RunDone(run))
    return run


async def _steps_within_limits(
    progress: Progress, tools: Invoker | None, config: AgentConfig, watch: Watcher
) -> tuple[StopReason, str]:
    """Take steps; time, tokens and money hold inside them, too."""
    try:
        async with asyncio.timeout(config.max_total_seconds) as limit:
            return await _steps(progress, tools, config, watch)
    except LimitReached as reached:
        return "budget", str(reached)
    except TimeoutError:
        if not limit.expired():
            raise
        return "budget", f"{config.max_total_seconds:g} seconds"


async def _steps(
    progress: Progress, tools: Invoker | None, config: AgentConfig, watch: Watcher
) -> tuple[StopReason, str]:
    rules = stop_rules(config)
    offered = await offered_tools(tools, config)
    while (stop := reason_to_stop(progress.steps, rules)) is None:
        await progress.take_step(offered, tools, watch)
    return stop
