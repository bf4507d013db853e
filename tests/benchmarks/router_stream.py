"""What a stream costs through litellm's Router, with its own core and with ours, and without litellm: all in one run.

    python tests/benchmarks/router_stream.py [--quick] [--rounds 10] [--json FILE]

Every way is a process of its own (`stream_ways/`) and asks one server process for the same bytes, made beforehand
(`canned_server.py`): in one burst, or paced, 50 pieces a second. The ways are asked in random order within each round,
and goals are judged by the ratio of two ways in the same round; the tables show medians. CPU is of the way's process
alone, all its threads, callbacks after the stream included; *cold* is the first time after others had the processor,
all else what follows it. TTFT is from the call to the first text, *tail* from the last text to the end of the stream;
of one stream its CPU is told too, which holds on a busy machine. `--quick` has three rounds, and leaves out what takes
long.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from canned_server import serving
from rounds import Results, start, take
from tables import Goal, goals_table, median, shown, table

SCRIPT = Path(__file__).parent / "stream_ways" / "stream_worker.py"
PIECES, STREAMS = (10, 200, 2000), (1, 16, 64)
PACED = "paced, 16 streams of 50"
WARM_UPS = 1
COLUMNS = {
    "CPU ms a request": "cpu_s",
    "CPU ms a request, cold": "cold_cpu_s",
    "TTFT ms": "ttft_s",
    "TTFT, CPU ms of all streams": "ttft_cpu_s",
    "ms": "wall_s",
    "tail ms": "tail_s",
}
"""What the tables show."""
PER_REQUEST = ("cpu_s", "cold_cpu_s")


@dataclass(frozen=True)
class Way:
    """One way to read a stream: a file of `stream_ways/`."""

    name: str
    module: str
    peer: str = ""
    left_out: tuple[str, ...] = ()


WAYS = (
    Way("legacy", "legacy"),
    Way("extracted", "extracted"),
    Way("openai client", "openai_client"),
    Way("raw httpx", "raw_httpx"),
)


def named(pieces: int, streams: int) -> str:
    return f"{pieces:,} x {streams}"


def measures(*, is_quick: bool) -> dict[str, dict[str, object]]:
    """Return what is measured: how many pieces, how many streams at once, and how many times for one figure."""
    grid = {
        named(pieces, streams): {
            "pieces": pieces,
            "at_once": streams,
            "times": max(2, min(20, 1000 // (pieces * streams))),
        }
        for pieces in PIECES
        for streams in STREAMS
        if pieces * streams <= (4_000 if is_quick else 1_000_000)
    }
    return grid | {PACED: {"pieces": 50, "at_once": 16, "times": 2, "is_paced": True}}


def measure_all(workers, results, *, server, wanted, rounds):
    for round_number in range(-WARM_UPS, rounds):
        print(f"round {round_number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
        for name, task in wanted.items():
            for way in random.sample(list(workers), len(workers)):
                take(way, name, workers[way], {"server": server, **task}, round_number=round_number, results=results)


class Figures:
    """What is derived from the measurements: lists with one figure a round."""

    def __init__(self, results):
        self._taken = results.taken

    def of(self, way, measure, field):
        """Return one figure of every round, by its number."""
        return {number: took[field] for number, took in self._taken.get(way, {}).get(measure, {}).items()}

    def piece_us(self, way):
        """Return CPU µs a piece: what the longest of the answers takes more than the shortest."""
        short, long = self.of(way, named(10, 1), "cpu_s"), self.of(way, named(2000, 1), "cpu_s")
        return {number: (long[number] - short[number]) * 1e6 / 1990 for number in long if number in short}

    def ratio(self, measure, field):
        """Return ours over litellm's, round by round."""
        return ratios(self.of("extracted", measure, field), self.of("legacy", measure, field))

    def shown(self, way, measure, field, *, scale=1000.0):
        return shown(median([figure * scale for figure in self.of(way, measure, field).values()]))


def ratios(ours, theirs):
    return [ours[number] / theirs[number] for number in ours if number in theirs]


def goals(figures):
    """Return the goals with what was measured for them, each a ratio of ours to litellm's Router."""
    burst = ratios(figures.piece_us("extracted"), figures.piece_us("legacy"))
    return [
        Goal("CPU a piece, in a burst", 0.05, burst, "x"),
        Goal("CPU of a request of 200 pieces", 0.20, figures.ratio(named(200, 1), "cpu_s"), "x"),
        Goal("CPU of 16 streams, 50 pieces a second", 0.40, figures.ratio(PACED, "cpu_s"), "x"),
        Goal("time of 16 streams of 200 pieces", 0.10, figures.ratio(named(200, 16), "wall_s"), "x"),
        Goal("TTFT, 16 streams of 200 pieces", 0.25, figures.ratio(named(200, 16), "ttft_s"), "x"),
        Goal("TTFT, one stream, as CPU", 1.03, figures.ratio(named(200, 1), "ttft_cpu_s"), "x"),
        Goal("last text to the end, 2,000 pieces", 0.1, figures.ratio(named(2000, 1), "tail_s"), "x"),
    ]


def report(results, wanted):
    """Return everything that is printed."""
    figures, ways = Figures(results), [way.name for way in WAYS]
    pieces = ["CPU µs a piece", *(shown(median(list(figures.piece_us(way).values()))) for way in ways)]
    tables = [table(["in a burst", *ways], [pieces])]
    for title, field in COLUMNS.items():
        rows = []
        for measure, task in wanted.items():
            scale = 1000 / task["at_once"] if field in PER_REQUEST else 1000
            rows.append([measure, *(figures.shown(way, measure, field, scale=scale) for way in ways)])
        tables.append(table([f"{title}, pieces x streams", *ways], rows))
    missing = [f"not measured: {what}: {reason}" for what, reason in results.missing.items()]
    return "\n\n".join([*tables, goals_table(goals(figures)), "\n".join(missing)]).strip()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="10, or 3 where it is to be quick")
    parser.add_argument("--quick", action="store_true", help="three rounds, nothing over 4,000 pieces at once")
    parser.add_argument("--json", type=Path, help="a file for every figure of every round")
    return parser.parse_args()


def main():
    chosen, results = arguments(), Results()
    wanted, load = measures(is_quick=chosen.quick), os.getloadavg()[0]
    with serving() as server, tempfile.TemporaryDirectory() as folder:
        running = {way: start(way, results, Path(folder), script=SCRIPT) for way in WAYS}
        workers = {way: worker for way, worker in running.items() if worker is not None}
        rounds = chosen.rounds or (3 if chosen.quick else 10)
        measure_all(workers, results, server=server, wanted=wanted, rounds=rounds)
        for worker in workers.values():
            worker.close()
    if chosen.json:
        chosen.json.write_text(json.dumps(asdict(results), indent=1))
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start\n")
    print(report(results, wanted))


if __name__ == "__main__":
    main()
