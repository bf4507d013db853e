"""What it costs to bring photos under a number of kilobytes, and what is left of them: ours and the usual ways, in one run.

    python tests/benchmarks/images.py [--quick] [--kb 64] [--rounds 3] [--json FILE]

Photos of 0.1 to 18 megapixels and a plot, made here from fixed seeds (`photos.py`), nothing is fetched. *naive* tries
quality 95, 90, … at full size, then makes the side a tenth smaller and begins anew; *binary* halves the range of qualities
(`image_ways.py`). Each round takes every way of every photo, in random order; the table shows medians.

How to read it: CPU seconds of this process, ours by naive's of the same round. SSIM is that of the brightness at a long
side of 1024 pixels, about what a model is shown; a photo whose file is small enough already is as it was (1.0).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path

from image_ways import WAYS, ssim
from photos import as_jpeg, photo, plot
from tables import Goal, goals_table, median, shown, table

PHOTOS = (0.1, 0.2, 0.3, 0.5, 0.8, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 18)
QUICK = (0.3, 0.8, 1.5, 3, 12)
SMOOTHNESS = (0.2, 0.5, 0.8, 0.0, 1.0)
LARGE = 12
PLOT = "plot"
NAIVE, OURS = "naive", "ours"


def pictures(sizes):
    """Return the files, by megapixels; the plot goes by its name."""
    files = {size: as_jpeg(photo(size, seed=n, smoothness=SMOOTHNESS[n % 5])) for n, size in enumerate(sizes)}
    return {**files, PLOT: plot()}


def measure(files, max_bytes, rounds):
    """Return CPU seconds by way and file, one a round, and what came out, which is the same each time."""
    took = {name: {file: [] for file in files} for name in WAYS}
    made = {}
    for number in range(rounds):
        for file, data in files.items():
            print(f"round {number + 1} of {rounds}: {file}      ", end="\r", file=sys.stderr, flush=True)
            for name in random.sample(list(WAYS), len(WAYS)):
                started = time.process_time()
                made[name, file] = WAYS[name](data, max_bytes)
                took[name][file].append(time.process_time() - started)
    return took, made


def ratios(took, name, files):
    return [ours / naive for file in files for ours, naive in zip(took[name][file], took[NAIVE][file], strict=True)]


def row(name, took, made, likeness, photos):
    times = [median(took[name][file]) * 1000 for file in photos]
    return [
        name,
        shown(median(times), 0),
        shown(max(times), 0),
        shown(median(ratios(took, name, photos)), 3),
        shown(median(ratios(took, name, [file for file in photos if file >= LARGE])), 3),
        shown(median([float(made[name, file].encodes) for file in photos]), 0),
        str(max(made[name, file].encodes for file in photos)),
        shown(median([likeness[name, file] for file in photos]), 4),
        shown(likeness[name, PLOT], 4),
    ]


def report(files, took, made, max_bytes):
    photos = [file for file in files if file != PLOT]
    likeness = {(name, file): ssim(files[file], made[name, file].data) for name, file in made}
    head = "way|CPU ms|max|times naive|12 MP and more|encodes|max|SSIM|SSIM, plot".split("|")
    better = {file: likeness[OURS, file] - likeness[NAIVE, file] for file in photos}
    bound = [file for file in photos if len(files[file]) > max_bytes]
    used = [len(made[OURS, file].data) / max_bytes for file in bound]
    goals = [
        Goal("CPU by naive", 0.4, ratios(took, OURS, photos)),
        Goal("CPU by naive, 12 MP and more", 0.1, ratios(took, OURS, [file for file in photos if file >= LARGE])),
        Goal("encodes, the most", 4, [float(max(made[OURS, file].encodes for file in photos))]),
        Goal("SSIM over naive, x 1000", 3, [value * 1000 for value in better.values()], is_least=True),
        Goal("SSIM over naive, the worst, x 1000", -2, [min(better.values()) * 1000], is_least=True),
        Goal("share of the bytes used, the least", 0.9, [min(used)], is_least=True),
        Goal("share of the bytes used, the most", 1.0, [max(len(one.data) for one in made.values()) / max_bytes]),
        Goal("SSIM of the plot", 0.999, [likeness[OURS, PLOT]], is_least=True),
    ]
    each = [
        [f"{file} MP", *(shown(likeness[name, file], 4) for name in WAYS), shown(median(ratios(took, OURS, [file])), 3)]
        for file in photos
    ]
    return "\n\n".join(
        [
            table(head, [row(name, took, made, likeness, photos) for name in WAYS]),
            table(["SSIM of each photo", *WAYS, "ours, times naive"], each),
            goals_table(goals),
        ]
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="five photos, one round")
    parser.add_argument("--kb", type=float, default=64, help="the number of kilobytes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="a file for every figure")
    return parser.parse_args()


def main():
    chosen = arguments()
    max_bytes, load = int(chosen.kb * 1024), os.getloadavg()[0]
    files = pictures(QUICK if chosen.quick else PHOTOS)
    WAYS[OURS](files[PLOT], max_bytes)  # decoders load with the first picture
    took, made = measure(files, max_bytes, 1 if chosen.quick else chosen.rounds)
    if chosen.json:
        chosen.json.write_text(json.dumps(took, indent=1))
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start, {os.getloadavg()[0]:.1f} at the end\n")
    print(report(files, took, made, max_bytes))


if __name__ == "__main__":
    main()
