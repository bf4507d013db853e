"""The tables of `agent_overhead.py`: every way beside bare httpx, and our goals beside what was measured."""

from __future__ import annotations

from collections import defaultdict

from tables import Goal, goals_table, median, shown, table

STEPS = 21
"""Replies of the conversation of twenty tool turns."""
PIECES = 1800
"""How many pieces the long answer has more than the short one."""
CROWD = 64
HEAD = [
    "way",
    "CPU ms a step over bare",
    "times bare",
    "µs a piece over bare",
    f"runs/s, {CROWD} at once",
    "runs/CPU s",
    "8 tools, ms",
    "import CPU s",
    "import MB over Python",
]


class Figures:
    """What is derived from the measurements of a run, each a list with one figure a round."""

    def __init__(self, results, *, yardsticks):
        self._taken = results.taken
        self._loading = results.loading
        self._yardsticks = defaultdict(lambda: "bare httpx", yardsticks)

    def _cpu(self, name, measure):
        return {number: took["cpu_s"] for number, took in self._taken.get(name, {}).get(measure, {}).items()}

    def _paired(self, name, other, measure):
        """Return the CPU of both in the rounds that both have."""
        ours, theirs = self._cpu(name, measure), self._cpu(other, measure)
        return [(ours[number], theirs[number]) for number in ours if number in theirs]

    def step_ms(self, name):
        return [cpu * 1000 / STEPS for cpu in self._cpu(name, "steps").values()]

    def step_ms_over(self, name, other):
        return [(ours - theirs) * 1000 / STEPS for ours, theirs in self._paired(name, other, "steps")]

    def step_ms_over_bare(self, name):
        return self.step_ms_over(name, self._yardsticks[name])

    def step_ratio(self, name):
        return [ours / theirs for ours, theirs in self._paired(name, self._yardsticks[name], "steps")]

    def _piece_us(self, name):
        """Return CPU µs a piece: what the longer of two answers takes more."""
        short, long = self._cpu(name, "short answer"), self._cpu(name, "long answer")
        return {number: (long[number] - short[number]) * 1e6 / PIECES for number in long if number in short}

    def piece_us_over_bare(self, name):
        ours, bare = self._piece_us(name), self._piece_us(self._yardsticks[name])
        return [ours[number] - bare[number] for number in ours if number in bare]

    def runs_per_s(self, name, *, of="wall_s"):
        return [CROWD / took[of] for took in self._taken.get(name, {}).get("crowd", {}).values()]

    def eight_tools_ms(self, name):
        return [took["wall_s"] * 1000 for took in self._taken.get(name, {}).get("eight tools", {}).values()]

    def loading(self, name, figure):
        return [told[figure] for told in self._loading.get(name, [])]

    def row(self, name):
        """Return the medians of a way as cells."""
        return [
            shown(median(self.step_ms_over_bare(name))),
            shown(median(self.step_ratio(name))),
            shown(median(self.piece_us_over_bare(name)), 0),
            shown(median(self.runs_per_s(name)), 0),
            shown(median(self.runs_per_s(name, of="cpu_s")), 0),
            shown(median(self.eight_tools_ms(name)), 0),
            shown(median(self.loading(name, "import_cpu_s"))),
            shown(median(self.loading(name, "import_mb")), 0),
        ]


def goals(figures):
    """Return the goals with what was measured for them."""
    ours = "liteagent_nb"
    return [
        Goal("a step beside bare httpx", 1.5, figures.step_ratio(ours), "times its CPU"),
        Goal("a streamed piece over bare httpx", 20, figures.piece_us_over_bare(ours), "CPU µs"),
        Goal("64 agents of 5 steps at once", 200, figures.runs_per_s(ours), "runs/s", is_least=True),
        Goal("eight tools of 100 ms in one turn", 125, figures.eight_tools_ms(ours), "ms"),
    ]


def report(ways, results):
    """Return everything that is printed."""
    yardsticks = {way.name: "bare httpx, sync" if way.is_sync else "bare httpx" for way in ways}
    figures = Figures(results, yardsticks=yardsticks)
    named = [(way.name, f"{way.name} {results.versions.get(way.name, '')}".strip()) for way in ways]
    rows = [[shown_as, *figures.row(name)] for name, shown_as in named if name in results.taken]
    bare = [f"{name}: {median(figures.step_ms(name)):.2f} CPU ms a step" for name in dict.fromkeys(yardsticks.values())]
    missing = [f"not measured: {what}: {reason}" for what, reason in results.missing.items()]
    return "\n\n".join([table(HEAD, rows), "; ".join(bare), goals_table(goals(figures)), "\n".join(missing)]).strip()
