"""What is measured of every way of running code; each returns figures, or raises where the way cannot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import time
from pathlib import Path

PRINT = "print(123)"
WORK = "total = 0\nfor n in range(100_000): total += n\nprint(123)"
HEAVY = "import numpy, pandas\nprint(123)"
SLOW_PRINT = "import time\nprint('first')\ntime.sleep(0.5)"
FLOOD = "line = 'x' * (1 << 20)\nfor _ in range(100): print(line)"
LINES = "for n in range(100_000): print(n, flush=True)"
DEAF = "import time\nwhile True:\n    try: time.sleep(60)\n    except BaseException: pass"


async def run(kernel, code=PRINT):
    printed = await kernel.run(code)
    if printed.strip() != "123":
        raise ValueError(f"a wrong answer: {printed!r:.100}")


async def timed(work):
    began = time.perf_counter()
    told = await work
    return (time.perf_counter() - began) * 1000, told


async def round_trip(way, kernels, *, count):
    """One call at a time, with a pause that lets everything come to rest."""
    took = []
    for _ in range(count):
        await asyncio.sleep(0.01)
        took.append((await timed(run(kernels[0])))[0])
    return {"ms": statistics.median(took)}


async def back_to_back(way, kernels, *, count):
    async def all_of_them():
        for _ in range(count):
            await run(kernels[0])

    return {"ms": (await timed(all_of_them()))[0] / count}


async def crowd(way, kernels, *, clients, on, calls, code=PRINT):
    """So many clients at once, *calls* in all, on so many kernels."""
    while len(kernels) < on:
        kernels.append(await way.kernel())

    async def client(number):
        for _ in range(calls // clients):
            await run(kernels[number % on], code)

    ms, _ = await timed(asyncio.gather(*(client(number) for number in range(clients))))
    return {"per_s": calls / clients * clients / ms * 1000}


async def start(way, kernels, *, code=PRINT):
    """From nothing, or from whatever the way keeps ready, to the first result."""
    await way.rest()

    async def first():
        kernel = await way.kernel()
        await run(kernel, code)
        return kernel

    ms, kernel = await timed(first())
    await kernel.close()
    return {"ms": ms}


async def first_byte(way, kernels):
    began, came = time.perf_counter(), []
    await kernels[0].run(SLOW_PRINT, told=lambda: came.append(time.perf_counter()))
    return {"ms": (came[0] - began) * 1000}


async def health(way, kernels, *, clients=32, on=4, seconds=3.0):
    """Asked while the crowd runs and one kernel is stuck; and in the same seconds a server that does nothing else.

    What that one takes is how long a process waits for a processor then.
    """
    idle = type(way)("constant")
    await idle.open()
    async with way.one_stuck():
        probing = asyncio.gather(way.healths(seconds), idle.healths(seconds))
        while not probing.done():
            await crowd(way, kernels, clients=clients, on=on, calls=clients * 2)
        took, took_idle = await probing
    await idle.close()
    return {"p95_ms": _p95(took), "median_ms": statistics.median(took), "idle_p95_ms": _p95(took_idle)}


def _p95(values):
    return statistics.quantiles(values, n=20)[-1]


async def flood(way, kernels):
    """100 MB are printed: how long, how much more memory the server takes at its peak, and what it says of it."""
    _reset_peak(way.server_pid)
    before = _memory(way.server_pid, "VmRSS")
    ms, result = await timed(kernels[0].result(FLOOD, timeout_s=100))
    await run(kernels[0])
    grown = _memory(way.server_pid, "VmHWM") - before
    return {"ms": ms, "peak_mb": grown, "truncated": result["truncated"], "kept": len(result["stdout"])}


async def lines(way, kernels):
    """100,000 lines are flushed one by one; lost ones are those between the kept head and tail that were not cut."""
    ms, result = await timed(kernels[0].result(LINES, timeout_s=100))
    said = result["stdout"].split()
    lost = 0 if result["truncated"] else 100_000 - len(said)
    return {"ms": ms, "lost": lost, "truncated": result["truncated"]}


async def limit(way, kernels, *, code="while True: pass", limit_s=1.0):
    """How much later than its limit it is answered, and when the kernel works again after that."""
    kernel = await way.kernel()
    ms, result = await timed(kernel.result(code, timeout_s=limit_s))
    again, _ = await timed(run(kernel))
    await kernel.close()
    if result["status"] != "timeout":
        raise ValueError(f"it says {result['status']}")
    return {"late_ms": ms - limit_s * 1000, "again_ms": again, "lost": result["state_lost"]}


async def deaf(way, kernels):
    return await limit(way, kernels, code=DEAF)


async def death(way, kernels):
    """The kernel is killed in the middle of a call."""
    kernel = await way.kernel()
    await run(kernel)
    await way.rest()  # a pool must be full, as it is when nobody dies at once
    running = asyncio.ensure_future(kernel.result("import time; time.sleep(60)", timeout_s=60))
    await asyncio.sleep(0.3)
    os.kill(await kernel.pid(), signal.SIGKILL)
    ms, result = await timed(running)
    again, _ = await timed(run(kernel))
    await kernel.close()
    if result["status"] != "died":
        raise ValueError(f"it says {result['status']}")
    return {"ms": ms, "again_ms": again}


async def long(way, kernels, *, count):
    """So many calls on one kernel: memory after the first tenth against the end, and the last tenth's time."""
    tenth, kernel = count // 10, kernels[0]
    took = []
    for part in range(10):
        took.append((await back_to_back(way, kernels, count=tenth))["ms"])
        if part == 0:
            server, own = _memory(way.server_pid, "VmRSS"), _memory(await kernel.pid(), "VmRSS")
    return {
        "kernel_mb": _memory(await kernel.pid(), "VmRSS") - own,
        "server_mb": _memory(way.server_pid, "VmRSS") - server,
        "last_tenth": took[-1] / took[0],
    }


def _memory(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _reset_peak(pid):
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")
