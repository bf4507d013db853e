"""The tables of `load_time.py`: what every load takes and adds, and our goals beside what was measured."""

from __future__ import annotations

from loads import BARE, BARE_SHELL, OUR_CORE, OUR_EXTENSION, OUR_IMPORT
from tables import Goal, goals_table, median, shown, table


class Figures:
    """Medians, and what a load adds to what it is put on."""

    def __init__(self, taken):
        self._taken = {load.name: figures for load, figures in taken.items()}

    def every(self, name, figure):
        return [figures[figure] for figures in self._taken.get(name, [])]

    def added(self, load_name, on, figure):
        base = self.every(on, figure)
        return [value - median(base) for value in self.every(load_name, figure)] if base else []

    def network(self, name):
        """Return the most attempts of one process."""
        return max((len(figures["network"]) for figures in self._taken.get(name, [])), default=0)

    def row(self, load, *, yardstick):
        added = median(self.added(load.name, load.on, "cpu_s"))
        return [
            shown(median(self.every(load.name, "cpu_s")), 3),
            shown(added, 3),
            shown(added / yardstick if yardstick else None, 1),
            shown(median(self.every(load.name, "wall_s"))),
            shown(median(self.every(load.name, "mb")), 1),
            shown(median(self.added(load.name, load.on, "mb")), 1),
            shown(median(self.every(load.name, "modules")), 0),
            str(self.network(load.name)),
        ]


HEAD = [
    "load",
    "CPU s",
    "CPU s added",
    "times ours",
    "wall s",
    "MB",
    "MB added",
    "modules",
    "network",
]


def goals(figures):
    return [
        Goal(OUR_IMPORT, 0.1, figures.added(OUR_IMPORT, BARE, "cpu_s"), "CPU s added"),
        Goal(OUR_EXTENSION, 0.3, figures.added(OUR_EXTENSION, BARE_SHELL, "cpu_s"), "CPU s added"),
        Goal(
            "idle extension before the first question", 15, figures.added(OUR_EXTENSION, BARE_SHELL, "mb"), "MB added"
        ),
        Goal("network while it loads", 0, [float(figures.network(OUR_EXTENSION))], "attempts"),
    ]


def report(taken, versions, missing):
    """Return everything that is printed."""
    figures = Figures(taken)
    ours = {
        BARE: median(figures.added(OUR_CORE, BARE, "cpu_s")),
        BARE_SHELL: median(figures.added(OUR_EXTENSION, BARE_SHELL, "cpu_s")),
    }
    rows = [
        [
            f"{load.name} {versions[load.name]}".strip(),
            *figures.row(load, yardstick=ours[BARE_SHELL if load.on.startswith(BARE_SHELL) else BARE]),
        ]
        for load in taken
    ]
    reasons = "\n".join(f"not measured: {name}: {reason}" for name, reason in missing.items())
    return "\n\n".join([table(HEAD, rows), goals_table(goals(figures)), reasons]).strip()
