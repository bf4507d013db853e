"""What running code costs beside the bare kernel protocol: ours, Jupyter's servers and the peers, all in one run.

    python tests/benchmarks/exec_roundtrip.py [--quick] [--long] [--no-peers] [--ways 'a|b'] [--rounds 6] [--json FILE]

Every way is a process of its own (`exec_ways/`), peers in environments of their own (`peers.py`; only their installation
needs the network, and they are kept under `--envs`). Each round takes every measure of every way, in random order.

How to read it: `print(123)` from request to reply and idle. Ratios are to *bare protocol*, which speaks to a default
ipykernel over tcp by hand, of the same round; the table shows medians of these. Everything is wall time, on a machine
that does nothing else. *round trip* has a pause before each call, *back to back* has none: where a server waits for an
acknowledgement that is delayed, only the second shows it. What could not be measured is listed with its reason.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from exec_tables import report
from peers import ENVIRONMENTS
from rounds import Results, chosen_ways, start, take

WORKER = Path(__file__).parent / "exec_ways" / "exec_worker.py"
CLOSE_S = 20.0
WORK = "total = 0\nfor n in range(1_000_000): total += n\nprint(123)"
"""Some 50 ms: of two cores, a second kernel gets what client and server leave, and these cost some milliseconds a call."""
HEAVY = "import numpy, pandas\nprint(123)"
MEASURES = {
    "round trip": {"measure": "round_trip", "count": 30},
    "back to back": {"measure": "back_to_back", "count": 40},
    "1 client": {"measure": "crowd", "clients": 1, "on": 4, "calls": 64},
    "8 clients": {"measure": "crowd", "clients": 8, "on": 4, "calls": 256},
    "32 clients": {"measure": "crowd", "clients": 32, "on": 4, "calls": 256},
    "one kernel": {"measure": "crowd", "clients": 8, "on": 1, "calls": 32, "code": WORK},
    "two kernels": {"measure": "crowd", "clients": 8, "on": 2, "calls": 32, "code": WORK},
    "start": {"measure": "start"},
    "first cell": {"measure": "start", "code": HEAVY},
    "first byte": {"measure": "first_byte"},
    "limit": {"measure": "limit"},
    "deaf": {"measure": "deaf"},
    "death": {"measure": "death"},
    "health": {"measure": "health"},
    "100 MB": {"measure": "flood"},
    "100,000 lines": {"measure": "lines"},
    "long": {"measure": "long", "count": 10_000},
}
CALLS = ("round trip", "back to back")
CROWDS = ("1 client", "8 clients", "32 clients", "one kernel", "two kernels")
STARTS = ("start", "first cell")
PROTOCOL = (*CALLS, *STARTS, "first byte")
FAULTS = ("limit", "deaf", "death", "100 MB", "100,000 lines")
RARE = ("deaf", "death", "100 MB", "100,000 lines", "health")
"""Measures of the first and every third round only."""


@dataclass(frozen=True)
class Way:
    """One way of running code: a file of `exec_ways/` with a variant of it, and what is measured of it."""

    name: str
    module: str
    measures: tuple[str, ...]
    peer: str = ""

    @property
    def left_out(self):
        return tuple(measure for measure in MEASURES if measure not in self.measures)


WAYS = (
    Way("bare protocol", "bare:default", PROTOCOL),
    Way("bare protocol, our kernel", "bare:ours", PROTOCOL),
    Way("liteagent_nb in process", "in_process", (*PROTOCOL, *CROWDS, *FAULTS, "long")),
    Way("… a fresh kernel each", "in_process:fresh", CALLS),
    Way("… without the pool", "in_process:forked", STARTS),
    Way("… nothing running", "in_process:alone", STARTS),
    Way("… numpy, pandas preloaded", "in_process:preloaded", STARTS),
    Way("… isolated", "in_process:isolated", (*CALLS, *STARTS)),
    Way("liteagent_nb over HTTP", "over_http", (*PROTOCOL, *CROWDS, *FAULTS, "health", "long")),
    Way("… a fresh kernel each, HTTP", "over_http:fresh", CALLS),
    Way("starlette, constant answer", "over_http:constant", (*CALLS, "health")),
    Way("jupyter_server, JSON", "over_jupyter:server-json", (*PROTOCOL, "1 client", "8 clients", "32 clients")),
    Way("jupyter_server, v1", "over_jupyter:server-v1", PROTOCOL),
    Way("kernel gateway, v1", "over_jupyter:gateway-v1", PROTOCOL),
    Way("kernel gateway, notebook-http", "over_jupyter:gateway-http", CALLS),
    Way(
        "liteagent_nb over the gateway", "over_jupyter:gateway-ours", (*PROTOCOL, "1 client", "8 clients", "32 clients")
    ),
    Way("ipyparallel", "over_ipyparallel", CALLS, peer="ipyparallel"),
    Way("dask", "over_dask", CALLS, peer="dask"),
    Way("code-sandboxes", "over_code_sandboxes", CALLS, peer="code-sandboxes"),
)
YARDSTICKS = ("bare protocol",)
UNAVAILABLE = {
    "e2b code interpreter": "its server is in no package registry: it is part of the image that e2b builds; PyPI has the client"
}


def measures_of(round_number, wanted):
    """Return what is measured in this round; the one below zero only warms up."""
    if round_number < 0:
        return [name for name in wanted if name in CALLS]
    return [name for name in wanted if name not in RARE or round_number % 3 == 0]


def measure_all(workers, results, *, rounds, wanted):
    for round_number in range(-1, rounds):
        for measure in measures_of(round_number, wanted):
            print(f"round {round_number + 1} of {rounds}: {measure:20}", end="\r", file=sys.stderr, flush=True)
            for way in random.sample(list(workers), len(workers)):
                take(way, measure, workers[way], MEASURES[measure], round_number=round_number, results=results)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", default="", help="names with | between; the yardstick is always there")
    parser.add_argument("--no-peers", action="store_true", help="nothing is installed")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--quick", action="store_true", help="two rounds")
    parser.add_argument("--long", action="store_true", help="10,000 executions, with memory, at the end")
    parser.add_argument("--only", default="", help=f"measures with | between, of: {', '.join(MEASURES)}")
    parser.add_argument("--envs", type=Path, default=ENVIRONMENTS, help="where the peers' environments are kept")
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen = arguments()
    chosen.envs.mkdir(parents=True, exist_ok=True)
    ways, results = chosen_ways(WAYS, chosen, yardsticks=YARDSTICKS), Results(missing=dict(UNAVAILABLE))
    wanted = chosen.only.split("|") if chosen.only else [name for name in MEASURES if name != "long"]
    load = os.getloadavg()[0]
    running = {way: start(way, results, chosen.envs, script=WORKER) for way in ways}
    workers = {way: worker for way, worker in running.items() if worker is not None}
    try:
        measure_all(workers, results, rounds=2 if chosen.quick else chosen.rounds, wanted=wanted)
        if chosen.long:
            measure_all(workers, results, rounds=1, wanted=["long"])
    finally:
        for worker in workers.values():
            worker.close(grace_s=CLOSE_S)
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(results), indent=1))
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end\n")
    print(report(ways, results))


if __name__ == "__main__":
    main()
