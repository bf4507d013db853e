"""Batches on the workers of a pool: threads, processes, and a cluster of which a worker is killed."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import aclosing

import pytest

from liteagent_nb import AgentConfig, Limits, arun_batch_as_completed, run_batch
from liteagent_nb.core.errors import ConfigError, LiteAgentError

TASKS = [f"task {number}" for number in range(12)]
QUICK = AgentConfig(model="dummy", use_tools=False)


@pytest.fixture(autouse=True)
def dummies(monkeypatch):
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")


def spawning():
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("new_pool", [lambda: ThreadPoolExecutor(3), spawning], ids=["threads", "processes"])
def test_any_executor_does_a_batch_in_order_with_a_checkpoint(new_pool, tmp_path):
    with new_pool() as pool:
        table = run_batch(TASKS, cfg=QUICK, pool=pool, checkpoint=tmp_path / "b.jsonl", progress=False)
        again = run_batch([*TASKS, "more"], cfg=QUICK, pool=pool, checkpoint=tmp_path / "b.jsonl", progress=False)

    assert table.task.tolist() == TASKS
    assert table.ok.all()
    assert again.is_resumed.tolist() == [True] * 12 + [False]


def test_a_limit_holds_between_the_tasks_of_a_pool():
    with ThreadPoolExecutor(2) as pool:
        table = run_batch(
            TASKS,
            cfg=QUICK,
            model=answering_slowly(),
            pool=pool,
            concurrency=1,
            limits=Limits(tokens=60),
            progress=False,
        )

    assert table.ok.tolist() == [True] * 3 + [False] * 9
    assert set(table.error[3:]) == {"not begun: the batch's limit: 60 of 60 tokens"}


class Kills:
    """A model whose process dies."""

    name, price = "kills", None

    async def stream(self, transcript, tools, settings):
        os.kill(os.getpid(), signal.SIGKILL)
        yield  # pragma: no cover


def test_a_pool_that_breaks_ends_the_batch_with_two_lines():
    with spawning() as pool, pytest.raises(LiteAgentError, match="the pool broke") as broken:
        run_batch(TASKS, cfg=QUICK, model=Kills(), pool=pool, progress=False)

    assert "checkpoint" in broken.value.hint


def test_what_is_no_pool_is_refused():
    with pytest.raises(ConfigError, match="a str is no pool"):
        run_batch(TASKS, cfg=QUICK, pool="eight workers", progress=False)


def answering_slowly():
    """Return a model that workers can be sent whole: they do not have this file."""

    class Slow:
        name, price = "slow", None

        async def stream(self, transcript, tools, settings):
            import asyncio

            from liteagent_nb.core.chat import Usage
            from liteagent_nb.core.streaming import Delta

            await asyncio.sleep(0.05)
            text = transcript.messages[-1]["content"].upper()
            yield Delta(text=text, usage=Usage(18, 2), finish_reason="stop")

    return Slow()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_killed_worker_of_a_cluster_loses_nothing():
    from distributed import Client, LocalCluster

    tasks = [f"task {number}" for number in range(60)]
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        workers = client.run(os.getpid)
        records = []
        batch = arun_batch_as_completed(tasks, cfg=QUICK, model=answering_slowly(), pool=client, concurrency=8)
        async with aclosing(batch):
            async for record in batch:
                records.append(record)
                if len(records) == 15:
                    os.kill(next(iter(workers.values())), signal.SIGKILL)

    assert len(set(workers.values()) | {os.getpid()}) == 3
    assert sorted((record.index, record.answer) for record in records) == [
        (index, task.upper()) for index, task in enumerate(tasks)
    ]
    del workers, cluster, client, batch
    gc.collect()  # the cluster forgets to close a connection of the killed worker: that is told here, not to other tests
