"""What the agent costs over HTTP beside the same run in process, all in one run.

    python tests/benchmarks/proxy_overhead.py [--quick] [--rounds 10] [--json FILE]

One process serves the proxy and does the same runs in process, in turn (`proxy_worker.py`); another one answers as the
provider, with bytes made beforehand and sent in one burst (`canned_server.py`). CPU figures are of the proxy's process
alone, per round one less the other: they hold on a busy machine. A piece is one of 2,000 of an answer; *alone* are
pieces that come a millisecond apart, so that few are sent together. `/ready` is asked while 64 agents talk and call
tools; its figure is wall time, the client's own included, and beside it stands what it is while nothing runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
from canned_server import serving
from tables import Goal, goals_table, median, shown, table
from workers import Worker

SCRIPT = Path(__file__).parent / "proxy_worker.py"
TASK = {"messages": [{"role": "user", "content": "Go on."}]}
CROWD = 64
PIECES, ALONE = 2000, 500
WARM_UPS = 1


def cpu_of(worker, work, count):
    """Return the CPU that the proxy's process takes for one of *count* times *work*, in milliseconds."""
    before = worker.ask(do="cpu")["cpu_ms"]
    for _ in range(count):
        work()
    return (worker.ask(do="cpu")["cpu_ms"] - before) / count


def run(client, model):
    client.post("/agent/run", json=TASK | {"model": model}).raise_for_status()


def stream(client, model):
    """Read a streamed answer, by the block."""
    with client.stream("POST", "/v1/chat/completions", json=TASK | {"model": model, "stream": True}) as answer:
        assert b"".join(answer.iter_raw()).endswith(b"[DONE]\n\n")


def measured(worker, client, runs):
    """Return the figures of one round."""
    took = {
        "constant": cpu_of(worker, lambda: client.get("/health").raise_for_status(), runs),
        "run": cpu_of(worker, lambda: run(client, "short"), runs),
        "run in process": worker.ask(do="run", model="short", count=runs)["cpu_ms"],
        "stream": cpu_of(worker, lambda: stream(client, "long"), 5),
        "stream in process": worker.ask(do="run", model="long", count=5)["cpu_ms"],
        "alone": cpu_of(worker, lambda: stream(client, "paced"), 1),
        "alone in process": worker.ask(do="run", model="paced", count=1)["cpu_ms"],
    }
    took["ms a run"] = took["run"] - took["run in process"]
    took["µs a piece"] = (took["stream"] - took["stream in process"]) / PIECES * 1000
    took["µs a piece alone"] = (took["alone"] - took["alone in process"]) / ALONE * 1000
    return took


async def ready_alone(client):
    """Return within how many milliseconds 95 of 100 `/ready` are answered while nothing runs."""
    return await ready_until(client, time.perf_counter() + 2)


async def ready_under_crowd(client):
    """Return the same while a crowd of agents runs."""
    body = TASK | {"model": "busy", "max_iterations": 10_000, "max_total_seconds": 4}
    async with asyncio.TaskGroup() as group:
        crowd = [group.create_task(client.post("/agent/run", json=body)) for _ in range(CROWD)]
        await asyncio.sleep(1)
        took = await ready_until(client, time.perf_counter() + 2.5)
        assert not any(task.done() for task in crowd)
    assert all(task.result().json()["stopped_reason"] == "budget" for task in crowd)
    return took


async def ready_until(client, end_s):
    times = []
    while time.perf_counter() < end_s:
        started = time.perf_counter()
        (await client.get("/ready")).raise_for_status()
        times.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(0.01)
    return sorted(times)[int(len(times) * 0.95)]


async def ready(url, count):
    """Return how long `/ready` takes, while nothing runs and while a crowd does, by turns."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        pairs = [(await ready_alone(client), await ready_under_crowd(client)) for _ in range(count)]
    return [list(times) for times in zip(*pairs, strict=True)]


def report(rounds, alone, crowded):
    rows = [
        [name, *(shown(median([taken[f"{key}{where}"] for taken in rounds])) for where in ("", " in process"))]
        for name, key in (("a run", "run"), ("2,000 pieces in a burst", "stream"), ("500 pieces 1 ms apart", "alone"))
    ]
    rows.append(["a constant answer (`/health`)", shown(median([taken["constant"] for taken in rounds])), "-"])
    goals = [
        Goal("`/agent/run` over the run in process, CPU", 1.5, [taken["ms a run"] for taken in rounds], "ms"),
        Goal("a streamed piece over the stream in process, CPU", 30, [taken["µs a piece"] for taken in rounds], "µs"),
        Goal("the same, pieces 1 ms apart", 30, [taken["µs a piece alone"] for taken in rounds], "µs"),
        Goal("`/ready` while 64 agents run, p95", 10, crowded, "ms"),
    ]
    ways = table(["CPU, ms", "over HTTP", "in process"], rows)
    return f"{ways}\n\n{goals_table(goals)}\n\n`/ready` while nothing runs, p95: {shown(median(alone))} ms"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen = arguments()
    count, load = 3 if chosen.quick else chosen.rounds, os.getloadavg()[0]
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        worker = Worker(sys.executable, server, log=Path(folder, "log"), script=SCRIPT)
        url = f"http://127.0.0.1:{worker.told['port']}"
        with httpx.Client(base_url=url, timeout=60) as client:
            rounds = [measured(worker, client, 100) for _ in range(-WARM_UPS, count)][WARM_UPS:]
        with asyncio.Runner() as runner:
            alone, crowded = runner.run(ready(url, count))
        worker.close(grace_s=10)
    if chosen.json:
        chosen.json.write_text(json.dumps({"rounds": rounds, "alone": alone, "crowded": crowded}, indent=1))
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start\n\n{report(rounds, alone, crowded)}")


if __name__ == "__main__":
    main()
