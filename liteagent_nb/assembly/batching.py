"""Many agent runs as one batch: here, or on the workers of a pool."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from liteagent_nb.assembly.making_models import choose_model
from liteagent_nb.assembly.making_tools import make_invoker
from liteagent_nb.assembly.pooling import Job, doing_on
from liteagent_nb.assembly.steadying import doing_here, made_once, stronger_once
from liteagent_nb.assembly.wiring import wired
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.meter import check_price
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.extras.batching.account import Account
from liteagent_nb.extras.batching.bar import Bar, length_of
from liteagent_nb.extras.batching.finishing import batch_records
from liteagent_nb.extras.batching.records import table_of, will_be_frame
from liteagent_nb.extras.batching.steady import Retries

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from liteagent_nb.assembly.pooling import Pool
    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.ledger import Limits
    from liteagent_nb.core.protocols import Invoker, Model
    from liteagent_nb.extras.batching.records import Record, Table
    from liteagent_nb.extras.batching.tasks import Tasks
    from liteagent_nb.extras.caching.answers import AnswerCache

__all__ = ["BatchStopped", "arun_batch_as_completed", "collected", "run_batch"]


class BatchStopped(KeyboardInterrupt):
    """A batch was interrupted; *results* has what finished, and so has its checkpoint, where it has one."""

    def __init__(self, results: Table, *, hint: str) -> None:
        super().__init__(f"stopped; {len(results):,} tasks had finished")
        self.results = results
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """Show two lines instead of a traceback (IPython calls this by name)."""
        return [f"KeyboardInterrupt: {self}", f"Hint: {self.hint}"]


def run_batch(
    tasks: Tasks,
    mcp: Invoker | None = None,
    cfg: AgentConfig | None = None,
    *,
    model: Model | None = None,
    concurrency: int = 5,
    limits: Limits | None = None,
    checkpoint: str | Path | None = None,
    retries: Retries | None = None,
    pool: Pool | None = None,
    cassette: Cassette | None = None,
    cache: AnswerCache | None = None,
    progress: bool = True,
    as_frame: bool | None = None,
) -> Table:
    """Give each of *tasks* to an agent and return a DataFrame: a row a task, in their order, its number as index.

    *tasks* are texts or chat messages, taken as there is room; at most *concurrency* runs are under way. A task that
    fails is a row that says so (`ok`, `error`). Where the server has too many (429), all wait for as long as it says;
    questions that failed on the way are put again (*retries*). *limits* hold for all runs together.

    *checkpoint* names a file: what finished stays there, and the next call with the same tasks goes on from it, after
    a `kill -9` too. It holds no key. *cache* answers what it has; with both, not even a half-finished run is paid
    twice. *pool* is a `concurrent.futures.Executor`, or a client of `dask.distributed`, whose workers do the runs.

    Without pandas the result is a list of mappings; `as_frame=True` insists. Raises `BatchStopped`, which has the
    results so far, when interrupted; `ConfigError` where nothing can be sent.
    """
    is_frame = will_be_frame(as_frame)
    records: list[Record] = []
    with Bar(length_of(tasks), is_shown=progress) as bar:
        finished = arun_batch_as_completed(
            tasks,
            mcp,
            cfg,
            model=model,
            concurrency=concurrency,
            limits=limits,
            checkpoint=checkpoint,
            retries=retries,
            pool=pool,
            cassette=cassette,
            cache=cache,
        )
        try:
            shared_portal().wait_for(collected(finished, records.append, bar))
        except KeyboardInterrupt:
            hint = "call it again to go on from the checkpoint" if checkpoint else "checkpoint=FILE lets it go on later"
            raise BatchStopped(
                table_of(records, as_frame=is_frame), hint=f"{hint}; .results has what finished"
            ) from None
    return table_of(records, as_frame=is_frame)


async def collected(finished: AsyncGenerator[Record], *watchers: Callable[[Record], object]) -> None:
    """Tell *watchers* each record as it is finished."""
    async with aclosing(finished):
        async for record in finished:
            for watch in watchers:
                watch(record)


async def arun_batch_as_completed(
    tasks: Tasks,
    mcp: Invoker | None = None,
    cfg: AgentConfig | None = None,
    *,
    model: Model | None = None,
    concurrency: int = 5,
    limits: Limits | None = None,
    checkpoint: str | Path | None = None,
    retries: Retries | None = None,
    pool: Pool | None = None,
    cassette: Cassette | None = None,
    cache: AnswerCache | None = None,
) -> AsyncGenerator[Record]:
    """Give the record of each task as it is finished, and keep none: for batches that no table should hold.

    All else is as in `run_batch`. Leaving early cancels the runs that are under way.
    """
    config = cfg or AgentConfig()
    config = replace(config, model=model.name if model else choose_model(config.model).name)
    account, retries = Account(limits), retries or Retries()
    if pool is not None:
        if cassette or cache:
            raise ConfigError("workers of a pool have no cassette and no cache", hint="leave out pool, or those")
        do = doing_on(pool, Job(config, mcp, model, retries), account)
    else:
        maker, tools = made_once(config, model), make_invoker(config) if mcp is None else mcp
        make_wires = partial(wired, maker, tools, stronger=stronger_once(config), cassette=cassette, cache=cache)
        check_price(make_wires().model, account.bounded(config))  # what is wrong with the model is said now, once
        do = doing_here(make_wires, config, account=account, retries=retries)
    records = batch_records(tasks, do, config=config, account=account, checkpoint=checkpoint, concurrency=concurrency)
    async with aclosing(records):
        async for record in records:
            yield record
