"""How often the judge of parity is right, by simulation, beside the seed's own rule and a plain mean.

    python tests/benchmarks/parity_judge.py [--runs 400] [--pairs 160] [--margin 3]

Each run draws pairs of log-normal figures with this true change and this spread (the standard deviation of a pair's log
ratio, in percent), and asks each rule. The seed's rule accepts where no single round is slower by more than the margin; the
mean accepts where the mean ratio is within it.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections import Counter

from liteagent_nb.core.parity import Pair, rule

SPREADS = (5.0, 10.0, 18.0)
CHANGES = (0.0, -10.0, 3.0, 5.0, 6.0)


def drawn(noise: random.Random, *, pairs: int, change_pct: float, spread_pct: float) -> list[Pair]:
    sigma = spread_pct / 100 / math.sqrt(2)

    def figure(change_pct: float = 0.0) -> float:
        return (1 + change_pct / 100) * math.exp(noise.gauss(0, sigma))

    return [Pair(figure(), figure(change_pct), figure()) for _ in range(pairs)]


def seed_rule(pairs: list[Pair], margin_pct: float) -> bool:
    return max(pair.candidate / pair.baseline for pair in pairs) <= 1 + margin_pct / 100


def mean_rule(pairs: list[Pair], margin_pct: float) -> bool:
    return statistics.mean(pair.candidate / pair.baseline for pair in pairs) <= 1 + margin_pct / 100


def simulated(*, runs: int, pairs: int, margin_pct: float, change_pct: float, spread_pct: float) -> str:
    noise = random.Random(f"{change_pct} {spread_pct}")
    said, took, by_seed, by_mean = Counter(), [], 0, 0
    for _ in range(runs):
        drawn_pairs = drawn(noise, pairs=pairs, change_pct=change_pct, spread_pct=spread_pct)
        ruling = rule(drawn_pairs, margin_pct=margin_pct)
        said[ruling.status] += 1
        took.append(ruling.pairs)
        by_seed += seed_rule(drawn_pairs[:10], margin_pct)
        by_mean += mean_rule(drawn_pairs[:10], margin_pct)
    shares = [100 * said[status] / runs for status in ("accepted", "rejected", "undecided", "invalid")]
    cells = [f"{share:.1f} %" for share in shares] + [f"{statistics.mean(took):.0f}"]
    cells += [f"{100 * count / runs:.1f} %" for count in (by_seed, by_mean)]
    return " | ".join([f"{change_pct:+.0f} %", f"{spread_pct:.0f} %", *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=160)
    parser.add_argument("--margin", type=float, default=3.0)
    chosen = parser.parse_args()
    print("true change | spread | accepted | rejected | undecided | invalid | pairs | the seed's rule, 10 | mean, 10")
    print("--: | --: | --: | --: | --: | --: | --: | --: | --:")
    for spread in SPREADS:
        for change in CHANGES:
            print(
                simulated(
                    runs=chosen.runs, pairs=chosen.pairs, margin_pct=chosen.margin, change_pct=change, spread_pct=spread
                )
            )


if __name__ == "__main__":
    main()
