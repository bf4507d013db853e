"""`%%agent --each`: the cell's task for every row of a table, as one batch whose value is the table of results."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from liteagent_nb.assembly import Maker
from liteagent_nb.assembly.batching import collected
from liteagent_nb.assembly.steadying import doing_here
from liteagent_nb.core.chat import Transcript, Usage
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.meter import check_price
from liteagent_nb.extras.batching.account import Account
from liteagent_nb.extras.batching.bar import Bar
from liteagent_nb.extras.batching.finishing import batch_records
from liteagent_nb.magics.choosing import Wanted
from liteagent_nb.magics.conversation import Conversation
from liteagent_nb.magics.counting import counted
from liteagent_nb.magics.each_rows import filled, find_rows, joined
from liteagent_nb.magics.options import variable_name
from liteagent_nb.magics.plan import limits_of, planned
from liteagent_nb.magics.stopped import Stopped
from liteagent_nb.panels.lists import note_bundle
from liteagent_nb.panels.run_view import line_bundle, money

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from liteagent_nb.core.steps import Run
    from liteagent_nb.extras.batching.records import Record
    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.magics.options import Asked
    from liteagent_nb.magics.plan import Plan

__all__ = ["ask_each"]

_AT_ONCE = 5


def ask_each(magics: AgentMagics, asked: Asked) -> Any:
    """Give the task of *asked* to an agent for each row, and return the table; no conversation goes on from it.

    Raises `ConfigError` before anything is sent where a row does not fit the task, `Stopped` when interrupted, with
    what finished in `_agent_batch`.
    """
    name, is_quiet = variable_name(asked.chosen.output), bool(asked.chosen.quiet)
    if asked.chosen.image:
        raise ConfigError("--image does not go with --each", hint="ask about one picture at a time")
    table, rows = find_rows(asked.chosen.each, magics.ip.user_ns)
    tasks = filled(asked.task, rows, magics.ip.user_ns)
    plan = planned(magics, replace(asked, task=""), Conversation())
    plan = replace(plan, model=Maker(plan.model.name, cache(plan.model.make)))
    check_price(plan.wires().model, plan.config)  # what is wrong with the model is said now, once
    if not is_quiet:
        magics.publish(line_bundle(plan.choice.name, f"{plan.choice.why}; {counted(len(tasks), 'task')}"))
    records, is_stopped = _batch(magics, plan, asked, tasks, is_quiet=is_quiet)
    results = joined(table, records, as_frame=find_spec("pandas") is not None)
    magics.ip.user_ns.update({"_agent_batch": results, **({name: results} if name else {})})
    if not is_quiet:
        magics.publish(note_bundle(_told(records)))
    if is_stopped:
        hint = (
            "run the cell again to go on" if asked.chosen.checkpoint else "--checkpoint FILE lets a batch go on later"
        )
        raise Stopped(f"{counted(len(records), 'task')} finished and kept in _agent_batch", hint=hint)
    return None if is_quiet and name else results


def _batch(
    magics: AgentMagics, plan: Plan, asked: Asked, tasks: Sequence[str], *, is_quiet: bool
) -> tuple[list[Record], bool]:
    """Return what finished, and whether it was interrupted."""
    records: list[Record] = []
    with Bar(len(tasks), is_shown=not is_quiet) as bar:
        try:
            magics.portal.wait_for(collected(_records(magics, plan, asked, tasks), records.append, bar))
        except KeyboardInterrupt:
            return records, True
    return records, False


def _records(magics: AgentMagics, plan: Plan, asked: Asked, tasks: Sequence[str]) -> AsyncGenerator[Record]:
    wanted = Wanted(asked.chosen, magics)
    account = Account(magics.ledger.left_of(limits_of(wanted)))
    config = wanted.config(plan.choice.name)
    do = doing_here(lambda: plan.another().wires(), config, account=account, watch=partial(_charge, magics))
    return batch_records(
        [_asking(plan, task) for task in tasks],
        do,
        config=config,
        account=account,
        checkpoint=asked.chosen.checkpoint,
        concurrency=_AT_ONCE if asked.chosen.concurrency is None else asked.chosen.concurrency,
        counts_earlier=False,  # the notebook's ledger has it
    )


def _asking(plan: Plan, task: str) -> Transcript:
    told = [message for message in plan.transcript.messages[:1] if message.get("role") == "system"]
    return Transcript((*told, {"role": "user", "content": task}))


def _charge(magics: AgentMagics, run: Run) -> None:
    magics.ledger.add(run, at=datetime.now().astimezone().isoformat(" ", "seconds"), cell=magics.ip.execution_count)


def _told(records: Sequence[Record]) -> str:
    resumed = sum(record.is_resumed for record in records)
    failed, cached = sum(not record.ok for record in records), sum(record.is_cached for record in records)
    paid = sum((record.usage for record in records if not record.is_resumed), Usage())
    parts = [
        counted(len(records), "task"),
        f"{failed} failed" if failed else "",
        f"{resumed} from the checkpoint" if resumed else "",
        f"{cached} from the cache" if cached else "",
        f"{counted(paid.total_tokens, 'token')}, {money(paid.cost_usd)}",
    ]
    return ", ".join(part for part in parts if part)
