"""What a batch costs beside its requests: ours, ways by hand, and litellm's own batch function, all in one run.

    python tests/benchmarks/batch.py [--quick] [--rounds 5] [--json FILE]

Every figure is of a process of its own (`batch_ways.py`), in random order within each round; 32 requests are under way
at once. The router of the first table waits up to 2 ms and answers 1 KB, so that requests complete one by one: *bare* is
the same requests in 32 loops, without order, results or a way to leave. CPU is of the whole process, and then less the
round's *bare*; memory is the growth of the resident set at its most; *first* is how long after the first completion the
first answer was given. Leaving happens after ten answers: what began after, and what was open when leaving was done.
The second table asks litellm's Router (answers canned, no network), whose own cost is most of it. The third is of whole
agent runs on such a model: bare, as a batch, as a batch with a checkpoint, and all of them gathered.

How to read it: CPU and memory hold on a busy machine; *first* is wall time, and does not quite.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from pathlib import Path

from tables import Goal, goals_table, median, shown, table
from workers import CLEAN

SCRIPT = Path(__file__).parent / "batch_ways.py"
LIMIT_S = 300
OURS = "ours"
BARE = "bare"
WAYS = {
    BARE: "bare",
    OURS: "acompletion_as_completed",
    "window": "window over asyncio.wait",
    "workers": "worker queue",
    "as_completed": "as_completed and a semaphore",
    "gather": "gather of all",
}
RUNS = {
    "runs_bare": "bare run_agent, 32 loops",
    "runs_ours": "arun_batch_as_completed",
    "runs_kept": "the same with a checkpoint",
    "runs_gather": "gather of all",
}
LITELLMS = {OURS: "acompletion_as_completed", "litellms": "litellm's abatch_completion_one_model_…"}


def measured(way, count, kind):
    """Return what one fresh process took."""
    command = [sys.executable, "-W", "ignore", str(SCRIPT), way, str(count), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LIMIT_S, env=CLEAN)
    return json.loads(done.stdout.splitlines()[-1])


def tasks_of(chosen):
    """Return every measure of a round: way, number of requests, kind."""
    timed = [(way, count, "timed") for way in WAYS for count in (1000, 10_000)]
    long = [] if chosen.quick else [(OURS, 100_000, "timed")]
    leaving = [(way, 10_000, "leaving") for way in WAYS if way != BARE]
    through_litellm = [(way, 100 if chosen.quick else 1000, "litellm") for way in LITELLMS]
    runs = [(way, count, "runs") for way in RUNS for count in (1000, 10_000)]
    return timed + long + leaving + through_litellm + runs


def measure_all(tasks, *, rounds):
    taken = {task: [] for task in tasks}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
        for task in random.sample(tasks, len(tasks)):
            taken[task].append(measured(*task))
    return taken


class Figures:
    """The figures of a way, and what it costs over bare requests of its round."""

    def __init__(self, taken):
        self._taken = taken

    def every(self, figure, way, count=10_000, kind="timed"):
        return [told[figure] for told in self._taken.get((way, count, kind), [])]

    def added(self, way):
        pairs = zip(self.every("cpu_us", way), self.every("cpu_us", BARE), strict=True)
        return [value - bare for value, bare in pairs]

    def growth(self, way, count, kind="timed"):
        """Return how much more memory many requests take than a thousand."""
        pairs = zip(self.every("mb", way, count, kind), self.every("mb", way, 1000, kind), strict=True)
        return [many - few for many, few in pairs]

    def run_row(self, way):
        cpu_us = self.every("cpu_us", way, kind="runs")
        over = [one - bare for one, bare in zip(cpu_us, self.every("cpu_us", "runs_bare", kind="runs"), strict=True)]
        mb, most = self.every("mb", way, kind="runs"), self.every("most", way, kind="runs")
        figures = (median(each) for each in (cpu_us, over, mb, self.growth(way, 10_000, "runs"), most))
        return [RUNS[way], *(shown(figure, 1) for figure in figures)]

    def row(self, way):
        figures = [
            median(self.every("cpu_us", way)),
            median(self.added(way)),
            median(self.every("mb", way)),
            median(self.growth(way, 10_000)),
            median(self.every("most", way)),
            None if way == BARE else median(self.every("first_ms", way)),
            median(self.every("begun_after", way, kind="leaving")),
            median(self.every("open_after", way, kind="leaving")),
        ]
        return [WAYS[way], *(shown(figure, 1) for figure in figures)]


HEAD = [
    "10,000 requests",
    "CPU µs each",
    "over bare",
    "MB",
    "MB over 1,000",
    "at once",
    "first ms",
    "begun after",
    "open",
]


def goals(figures, *, most):
    return [
        Goal("a request", 25, figures.every("cpu_us", OURS), "CPU µs"),
        Goal("requests under way", 32, figures.every("most", OURS)),
        Goal(f"memory of {most:,} over 1,000", 1, figures.growth(OURS, most), "MB"),
        Goal("first answer after the first completion", 5, figures.every("first_ms", OURS), "ms"),
        Goal("begun after leaving", 0, figures.every("begun_after", OURS, kind="leaving")),
        Goal("memory of 10,000 runs over 1,000", 1, figures.growth("runs_ours", 10_000, "runs"), "MB"),
        Goal("open after leaving", 0, figures.every("open_after", OURS, kind="leaving")),
    ]


def through_litellm(taken):
    rows = []
    for (way, count, kind), told in taken.items():
        if kind == "litellm":
            figures = (median([each[figure] for each in told]) for figure in ("cpu_us", "mb"))
            rows.append([LITELLMS[way], str(count), *(shown(figure, 1) for figure in figures)])
    return table(["through litellm's Router", "requests", "CPU µs each", "MB"], rows)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, 100,000 requests left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen = arguments()
    load = os.getloadavg()[0]
    taken = measure_all(tasks_of(chosen), rounds=1 if chosen.quick else chosen.rounds)
    figures = Figures(taken)
    if chosen.json:
        chosen.json.write_text(json.dumps({" ".join(map(str, task)): told for task, told in taken.items()}, indent=1))
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start\n")
    parts = [table(HEAD, [figures.row(way) for way in WAYS]), through_litellm(taken)]
    parts.append(table(["10,000 runs", *HEAD[1:6]], [figures.run_row(way) for way in RUNS]))
    print("\n\n".join([*parts, goals_table(goals(figures, most=10_000 if chosen.quick else 100_000))]))


if __name__ == "__main__":
    main()
