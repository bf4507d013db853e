"""The tasks of a batch, one after the other finished: from the checkpoint, or done now."""

from __future__ import annotations

from contextlib import aclosing, nullcontext
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.extras.batching.bar import length_of
from liteagent_nb.extras.batching.checkpoint import Checkpoint
from liteagent_nb.extras.batching.records import Record
from liteagent_nb.extras.batching.tasks import limits_in, numbered
from liteagent_nb.extras.windows import Window

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
    from pathlib import Path

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.extras.batching.account import Account
    from liteagent_nb.extras.batching.tasks import BatchTask, Tasks

    Doing: TypeAlias = Callable[[BatchTask], Coroutine[None, None, Record]]

__all__ = ["batch_records"]


async def batch_records(
    tasks: Tasks,
    do: Doing,
    *,
    config: AgentConfig,
    account: Account,
    checkpoint: str | Path | None,
    concurrency: int,
    counts_earlier: bool = True,
) -> AsyncGenerator[Record]:
    """Give the record of each of *tasks* as it is finished, with at most *concurrency* under way.

    Nothing is begun once a limit of *account* is reached: the rest says so, where *tasks* have a length, and is not
    looked at where they have none. What the file *checkpoint* has is given all the same. Leaving early cancels what is
    under way, and waits for it. What earlier starts took counts, unless *account* knows of it already.
    """
    with Checkpoint(checkpoint) if checkpoint else nullcontext() as kept:
        if kept is not None and counts_earlier:
            account.spent += kept.spent
        finished = _finished(
            numbered(tasks, config, has_keys=kept is not None),
            do,
            config=config,
            account=account,
            checkpoint=kept,
            concurrency=concurrency,
            has_end=length_of(tasks) is not None,
        )
        async with aclosing(finished):
            async for record in finished:
                yield record


async def _finished(
    tasks: Iterable[BatchTask],
    do: Doing,
    *,
    config: AgentConfig,
    account: Account,
    checkpoint: Checkpoint | None,
    concurrency: int,
    has_end: bool,
) -> AsyncGenerator[Record]:
    limits = limits_in(config)

    async def finish(_: int, task: BatchTask) -> Record | None:
        if checkpoint is not None and (earlier := checkpoint.done(task, limits=limits)) is not None:
            return earlier
        if told := account.spent_limit:
            return _not_begun(task, told) if has_end else None
        record = await do(task)
        if checkpoint is not None:
            await checkpoint.add(task, record, limits=limits, is_cut=account.is_limited)
        return record

    window = Window(tasks, finish, size=concurrency)
    try:
        while (finished := await window.next_finished()) is not None:
            record = finished[1].result()
            if record is not None:
                yield record
            else:
                window.take_no_more()
    finally:
        await window.close()


def _not_begun(task: BatchTask, limit: str) -> Record:
    return Record(task.index, task.text, stopped_reason="budget", error=f"not begun: the batch's limit: {limit}")
