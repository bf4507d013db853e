"""`jupyter liteagent parity run|summarize`: whether one arm may take another's place, with an exit code for CI."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.cli.saying import say
from liteagent_nb.core.errors import LiteAgentError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from liteagent_nb.cli.saying import Commands
    from liteagent_nb.core.parity import RulingStatus
    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.parity.events import ParityEvent
    from liteagent_nb.parity.junit import Case

__all__ = ["EXIT_CODES", "add"]

EXIT_CODES: dict[RulingStatus, int] = {"accepted": 0, "rejected": 1, "undecided": 2, "invalid": 2}
_LOCAL_ROUNDS = 50
"""Three recordings each: what takes no more than 150 trials is answered. A clear answer ends it sooner."""


def add(commands: Commands) -> None:
    """Add the command."""
    parity = commands.add_parser("parity", help="compare two models, cores, cassettes or functions: 0 accepted, "
                                                "1 rejected, 2 neither")  # fmt: skip
    actions = parity.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(actions.add_parser("run", help="measure both, in pairs"))
    _add_summarize(actions.add_parser("summarize", help="judge what earlier runs have kept"))


def _add_run(command: argparse.ArgumentParser) -> None:
    what = "a model, legacy or extracted, NAME.cassette.json, or file.py:function"
    command.add_argument("baseline", nargs="?", default="legacy", metavar="A", help=f"{what} (%(default)s)")
    command.add_argument("candidate", nargs="?", default="extracted", metavar="B", help="the same (%(default)s)")
    command.add_argument("--local", action="store_true", help="two cores on a local server: no key, no network")
    command.add_argument("--rounds", type=int, metavar="N", help="of all prompts (PARITY_ROUNDS, 5)")
    command.add_argument("--prompt", action="append", default=[], metavar="TEXT", help="what is asked; may be repeated")
    command.add_argument("--model", help="which model a core asks (LITELLM_DEFAULT_MODEL)")
    command.add_argument("--temperature", type=float, metavar="T", help="models are asked with it")
    command.add_argument("--live-thresh", type=float, default=50.0, metavar="PCT", help="of live answers (%(default)g)")
    command.add_argument("--warmup", type=int, default=1, metavar="N", help="rounds not counted (%(default)s)")
    command.add_argument("--seed", type=int, metavar="N", help="draws the same order again")
    command.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="for one answer (%(default)g)")
    command.add_argument("--out", default="", metavar="FILE", help="the journal, which is appended to (PARITY_OUT)")
    _add_report(command)
    command.set_defaults(run=_guarded(_run))


def _add_summarize(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="journals")
    command.add_argument("--rule", choices=("paired", "seed"), default="paired", help="whose acceptance counts")
    _add_report(command)
    command.set_defaults(run=_guarded(_summarize))


def _add_report(command: argparse.ArgumentParser) -> None:
    command.add_argument("--thresh", type=float, metavar="PCT", help="how much slower is acceptable (3)")
    command.add_argument("--junit", type=Path, metavar="FILE", help="write a report for CI")
    command.add_argument("--json", action="store_true", help="print JSON")


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Return *run*, with 2 for what cannot be carried out: 1 would say that the candidate was found to be slower."""

    def code(chosen: argparse.Namespace) -> int:
        try:
            return run(chosen)
        except LiteAgentError as error:
            sys.stderr.write("\n".join([*error._render_traceback_(), ""]))
            return 2

    return code


def _run(chosen: argparse.Namespace) -> int:
    from liteagent_nb.core.portal import shared_portal  # noqa: PLC0415 - the other commands do without
    from liteagent_nb.parity.events import ParityDone  # noqa: PLC0415
    from liteagent_nb.parity.telling import verdict_json, verdict_text  # noqa: PLC0415

    verdicts: list[Verdict] = []

    def watch(event: ParityEvent) -> None:
        if isinstance(event, ParityDone):
            verdicts.append(event.verdict)
        elif not chosen.json:
            _tell(event)

    try:
        shared_portal().wait_for(_compared(chosen, watch))
    except KeyboardInterrupt:
        if not verdicts:
            raise
    verdict = verdicts[0]
    say(json.dumps(verdict_json(verdict)) if chosen.json else verdict_text(verdict))
    cases: list[Case] = [(one.question, one.status, one.reason) for one in verdict.findings]
    _report(chosen, f"{verdict.baseline}, {verdict.candidate}", cases)
    return EXIT_CODES["undecided" if verdict.is_stopped and verdict.accepted else verdict.status]


async def _compared(chosen: argparse.Namespace, watch: Callable[[ParityEvent], None]) -> Verdict:
    from liteagent_nb import environment  # noqa: PLC0415 - the same
    from liteagent_nb.parity.making_arms import as_arm  # noqa: PLC0415
    from liteagent_nb.parity.replaying import replaying  # noqa: PLC0415
    from liteagent_nb.parity.runner import run_parity  # noqa: PLC0415

    more = {
        "prompts": chosen.prompt,
        "thresh_pct": chosen.thresh,
        "live_thresh_pct": chosen.live_thresh,
        "warmup": chosen.warmup,
        "seed": chosen.seed,
        "timeout_s": chosen.timeout,
        "journal": chosen.out,
        "watch": watch,
    }
    if not chosen.local:
        settings = {} if chosen.temperature is None else {"temperature": chosen.temperature}
        arms = [as_arm(name, model=chosen.model, settings=settings) for name in (chosen.baseline, chosen.candidate)]
        return await run_parity(*arms, rounds=chosen.rounds, **more)
    rounds = chosen.rounds if chosen.rounds is not None or environment.text("PARITY_ROUNDS") else _LOCAL_ROUNDS
    async with replaying() as server:
        return await run_parity(server.core(chosen.baseline), server.core(chosen.candidate), rounds=rounds, **more)


def _tell(event: ParityEvent) -> None:
    """Say where it stands, at each look."""
    from liteagent_nb.parity.events import Looked, ParityStarted  # noqa: PLC0415 - the same

    if isinstance(event, ParityStarted):
        sys.stderr.write(
            f"{event.terms.candidate} against {event.terms.baseline}: {event.planned} trials at the most\n"
        )
    elif isinstance(event, Looked):
        sys.stderr.write(f"  after {event.number}: {event.verdict.status}\n")


def _summarize(chosen: argparse.Namespace) -> int:
    from liteagent_nb.parity.summary import summarize  # noqa: PLC0415 - the other commands do without
    from liteagent_nb.parity.telling import summary_text  # noqa: PLC0415

    summary = summarize(chosen.files, thresh_pct=chosen.thresh, rule=chosen.rule)
    say(json.dumps(summary.to_json()) if chosen.json else summary_text(summary))
    reasons = "; ".join(summary.reasons) or "as agreed"
    _report(chosen, f"{summary.verdict.baseline}, {summary.verdict.candidate}", [("summary", summary.status, reasons)])
    return EXIT_CODES[summary.status]


def _report(chosen: argparse.Namespace, name: str, cases: list[Case]) -> None:
    from liteagent_nb.parity.junit import write_junit  # noqa: PLC0415 - the same

    if chosen.junit is not None:
        write_junit(chosen.junit, name, cases)
