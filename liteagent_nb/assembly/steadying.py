"""Runs of a batch that are done here: their models wait together where a server asks for it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from liteagent_nb.assembly.making_models import Maker, maker_of
from liteagent_nb.assembly.running import run_wired
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.extras.batching.records import failed_record, record_of
from liteagent_nb.extras.batching.steady import Gate, Retries, SteadyModel

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from liteagent_nb.assembly.wiring import Wires
    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.steps import Event, Run
    from liteagent_nb.extras.batching.account import Account
    from liteagent_nb.extras.batching.records import Record
    from liteagent_nb.extras.batching.tasks import BatchTask

__all__ = ["doing_here", "made_once", "stronger_once"]


def made_once(config: AgentConfig, model: Model | None = None) -> Maker:
    """Return what gives the same model to all runs; one that leaves it to the batch to ask again."""
    if model is not None:
        return Maker(model.name, lambda: model)
    maker = maker_of(config.model, {"num_retries": 0, **config.completion_kwargs})
    return Maker(maker.name, cache(maker.make))


def stronger_once(config: AgentConfig) -> Maker | None:
    """Return the same for the model that takes over, where one does."""
    return made_once(replace(config, model=config.escalate_model)) if config.escalate_model else None


def doing_here(
    make_wires: Callable[[], Wires],
    config: AgentConfig,
    *,
    account: Account,
    retries: Retries | None = None,
    watch: Callable[[Run], object] = id,
) -> Callable[[BatchTask], Coroutine[None, None, Record]]:
    """Return what does one task, with wires of its own; *watch* is told its Run."""
    gate, retries = Gate(), retries or Retries()

    def steady(model: Model) -> Model:
        return SteadyModel(model, gate=gate, retries=retries, account=account)

    async def do(task: BatchTask) -> Record:
        await gate.passed()
        try:
            wires = make_wires()
            stronger = wires.escalate_to and steady(wires.escalate_to)
            wires = replace(wires, model=steady(wires.model), escalate_to=stronger)
            run = await run_wired(task.transcript, wires, config=account.bounded_in_time(config), watch=_ignore)
        except LiteAgentError as error:
            return failed_record(error, task)
        watch(run)
        return record_of(run, task)

    return do


def _ignore(_event: Event) -> None:
    """Watch nothing."""
