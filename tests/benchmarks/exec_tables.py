"""The tables of `exec_roundtrip.py`: every way beside the bare protocol, and our goals beside what was measured."""

from __future__ import annotations

from tables import Goal, goals_table, median, shown, table

BARE = "bare protocol"
BARE_OURS = "bare protocol, our kernel"
NEAR = "liteagent_nb in process"
SERVICE = "liteagent_nb over HTTP"
CONSTANT = "starlette, constant answer"
JUPYTER = "jupyter_server, JSON"
CROWDS = ("1 client", "8 clients", "32 clients")
HEAD = [
    "way",
    "round trip, ms",
    "times bare",
    "back to back, ms",
    "times bare",
    "start, ms",
    "times bare",
    "numpy+pandas, ms",
]
HEAD += ["first byte, ms", *(f"calls/s, {crowd}" for crowd in CROWDS)]
CAP_MB = 1.0
"""How much of stdout an execution keeps."""


class Figures:
    """What is derived from the measurements of a run, each a list with one figure a round."""

    def __init__(self, results):
        self._taken = results.taken

    def by_round(self, name, measure, figure="ms"):
        return {number: took[figure] for number, took in self._taken.get(name, {}).get(measure, {}).items()}

    def values(self, name, measure, figure="ms"):
        return list(self.by_round(name, measure, figure).values())

    def ratio(self, name, other, measure, figure="ms", *, other_measure=""):
        """Return ours by theirs in the rounds that both have."""
        ours, theirs = self.by_round(name, measure, figure), self.by_round(other, other_measure or measure, figure)
        return [ours[number] / theirs[number] for number in ours if number in theirs]

    def service_over_constant(self):
        """Return what the service adds to the protocol, in constant answers."""
        service, bare = self.by_round(SERVICE, "round trip"), self.by_round(BARE_OURS, "round trip")
        constant = self.by_round(CONSTANT, "round trip")
        return [(service[n] - bare[n]) / constant[n] for n in service if n in bare and n in constant]

    def row(self, name):
        """Return the medians of a way as cells."""
        cells = []
        for measure in ("round trip", "back to back", "start"):
            digits = 0 if measure == "start" else 2
            cells += [
                shown(median(self.values(name, measure)), digits),
                shown(median(self.ratio(name, BARE, measure)), 3),
            ]
        cells += [shown(median(self.values(name, measure)), 0) for measure in ("first cell", "first byte")]
        return cells + [shown(median(self.values(name, crowd, "per_s")), 0) for crowd in CROWDS]


def goals(figures):
    """Return the goals with what was measured for them."""
    ratio = figures.ratio
    return [
        Goal("POST /exec round trip", 1.10, ratio(SERVICE, BARE, "round trip"), "times bare, default kernel"),
        Goal("POST /exec round trip", 1.35, ratio(SERVICE, BARE_OURS, "round trip"), "times bare, our kernel"),
        Goal("back to back", 0.35, [], "times e2b"),
        Goal("back to back", 0.35, ratio(SERVICE, JUPYTER, "back to back"), "times jupyter_server"),
        Goal("service over the protocol", 1.5, figures.service_over_constant(), "times constant answer"),
        Goal("new context from the pool", 0.05, ratio(NEAR, BARE, "start"), "times stock start"),
        Goal("new context by forkserver", 0.25, ratio("… without the pool", BARE, "start"), "times stock start"),
        Goal("new context, nothing running", 0.8, ratio("… nothing running", BARE, "start"), "times stock start"),
        Goal("first cell, preloaded", 0.25, ratio("… numpy, pandas preloaded", BARE, "first cell"), "times stock"),
        Goal("two kernels", 1.7, _two_by_one(figures), "times one", is_least=True),
        Goal("32 clients", 0.85, ratio(SERVICE, SERVICE, "32 clients", "per_s", other_measure="8 clients"),
             "times the calls of 8", is_least=True),
        Goal("first byte of a print", 50, figures.values(SERVICE, "first byte"), "ms"),
        Goal("isolated call", 1.1, ratio("… isolated", NEAR, "round trip"), "times"),
        Goal("isolated start", 1.25, ratio("… isolated", "… nothing running", "start"), "times"),
        *_fault_goals(figures),
    ]  # fmt: skip


def _two_by_one(figures):
    return figures.ratio(SERVICE, SERVICE, "two kernels", "per_s", other_measure="one kernel")


def _fault_goals(figures):
    values = figures.values
    return [
        Goal("time limit: answered", 500, values(SERVICE, "limit", "late_ms"), "ms after it"),
        Goal("time limit: usable again", 100, values(SERVICE, "limit", "again_ms"), "ms later"),
        Goal("uninterruptible: answered", 2500, values(SERVICE, "deaf", "late_ms"), "ms after its limit"),
        Goal("kernel killed: answered", 300, values(SERVICE, "death"), "ms"),
        Goal("kernel killed: usable again", 100, values(SERVICE, "death", "again_ms"), "ms later"),
        Goal("/health p95, 32 clients, one stuck", 5, values(SERVICE, "health", "p95_ms"), "ms"),
        Goal("… of starlette with a constant answer", 5, values(CONSTANT, "health", "p95_ms"), "ms, asked as much"),
        Goal("… of an idle one meanwhile", 5, values(SERVICE, "health", "idle_p95_ms"), "ms"),
        Goal("100 MB printed: server's peak", 3 * CAP_MB, values(SERVICE, "100 MB", "peak_mb"), "MB more"),
        Goal("100,000 flushed lines", 0, values(SERVICE, "100,000 lines", "lost"), "lost"),
        Goal("10,000 executions: kernel", 5, values(SERVICE, "long", "kernel_mb"), "MB more"),
        Goal("10,000 executions: server", 5, values(SERVICE, "long", "server_mb"), "MB more"),
        Goal("10,000 executions: last tenth", 1.15, values(SERVICE, "long", "last_tenth"), "times the first"),
    ]


def report(ways, results):
    """Return everything that is printed."""
    figures = Figures(results)
    named = [(way.name, f"{way.name} {results.versions.get(way.name, '')}".strip()) for way in ways]
    rows = [[shown_as, *figures.row(name)] for name, shown_as in named if name in results.taken]
    missing = [f"not measured: {what}: {reason}" for what, reason in results.missing.items()]
    return "\n\n".join([table(HEAD, rows), goals_table(goals(figures)), "\n".join(missing)]).strip()
