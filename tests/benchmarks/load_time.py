"""What loading costs: ours and the peers, each in fresh processes, interleaved in one run.

    python tests/benchmarks/load_time.py [--no-peers] [--rounds 9] [--json FILE]

Each figure is of a whole process, Python's own start in it, and then less the median of what it is put on: a bare
Python, or one with a bare IPython shell. Peers live in environments of their own (`peers.py`; only their installation
needs the network, and they are kept under `--envs`).

How to read it: CPU seconds and memory hold on a busy machine, wall time does not. Memory is the resident set; modules
are entries of `sys.modules`; network counts what a process tried to look up or connect to while it loaded. litellm's
price map is asked for over the network by its plain import, which is shown as it is: that waits for the network.
`import liteagent_nb` alone loads next to nothing, so "times ours" of imports is by the loop's; litellm comes with the
first question that is put to a model of its own, and has a row.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load_tables import report
from loads import OURS, loads_of_peers
from peers import ENVIRONMENTS, PEERS, NotMeasured, python_of, version_of
from workers import CLEAN

SCRIPT = Path(__file__).parent / "loading.py"
LIMIT_S = 120
TOLD = '{"cpu_s"'
"""How the line with the figures starts."""


def measured(load, *, python, ipython_folder):
    """Return what one fresh process took. Raises `NotMeasured` where it fails."""
    # No variable of ours is set: what litellm asks the network for by itself is part of the picture.
    environment = CLEAN | {"IPYTHONDIR": ipython_folder}
    command = [python, str(SCRIPT), load.code]
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=LIMIT_S, env=environment, cwd=ipython_folder
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"more than {LIMIT_S} s") from None
    wall_s = time.perf_counter() - started
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    # Threads that a library left running may still write after the figures.
    told = next((line for line in reversed(lines) if line.startswith(TOLD)), None)
    if done.returncode or told is None:
        raise NotMeasured(lines[-1] if lines else f"ended with {done.returncode}")
    return json.loads(told) | {"wall_s": wall_s}


def pythons(loads, environments):
    """Return the Python of every load that can be measured, the versions of peers, and the reasons of the others."""
    found, versions, missing = {}, {}, {}
    for load in loads:
        try:
            found[load] = python_of(PEERS[load.peer], environments) if load.peer else sys.executable
        except NotMeasured as reason:
            missing[load.name] = str(reason)
        else:
            versions[load.name] = version_of(found[load], PEERS[load.peer]) if load.peer else ""
    return found, versions, missing


def measure_all(found, missing, *, rounds):
    """Return every process's figures by load; the first round, which fills the disk cache, is not kept."""
    taken = {load: [] for load in found}
    with tempfile.TemporaryDirectory() as folder:
        for round_number in range(-1, rounds):
            print(f"round {round_number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
            for load in random.sample(list(found), len(found)):
                if load.name in missing:
                    continue
                try:
                    figures = measured(load, python=found[load], ipython_folder=folder)
                except NotMeasured as reason:
                    missing[load.name] = str(reason)
                    continue
                if round_number >= 0:
                    taken[load].append(figures)
    return {load: figures for load, figures in taken.items() if figures and load.name not in missing}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-peers", action="store_true", help="ours only: nothing is installed")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--envs", type=Path, default=ENVIRONMENTS, help="where the peers' environments are kept")
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen = arguments()
    chosen.envs.mkdir(parents=True, exist_ok=True)
    loads = [*OURS, *(() if chosen.no_peers else loads_of_peers())]
    load_average = os.getloadavg()[0]
    found, versions, missing = pythons(loads, chosen.envs)
    taken = measure_all(found, missing, rounds=chosen.rounds)
    print(f"{os.cpu_count()} cores, load average {load_average:.1f} at the start\n")
    print(report(taken, versions, missing))
    if chosen.json:
        chosen.json.write_text(json.dumps({load.name: figures for load, figures in taken.items()}, indent=1))


if __name__ == "__main__":
    main()
