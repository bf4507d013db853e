"""What our own loop costs over the loop that one writes by hand, both over litellm's whole path.

    python tests/benchmarks/loop_over_litellm.py [--rounds 120]

A small difference of two dear things: both are held in one process, so that neither has the larger heap, in random
order within each round; both ask one server process for the same bytes. CPU time is the process's alone. The goal is a
share of what the hand loop takes, since machines differ: 0.3 ms where the hand loop took 7.8 ms a step.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "ways"))

import liteagent_over_litellm
import litellm_by_hand
from canned_server import serving
from tables import Goal, goals_table, median
from task import Task

TURNS = 20
WARM_UPS = 5
SHARE = 0.3 / 7.8
WAYS = {"by hand": litellm_by_hand, "ours": liteagent_over_litellm}


async def _hold(converse):
    return await converse()


def step_ms(runner, converse, *, wanted):
    """Hold one conversation; return its CPU a step."""
    began_s = time.process_time()
    answer = runner.run(_hold(converse))
    took_s = time.process_time() - began_s
    assert answer.strip() == wanted.strip(), answer
    return took_s * 1000 / (TURNS + 1)


def measured(rounds):
    """Return for each way its CPU ms a step, one figure a round."""
    taken = {name: [] for name in WAYS}
    with serving() as server, asyncio.Runner() as runner:
        task = Task(server=server, model="test-model", turns=TURNS, calls=1, pieces=1, delay_s=0)
        conversations = {name: way.conversation(task) for name, way in WAYS.items()}
        for number in range(-WARM_UPS, rounds):
            print(f"round {number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
            for name in random.sample(list(WAYS), len(WAYS)):
                took_ms = step_ms(runner, conversations[name], wanted=task.answer)
                if number >= 0:
                    taken[name].append(took_ms)
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=120)
    load = os.getloadavg()[0]
    taken = measured(parser.parse_args().rounds)
    by_hand = median(taken["by hand"])
    above = [ours - hand for ours, hand in zip(taken["ours"], taken["by hand"], strict=True)]
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start; by hand {by_hand:.2f} CPU ms a step\n")
    goals = [
        Goal(
            "our loop above the hand loop", round(100 * SHARE, 2), [100 * more / by_hand for more in above], "% of it"
        ),
        Goal("the same where the hand loop takes 7.8 ms", 0.3, [7.8 * more / by_hand for more in above], "ms"),
        Goal("the same on this machine", round(SHARE * by_hand, 2), above, "ms"),
    ]
    print(goals_table(goals))


if __name__ == "__main__":
    main()
