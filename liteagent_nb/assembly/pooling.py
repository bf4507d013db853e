"""Runs of a batch on the workers of a pool: threads, processes, or other machines, whoever made them."""

from __future__ import annotations

import asyncio
import atexit
import os
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from liteagent_nb.assembly.making_tools import make_invoker
from liteagent_nb.assembly.steadying import doing_here, made_once, stronger_once
from liteagent_nb.assembly.wiring import wired
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, LiteAgentError
from liteagent_nb.core.portal import Portal
from liteagent_nb.core.protocols import Invoker, Model
from liteagent_nb.extras.batching.account import Account
from liteagent_nb.extras.batching.records import failed_record
from liteagent_nb.extras.batching.steady import Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from liteagent_nb.extras.batching.records import Record
    from liteagent_nb.extras.batching.tasks import BatchTask

__all__ = ["Job", "Pool", "doing_on"]


class MakesExecutor(Protocol):
    """A client of `dask.distributed`, or what else has an Executor to give."""

    def get_executor(self, **options: Any) -> Any:
        """Return the Executor."""


Pool: TypeAlias = Executor | MakesExecutor


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker does for a task: all of it crosses to other processes."""

    config: AgentConfig
    mcp: Invoker | None
    model: Model | None
    retries: Retries


def doing_on(pool: Pool, job: Job, account: Account) -> Callable[[BatchTask], Coroutine[None, None, Record]]:
    """Return what has a worker of *pool* do one task.

    A pool that brings lost work to another worker loses nothing when one dies; one that breaks instead ends the batch,
    whose checkpoint has what finished. Limits of the batch hold between tasks: a worker is told what was left.
    """
    executor, waits = _executor_of(pool), _Waits()

    async def do(task: BatchTask) -> Record:
        try:
            bounded = replace(job, config=account.bounded(job.config))
            record = await waits.until_done(executor.submit(run_job, bounded, task))
        except BrokenExecutor as error:
            waits.is_broken = True
            hint = "make a new pool and run it again: a checkpoint has what finished"
            raise LiteAgentError(f"the pool broke: {error}", hint=hint) from error
        except Exception as error:  # noqa: BLE001 - pools raise what they like for one lost task
            return failed_record(error, task)
        account.settle(task, record.usage)
        if record.stopped_reason == "budget" and bounded.config != job.config:
            account.exceed(record.error or "it is spent")
        return record

    return do


class _Waits:
    """Waiting for the work of a pool, which is taken back where nobody waits any more.

    Not from a pool that breaks: its thread that tells all of them fails at one that was taken back meanwhile.
    """

    def __init__(self) -> None:
        self.is_broken = False

    async def until_done(self, work: Future[Record]) -> Record:
        """Return what *work* gives."""
        waiting = asyncio.wrap_future(work)
        waiting.add_done_callback(_look_at)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not self.is_broken:
                work.cancel()
            raise


def _look_at(waiting: asyncio.Future[Record]) -> None:
    """Look at the outcome, so that asyncio does not complain about work that nobody waits for."""
    if not waiting.cancelled():
        waiting.exception()


def run_job(job: Job, task: BatchTask) -> Record:
    """Do *task* in this process."""
    return _portal_of(os.getpid()).wait_for(_done(job, task))


async def _done(job: Job, task: BatchTask) -> Record:
    maker, tools = made_once(job.config, job.model), make_invoker(job.config) if job.mcp is None else job.mcp
    make_wires = partial(wired, maker, tools, stronger=stronger_once(job.config))
    return await doing_here(make_wires, job.config, account=Account(), retries=job.retries)(task)


@cache
def _portal_of(_pid: int) -> Portal:
    """Return this process's own portal: one that was forked with its memory has no thread here."""
    portal = Portal()
    atexit.register(portal.close)
    return portal


def _executor_of(pool: Pool) -> Executor:
    found = pool if isinstance(pool, Executor) else getattr(pool, "get_executor", lambda **_: None)(pure=False)
    if not isinstance(found, Executor):
        hint = "give a concurrent.futures.Executor, or a distributed.Client"
        raise ConfigError(f"a {type(pool).__name__} is no pool", hint=hint)
    return found
