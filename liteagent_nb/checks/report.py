"""What checks found, as lines of a table and as JSON."""

from __future__ import annotations

import json
import platform
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liteagent_nb.checks.check import Finding

__all__ = ["failures", "json_report", "lines_of", "summary"]


def lines_of(finding: Finding) -> list[str]:
    """Return a finding as lines: what was seen and, where something is wrong or missing, the remedy."""
    said = " ".join(finding.said.split())
    lines = [f"{finding.status:<5} {finding.check:<17} {finding.seconds:>6.1f} s  {said}"]
    arrow = " " * 33 + "-> "
    return [*lines, arrow + finding.remedy] if finding.remedy else lines


def summary(findings: Iterable[Finding]) -> str:
    """Return how many passed, failed and were skipped."""
    counts = Counter(finding.status for finding in findings)
    return f"{counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped"


def failures(findings: Iterable[Finding]) -> int:
    """Return how many failed."""
    return sum(finding.status == "fail" for finding in findings)


def json_report(findings: Sequence[Finding]) -> str:
    """Return all that was found, for programs and for bug reports; no secret is in it."""
    report = {
        "ts": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": metadata.version("liteagent_nb"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "ok": failures(findings) == 0,
        "failures": failures(findings),
        "checks": [asdict(finding) for finding in findings],
    }
    return json.dumps(report, indent=1)
