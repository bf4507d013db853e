"""The ways of `batch.py`, each run in a process of its own: sends many requests, prints what that took as JSON.

    python tests/benchmarks/batch_ways.py WAY REQUESTS KIND

KIND is `timed` (a router that waits up to 2 ms and answers 1 KB), `leaving` (the same, left after ten answers),
`litellm` (litellm's Router with canned answers) or `runs` (whole agent runs on a model that waits and answers so).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
import tempfile
import time
from contextlib import aclosing

from liteagent_nb import AgentConfig, Toolbox, Transcript, acompletion_as_completed, arun_batch_as_completed, run_agent
from liteagent_nb.core.streaming import Delta

AT_ONCE = 32
LEAVES_AFTER = 10


class Timed:
    """A router that costs next to nothing, and notes what is asked of it."""

    def __init__(self):
        self.begun = self.open = self.most = 0
        self.first_s = None

    async def acompletion(self, model, messages):
        self.begun += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await asyncio.sleep(random.random() * 0.002)
        finally:
            self.open -= 1
        self.first_s = self.first_s or time.perf_counter()
        return {"answer": os.urandom(512).hex()}


def requests(count):
    return ({"model": "m", "messages": [{"role": "user", "content": f"hi {n}"}]} for n in range(count))


async def ours(router, count):
    async with aclosing(acompletion_as_completed(router, requests(count), concurrency=AT_ONCE)) as answers:
        async for _ in answers:
            yield


async def window(router, count):
    source, pending = requests(count), set()
    while True:
        while len(pending) < AT_ONCE and (request := next(source, None)):
            pending.add(asyncio.create_task(router.acompletion(**request)))
        if not pending:
            return
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
            yield


async def workers(router, count):
    source, answers = requests(count), asyncio.Queue(AT_ONCE)

    async def work():
        for request in source:
            await answers.put(await router.acompletion(**request))

    tasks = [asyncio.create_task(work()) for _ in range(AT_ONCE)]
    try:
        for _ in range(count):
            await answers.get()
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def as_completed(router, count):
    limit = asyncio.Semaphore(AT_ONCE)

    async def ask(request):
        async with limit:
            return await router.acompletion(**request)

    for answer in asyncio.as_completed([ask(request) for request in requests(count)]):
        await answer
        yield


async def gather(router, count):
    for _ in await asyncio.gather(*(router.acompletion(**request) for request in requests(count))):
        yield


async def bare(router, count):
    """Nothing but the requests: so many loops, each sending one after the other. It gives nothing while it runs."""
    source = requests(count)

    async def loop():
        for request in source:
            await router.acompletion(**request)

    await asyncio.gather(*(loop() for _ in range(AT_ONCE)))
    yield


async def litellms(router, count):
    messages = [request["messages"] for request in requests(count)]
    for _ in await router.abatch_completion_one_model_multiple_requests(model="m", messages=messages):
        yield


class TimedModel:
    """A model that is the router, for agents."""

    name, price = "timed", None

    def __init__(self, router):
        self._router = router

    async def stream(self, transcript, tools, settings):
        answer = await self._router.acompletion("m", transcript)
        yield Delta(text=answer["answer"], finish_reason="stop")


NO_TOOLS = AgentConfig(use_tools=False)


def run_of(router, request):
    return run_agent(Transcript.of(request["messages"]), model=TimedModel(router), config=NO_TOOLS)


async def runs_bare(router, count):
    source = requests(count)

    async def loop():
        for request in source:
            await run_of(router, request)

    await asyncio.gather(*(loop() for _ in range(AT_ONCE)))
    yield


async def runs_gather(router, count):
    for _ in await asyncio.gather(*(run_of(router, request) for request in requests(count))):
        yield


async def runs_ours(router, count, **more):
    tasks = (request["messages"] for request in requests(count))
    batch = arun_batch_as_completed(tasks, Toolbox([]), NO_TOOLS, model=TimedModel(router), concurrency=AT_ONCE, **more)
    async with aclosing(batch) as records:
        async for _ in records:
            yield


async def runs_kept(router, count):
    with tempfile.TemporaryDirectory() as folder:
        async for _ in runs_ours(router, count, checkpoint=f"{folder}/batch.jsonl"):
            yield


RUNS = (runs_bare, runs_ours, runs_kept, runs_gather)
WAYS = {each.__name__: each for each in (bare, ours, window, workers, as_completed, gather, litellms, *RUNS)}


def litellms_router():
    from liteagent_nb.models.quiet_litellm import litellm

    canned = {"model": "openai/test-model", "api_key": "none", "mock_response": "word " * 200}
    return litellm.Router(model_list=[{"model_name": "m", "litellm_params": canned}])


async def all_of(way, router, count):
    first_s = None
    async for _ in WAYS[way](router, count):
        first_s = first_s or time.perf_counter()
    return first_s


async def left_early(way, count):
    """Leave after a few answers; tell what still went on: requests begun after, and open at the end of leaving."""
    router, seen = Timed(), 0
    async with aclosing(WAYS[way](router, count)) as answers:
        async for _ in answers:
            seen += 1
            if seen == LEAVES_AFTER:
                break
        begun = router.begun
    still_open = router.open
    await asyncio.sleep(0.05)
    return {"begun_after": router.begun - begun, "open_after": still_open}


def measured(way, count, kind):
    router = litellms_router() if kind == "litellm" else Timed()
    with asyncio.Runner() as runner:
        if kind != "timed":
            runner.run(all_of(way, router, 20))  # litellm loads half of itself with the first request
        before_kb, cpu_s = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        first_s = runner.run(all_of(way, router, count))
        cpu_s = time.process_time() - cpu_s
        told = {"cpu_us": cpu_s / count * 1e6}
        told["mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024
        if kind != "litellm":
            told |= {"most": router.most, "first_ms": (first_s - router.first_s) * 1000}
    return told


def main():
    way, count, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if kind == "leaving":
        with asyncio.Runner() as runner:
            print(json.dumps(runner.run(left_early(way, count))))
        return
    print(json.dumps(measured(way, count, kind)))


if __name__ == "__main__":
    main()
