"""The proxy's process for `proxy_overhead.py`: it serves the app, and does the same work in process when it is told to.

Its argument is the address of the canned server. It prints its port, then answers each JSON line with one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
import sys
import time

import uvicorn

from liteagent_nb.assembly import Maker, make_invoker, run_wired, wired
from liteagent_nb.core.chat import Price, Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.streaming import CallDelta, Delta
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.services.agent_proxy import create_app

PROMPT = [{"role": "user", "content": "Go on."}]
PIECES = {"short": 20, "long": 2000}


class Canned:
    """A model that asks the canned server for so many pieces, all in one burst."""

    price = None

    def __init__(self, name, server):
        self.name = name
        settings = {"api_base": f"{server}/plain/0/1/{PIECES[name]}/v1", "api_key": "none"}
        self._model = LitellmModel("openai/test-model", settings)

    def stream(self, transcript, tools, settings):
        return self._model.stream(transcript, tools, settings)


class Paced:
    """A model whose pieces come one by one."""

    name = "paced"
    price = Price(0.0, 0.0)

    async def stream(self, transcript, tools, settings):
        for _ in range(500):
            await asyncio.sleep(0.001)
            yield Delta(text="word ")
        yield Delta(finish_reason="stop")


class Busy:
    """A model that talks for a fifth of a second, calls a tool, and never ends."""

    name = "busy"
    price = Price(0.0, 0.0)
    numbers = itertools.count()

    async def stream(self, transcript, tools, settings):
        for _ in range(10):
            await asyncio.sleep(random.uniform(0.01, 0.03))  # not in lockstep with all others
            yield Delta(text="word ")
        number = next(self.numbers)
        yield Delta(calls=(CallDelta(0, f"call_{number}", "compress_runs", json.dumps({"s": f"aa{number}"})),))
        yield Delta(finish_reason="tool_calls")


async def in_process(model, count):
    """Return the CPU of one run, in milliseconds."""
    config = AgentConfig(model=model.name)
    started = time.process_time()
    for _ in range(count):
        told = []
        wires = wired(Maker(model.name, lambda: model), make_invoker(config))
        run = await run_wired(Transcript.of(PROMPT), wires, config=config, watch=told.append)
        assert run.stopped_reason == "success"
    return (time.process_time() - started) / count * 1000


async def answer(task, models):
    if task["do"] == "cpu":
        return {"cpu_ms": time.process_time() * 1000}
    return {"cpu_ms": await in_process(models[task["model"]], task["count"])}


async def serve(server):
    models = {model.name: model for model in (Canned("short", server), Canned("long", server), Paced(), Busy())}
    app = create_app(model="short", models=models.values(), token="", max_work=128)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        running = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, log_level="critical", ws="none")
        )
        serving = asyncio.create_task(running.serve(sockets=[listener]))
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await answer(json.loads(line), models)), flush=True)
        running.should_exit = True
        await serving


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
