"""How often the judge of parity is right, by simulation, beside the seed's own rule and a plain mean.

    python tests/benchmarks/parity_judge.py [--runs 400] [--pairs 160] [--margin 3]

Each run draws pairs of log-normal figures with this true change and this spread (the standard deviation of a pair's log
ratio, in percent), and asks each rule. The seed's rule accepts where no single round is slower by more than the margin; the
mean accepts where the mean ratio is within it. The second table draws texts: how often the baseline repeats itself, and
how many points seldomer the candidate says the same.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
from collections import Counter
from dataclasses import dataclass, field

from liteagent_nb.core.measurement import Measurement, Trial
from liteagent_nb.core.parity import Pair, rule
from liteagent_nb.core.sameness import FALL_PCT, rate_of_same

SPREADS = (5.0, 10.0, 18.0)
CHANGES = (0.0, -10.0, 3.0, 5.0, 6.0)
RATES = ((95, 0), (60, 0), (60, 15), (95, 15), (95, 40))
STATUSES = ("accepted", "rejected", "undecided", "invalid")


@dataclass
class Said:
    """What the rules said of one kind of difference."""

    runs: int
    judge: Counter = field(default_factory=Counter)
    took: list = field(default_factory=list)
    by_seed: int = 0
    by_mean: int = 0

    def share(self, status):
        return 100 * self.judge[status] / self.runs

    @property
    def pairs(self):
        return statistics.mean(self.took)


def drawn(noise, *, pairs, change_pct, spread_pct):
    sigma = spread_pct / 100 / math.sqrt(2)

    def figure(change_pct=0.0):
        return (1 + change_pct / 100) * math.exp(noise.gauss(0, sigma))

    return [Pair(figure(), figure(change_pct), figure()) for _ in range(pairs)]


def seed_rule(pairs, margin_pct):
    return max(pair.candidate / pair.baseline for pair in pairs) <= 1 + margin_pct / 100


def mean_rule(pairs, margin_pct):
    return statistics.mean(pair.candidate / pair.baseline for pair in pairs) <= 1 + margin_pct / 100


def simulated(*, runs, pairs, margin_pct, change_pct, spread_pct):
    noise, said = random.Random(f"{change_pct} {spread_pct}"), Said(runs)
    for _ in range(runs):
        drawn_pairs = drawn(noise, pairs=pairs, change_pct=change_pct, spread_pct=spread_pct)
        ruling = rule(drawn_pairs, margin_pct=margin_pct)
        said.judge[ruling.status] += 1
        said.took.append(ruling.pairs)
        said.by_seed += seed_rule(drawn_pairs[:10], margin_pct)
        said.by_mean += mean_rule(drawn_pairs[:10], margin_pct)
    return said


def trial_of(noise, own_pct, fall_pct):
    texts = [str(noise.random()) if noise.random() * 100 >= rate else "same" for rate in (own_pct, own_pct - fall_pct)]
    control, candidate = (Measurement(text_sha256=text) for text in texts)
    return Trial(1, "p", (), Measurement(text_sha256="same"), candidate, control)


def texts_simulated(*, runs, trials, own_pct, fall_pct):
    noise, said = random.Random(f"{own_pct} {fall_pct}"), Said(runs)
    for _ in range(runs):
        found = rate_of_same([trial_of(noise, own_pct, fall_pct) for _ in range(trials)])
        said.judge[found.status] += 1
    return said


def goals(found):
    """Yield what is to be reached, what was, and whether that is enough; figures of spread 5 % in pairs on average."""
    accepted = max(found[5.0, spread].share("accepted") for spread in SPREADS)
    yield "false accepted at a true 5 % slowdown", accepted, 5.0
    equal = found[0.0, 5.0]
    yield "equal arms not accepted, of 100", 100 - equal.share("accepted"), 5.0
    yield "pairs until equal arms are accepted", equal.pairs, 67
    yield "pairs until a 10 % faster one is accepted", found[-10.0, 5.0].pairs, 12
    yield "pairs until a 6 % slower one is rejected", found[6.0, 5.0].pairs, 31


def print_figures(chosen):
    print("true change | spread | accepted | rejected | undecided | invalid | pairs | the seed's rule, 10 | mean, 10")
    print("--: | --: | --: | --: | --: | --: | --: | --: | --:")
    found = {}
    for spread in SPREADS:
        for change in CHANGES:
            said = found[change, spread] = simulated(
                runs=chosen.runs, pairs=chosen.pairs, margin_pct=chosen.margin, change_pct=change, spread_pct=spread
            )
            cells = [f"{said.share(status):.1f} %" for status in STATUSES] + [f"{said.pairs:.0f}"]
            cells += [f"{100 * count / said.runs:.1f} %" for count in (said.by_seed, said.by_mean)]
            print(" | ".join([f"{change:+.0f} %", f"{spread:.0f} %", *cells]))
    return found


def print_texts(chosen):
    """Print the table of texts, and return how often a fall by as much as is not acceptable was accepted."""
    print("\nbaseline's own rate | candidate's fall | accepted | rejected | undecided | invalid")
    print("--: | --: | --: | --: | --: | --:")
    wrong = 0.0
    for own_pct, fall_pct in RATES:
        said = texts_simulated(runs=chosen.runs, trials=chosen.pairs, own_pct=own_pct, fall_pct=fall_pct)
        wrong = max(wrong, said.share("accepted")) if fall_pct >= FALL_PCT else wrong
        print(" | ".join([f"{own_pct} %", f"{fall_pct} points", *(f"{said.share(one):.1f} %" for one in STATUSES)]))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=160)
    parser.add_argument("--margin", type=float, default=3.0)
    chosen = parser.parse_args()
    found = print_figures(chosen)
    wrong_texts = print_texts(chosen)
    print("\ngoal | at most | reached | ")
    print("-- | --: | --: | --")
    for what, reached, limit in [*goals(found), ("false accepted texts, of 100", wrong_texts, 5.0)]:
        print(f"{what} | {limit:g} | {reached:.1f} | {'reached' if reached <= limit else 'MISSED'}")


if __name__ == "__main__":
    main()
