"""`jupyter liteagent check`: what works here, and the remedy for what does not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.cli.saying import say

if TYPE_CHECKING:
    import argparse

    from liteagent_nb.cli.saying import Commands

__all__ = ["add"]

_MOST = 100
"""The highest exit code: beyond 125 shells have meanings of their own."""


def add(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("check", help="say what works here, and the remedy for what does not")
    command.add_argument("--only", action="append", default=[], metavar="NAME", help="this check; may be repeated")
    command.add_argument("--all", action="store_true", help="the long ones, too: everything at once, end to end")
    command.add_argument("--strict", action="store_true", help="what is skipped counts as failed")
    command.add_argument("--json", type=Path, metavar="FILE", help="write a report there")
    command.add_argument("--list", action="store_true", help="name the checks and ask nothing")
    command.set_defaults(run=_run)


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.checks.catalogue import chosen as chosen_checks  # noqa: PLC0415 - the other commands do without
    from liteagent_nb.checks.check import Bench  # noqa: PLC0415
    from liteagent_nb.checks.report import failures, json_report, lines_of, summary  # noqa: PLC0415

    checks = chosen_checks(chosen.only, is_thorough=chosen.all or chosen.list)
    if chosen.list:
        say("\n".join(f"{check.name:<22} {check.title}" for check in checks))
        return 0
    findings = []
    with Bench() as bench, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of packages that warn of each other: no finding, and nothing to mend
        for check in checks:
            findings.append(check.run(bench, is_strict=chosen.strict))
            say("\n".join(lines_of(findings[-1])))
    say(summary(findings))
    if chosen.json:
        chosen.json.write_text(json_report(findings), encoding="utf-8")
    return min(failures(findings), _MOST)
