"""What an agent costs beside the bytes it moves: ours, loops written by hand, and the peers, all in one run.

    python tests/benchmarks/agent_overhead.py [--quick] [--no-peers] [--ways 'a|b'] [--rounds 10] [--json FILE]

Every way is a process of its own (`ways/`), peers in environments of their own (`peers.py`; only their installation
needs the network, and they are kept under `--envs`). All ask one server process for the same replies, made beforehand
and sent in one burst (`canned_server.py`), in random order within each round.

How to read it: CPU figures are of a way's process alone, per round less or over *bare httpx* (async or sync, as the way
is), which sends and receives the same bytes and parses nothing; the table shows medians of these. They hold on a busy
machine; milliseconds, runs a second and the eight tools are wall time and do not: beside runs a second stand runs a
second of CPU. A step is one reply and its tool calls. What could not be measured is listed with its reason. The small
difference of two dear ways, our loop's own cost over litellm, has a script of its own: `loop_over_litellm.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from canned_server import serving
from overhead_tables import report
from peers import ENVIRONMENTS
from rounds import Results, chosen_ways, start, take

TURNS = 20
CROWD = 64
MEASURES = {
    "steps": {"turns": TURNS, "calls": 1, "pieces": 200, "delay_s": 0, "at_once": 1},
    "short answer": {"turns": 0, "calls": 1, "pieces": 200, "delay_s": 0, "at_once": 1},
    "long answer": {"turns": 0, "calls": 1, "pieces": 2000, "delay_s": 0, "at_once": 1},
    "eight tools": {"turns": 1, "calls": 8, "pieces": 20, "delay_s": 0.1, "at_once": 1},
    "crowd": {"turns": 4, "calls": 1, "pieces": 20, "delay_s": 0, "at_once": CROWD},
}
SLOW = "crowd"
"""The measure that is taken in every third round only."""
WARM_UPS = 2


@dataclass(frozen=True)
class Way:
    """One way of holding the conversation: a file of `ways/`, and the peer whose environment runs it."""

    name: str
    module: str
    peer: str = ""
    is_sync: bool = False
    left_out: tuple[str, ...] = ()
    """Measures that make no sense for it."""


WAYS = (
    Way("bare httpx", "bare_httpx", left_out=("eight tools",)),
    Way("bare httpx, sync", "bare_httpx_sync", is_sync=True, left_out=("eight tools",)),
    Way("httpx by hand", "httpx_by_hand"),
    Way("aiohttp by hand", "aiohttp_by_hand"),
    Way("openai by hand", "openai_by_hand"),
    Way("litellm as translator", "litellm_as_translator"),
    Way("litellm by hand", "litellm_by_hand"),
    Way("liteagent_nb", "liteagent"),
    Way("liteagent_nb over litellm", "liteagent_over_litellm"),
    Way("lisette", "lisette_chat", peer="lisette"),
    Way("langgraph", "langgraph_agent", peer="langgraph"),
    Way("openai-agents", "openai_agents", peer="openai-agents"),
    Way("pydantic-ai", "pydantic_ai_agent", peer="pydantic-ai"),
    Way("smolagents", "smolagents_agent", peer="smolagents", is_sync=True),
    # It does not stream: its replies come whole.
    Way(
        "mini-swe-agent",
        "mini_swe_agent",
        peer="mini-swe-agent",
        is_sync=True,
        left_out=("short answer", "long answer"),
    ),
)
YARDSTICKS = ("bare httpx", "bare httpx, sync")


def start_all(ways, results, *, environments, starts):
    """Start every way so many times, which tells what loading costs; return the last processes."""
    workers = {}
    for _ in range(starts):
        for worker in workers.values():
            worker.close()
        running = {way: start(way, results, environments) for way in random.sample(ways, len(ways))}
        workers = {way: worker for way, worker in running.items() if worker is not None}
    return workers


def measures_of(round_number, wanted):
    """Return what is measured in this round; rounds below zero only warm up."""
    takes_all = round_number % 3 == 0
    return [name for name in wanted if name != SLOW or takes_all]


def measure_all(workers, results, *, asked, rounds, wanted):
    for round_number in range(-WARM_UPS, rounds):
        print(f"round {round_number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
        for measure in measures_of(round_number, wanted):
            for way in random.sample(list(workers), len(workers)):
                take(way, measure, workers[way], MEASURES[measure] | asked, round_number=round_number, results=results)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", default="", help="names with | between; the yardsticks are always there")
    parser.add_argument("--no-peers", action="store_true", help="ours and loops by hand only: nothing is installed")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="three rounds, everything loaded once")
    parser.add_argument("--only", default="", help=f"measures with commas between, of: {', '.join(MEASURES)}")
    parser.add_argument("--model", default="test-model", help="its name; one that litellm knows has a price")
    parser.add_argument("--envs", type=Path, default=ENVIRONMENTS, help="where the peers' environments are kept")
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen = arguments()
    chosen.envs.mkdir(parents=True, exist_ok=True)
    ways, results = chosen_ways(WAYS, chosen, yardsticks=YARDSTICKS), Results()
    load = os.getloadavg()[0]
    with serving() as server:
        workers = start_all(ways, results, environments=chosen.envs, starts=1 if chosen.quick else 3)
        asked = {"server": server, "model": chosen.model}
        rounds, wanted = 3 if chosen.quick else chosen.rounds, chosen.only.split(",") if chosen.only else list(MEASURES)
        measure_all(workers, results, asked=asked, rounds=rounds, wanted=wanted)
        for worker in workers.values():
            worker.close()
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(results), indent=1))
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start\n")
    print(report(ways, results))


if __name__ == "__main__":
    main()
