"""What a hit costs: our cache before litellm's Router, beside bare redis-py and litellm's own cache, all in one run.

    python tests/benchmarks/cache.py [--quick] [--no-peers] [--rounds 5] [--json FILE]

Wants `redis-server` on the PATH. Every figure is of a process of its own (`cache_ways.py`), in random order within each
round. litellm's cache runs in an environment of its own, made once and kept under `--envs`: it wants fastapi, and more,
which a plain `pip install litellm` does not bring. A hit is asked for through the Router, as a user would; CPU is of the
whole process, what litellm still does in the background with it. Redis is dead where it takes connections and never
answers: *first* is how much longer setting up and the first question take then (each is waited for five seconds),
*later* the next ones.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from canned_server import serving
from peers import ENVIRONMENTS, NotMeasured, Peer, python_of
from tables import Goal, goals_table, median, shown, table
from workers import CLEAN

sys.path.append(str(Path(__file__).parent.parent))
from redis_servers import serving_redis

SCRIPT = Path(__file__).parent / "cache_ways.py"
LIMIT_S = 120
LITELLM = Peer(
    "litellm-cache", (f"litellm=={version('litellm')}", "fastapi", "orjson", "soundfile", "redis"), "litellm"
)
WAYS = {
    "bare_redis": "redis-py alone",
    "ours_disk": "ours, in a file",
    "ours_redis": "ours, in Redis",
    "litellm_memory": "litellm's, in memory",
    "litellm_redis": "litellm's, in Redis",
}


def measured(python, way, server, port):
    """Return what one fresh process took. Raises `NotMeasured` where it fails."""
    command = [python, "-W", "ignore", str(SCRIPT), way, server, str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=CLEAN)
    told = next((line for line in done.stdout.splitlines() if line.startswith("{")), None)
    if told is None:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise NotMeasured(lines[-1] if lines else f"ended with {done.returncode}")
    return json.loads(told)


def measure_all(pythons, *, rounds, server, port):
    taken, missing = {way: [] for way in pythons}, {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
        for way in random.sample(list(pythons), len(pythons)):
            try:
                taken[way].append(measured(pythons[way], way, server, port))
            except (NotMeasured, subprocess.TimeoutExpired) as reason:
                missing[WAYS[way]] = str(reason)
    return taken, missing


def pythons(chosen, missing):
    """Return the Python of every way that can be measured."""
    found = {way: sys.executable for way in WAYS if not way.startswith("litellm")}
    if chosen.no_peers:
        return found
    try:
        return found | dict.fromkeys(
            (way for way in WAYS if way.startswith("litellm")), python_of(LITELLM, chosen.envs)
        )
    except NotMeasured as reason:
        missing["litellm's own cache"] = str(reason)
        return found


class Figures:
    """The figures of every way and measure."""

    def __init__(self, taken):
        self._taken = taken

    def every(self, way, measure, figure):
        told = (told.get(measure, {}) for told in self._taken.get(way, []))
        return [figures[figure] for figures in told if figure in figures]

    def ratios(self, way, to, measure):
        """Return CPU beside another way's, round by round."""
        pairs = zip(self.every(way, measure, "cpu_us"), self.every(to, measure, "cpu_us"), strict=False)
        return [value / other for value, other in pairs]

    def row(self, way):
        cells = [shown(median(self.every(way, m, f)), 0) for m in ("plain", "stream") for f in ("cpu_us", "wall_us")]
        dead = [shown(median(self.every(way, "dead", figure)), 1) for figure in ("first_ms", "later_ms")]
        return [WAYS[way], *cells, *dead]


HEAD = ["a hit", "CPU µs", "wall µs", "stream CPU µs", "stream wall µs", "dead, first ms", "later ms"]


def goals(figures):
    return [
        Goal("plain hit in Redis beside litellm's", 0.25, figures.ratios("ours_redis", "litellm_redis", "plain"), "x"),
        Goal(
            "plain hit in a file beside litellm's memory",
            0.25,
            figures.ratios("ours_disk", "litellm_memory", "plain"),
            "x",
        ),
        Goal("stream hit in Redis beside litellm's", 0.1, figures.ratios("ours_redis", "litellm_redis", "stream"), "x"),
        Goal(
            "stream hit in a file beside litellm's memory",
            0.1,
            figures.ratios("ours_disk", "litellm_memory", "stream"),
            "x",
        ),
        Goal("plain hit in a file", 100, figures.every("ours_disk", "plain", "wall_us"), "µs"),
        Goal("dead Redis", 50, figures.every("ours_redis", "dead", "first_ms"), "ms"),
    ]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--no-peers", action="store_true", help="without litellm's own cache: nothing is installed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--envs", type=Path, default=ENVIRONMENTS, help="where litellm's environment is kept")
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen = arguments()
    chosen.envs.mkdir(parents=True, exist_ok=True)
    load, missing = os.getloadavg()[0], {}
    found = pythons(chosen, missing)
    with tempfile.TemporaryDirectory() as folder, serving() as server, serving_redis(folder) as port:
        rounds = 1 if chosen.quick else chosen.rounds
        taken, failed = measure_all(found, rounds=rounds, server=server, port=port)
    if chosen.json:
        chosen.json.write_text(json.dumps(taken, indent=1))
    figures = Figures(taken)
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start\n")
    reasons = "\n".join(f"not measured: {name}: {reason}" for name, reason in (missing | failed).items())
    print("\n\n".join([table(HEAD, [figures.row(way) for way in found]), goals_table(goals(figures)), reasons]).strip())


if __name__ == "__main__":
    main()
