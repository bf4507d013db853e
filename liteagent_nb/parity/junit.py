"""A report that CI servers read: one test for each question, which fails where it is rejected or has no answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liteagent_nb.core.parity import RulingStatus

__all__ = ["Case", "write_junit"]

Case = tuple[str, "RulingStatus", str]
"""A question, its answer, and the reason."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(path: Path, name: str, cases: Sequence[Case]) -> None:
    """Write the report of the comparison *name*."""
    failures = sum(status == "rejected" for _, status, _ in cases)
    errors = sum(status in {"undecided", "invalid"} for _, status, _ in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": str(errors)}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {"name": _clean(f"parity: {name}"), **counts})
    for question, status, reason in cases:
        case = ET.SubElement(suite, "testcase", {"classname": _clean(f"parity.{name}"), "name": question})
        if status != "accepted":
            kind = "failure" if status == "rejected" else "error"
            ET.SubElement(case, kind, {"type": status, "message": _clean(reason)}).text = _clean(reason)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    """Return *text* without what XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)
