"""What the benchmarks share that take every way in turn: results, the ways' processes, one measure at a time."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from peers import EXEC_PEERS, PEERS, NotMeasured, python_of, version_of
from workers import SCRIPT, Worker


@dataclass
class Results:
    """What was measured: per way and measure one entry a round; what was not, with its reason."""

    taken: dict[str, dict[str, dict[int, dict[str, float]]]] = field(default_factory=dict)
    loading: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def start(way, results, environments, *, script=SCRIPT):
    """Return a running worker, or None where there can be none."""
    try:
        peer = (PEERS | EXEC_PEERS)[way.peer] if way.peer else None
        python = python_of(peer, environments) if peer else sys.executable
        if peer and way.name not in results.versions:
            results.versions[way.name] = version_of(python, peer)
        worker = Worker(python, way.module, log=environments / f"{way.module.replace(':', '-')}.log", script=script)
    except NotMeasured as reason:
        results.missing[way.name] = str(reason)
        return None
    results.loading.setdefault(way.name, []).append(worker.told)
    return worker


def take(way, measure, worker, task, *, round_number, results):
    """Have one measure taken; the first failure ends this measure of this way, and is listed."""
    missing = f"{way.name}: {measure}"
    if measure in way.left_out or missing in results.missing:
        return
    try:
        took = worker.ask(**task)
    except (NotMeasured, OSError) as reason:
        results.missing[missing] = str(reason)
        return
    if round_number >= 0:
        results.taken.setdefault(way.name, {}).setdefault(measure, {})[round_number] = took


def chosen_ways(ways, chosen, *, yardsticks):
    """Return the ways to measure; the yardsticks always."""
    wanted = set(chosen.ways.split("|")) if chosen.ways else {way.name for way in ways}
    unknown = wanted - {way.name for way in ways} - {way.module for way in ways}
    if unknown:
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(way.name for way in ways)}")
    named = [way for way in ways if way.name in wanted or way.module in wanted or way.name in yardsticks]
    return [way for way in named if not (chosen.no_peers and way.peer)]
