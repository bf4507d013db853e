"""A trial as a line of the journal, and back. The baseline stands under `legacy`, the candidate under `extracted`.

Those are the seed's names for the first two arms there were; `arms` has the names of these.
"""

from __future__ import annotations

import functools
import json
import platform
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NoReturn

from liteagent_nb.core.judging import LIVE_THRESH_PCT, THRESH_PCT, Terms
from liteagent_nb.core.measurement import ROLES, Measurement, Trial
from liteagent_nb.core.seed_rule import seed_row_passes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Row", "read_row", "row_of"]

_KEYS = {"baseline": "legacy", "candidate": "extracted", "control": "control"}
_TEXTS = frozenset({"text_sha256", "error", "finish_reason"})
_COUNTS = frozenset({"chunks", "chars"})
_FIGURES = tuple(one.name for one in fields(Measurement) if one.name != "text")
_PARTS = ("liteagent_nb", "litellm")


@dataclass(frozen=True, slots=True)
class Row:
    """A trial with the terms it was measured under."""

    trial: Trial
    terms: Terms


def row_of(trial: Trial, terms: Terms, *, model: str) -> dict[str, object]:
    """Return a line of the journal: figures, fingerprints and the difference, no prompt and no whole text."""
    return {
        "ts": trial.ts,
        "run_id": terms.run_id,
        "round": trial.round,
        "order": list(trial.order),
        "arms": [terms.baseline, terms.candidate],
        "model": model,
        "prompt_id": trial.prompt_id,
        "stream": True,
        **{_KEYS[role]: _figures(getattr(trial, role)) for role in ROLES},
        "same_text": trial.same_text,
        "difference": trial.difference or None,
        "ttft_delta_pct": _rounded(trial.ttft_delta_pct),
        "total_delta_pct": _rounded(trial.total_delta_pct),
        "thresh_pct": terms.thresh_pct,
        "live_thresh_pct": terms.live_thresh_pct,
        "exact": terms.is_exact,
        "timed": terms.is_timed,
        "live": terms.is_live,
        "pass": seed_row_passes(trial, thresh_pct=terms.thresh_pct),
        "versions": _versions(),
    }


def _figures(measured: Measurement | None) -> dict[str, object] | None:
    return None if measured is None else {name: getattr(measured, name) or None for name in _FIGURES}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


@functools.cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: found for name in _PARTS if (found := _version(name))}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a folder that nobody installed
        return ""


def read_row(line: str) -> Row:
    """Read a line of the journal, the seed's too, which has no control. Raises `ValueError` for any other."""
    row = json.loads(line, parse_constant=_refuse)
    if not isinstance(row, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - all that is wrong with a line is one error
    arms = row.get("arms") or ["legacy", "extracted"]
    trial = Trial(
        round=int(row.get("round") or 0),
        prompt_id=str(row.get("prompt_id") or ""),
        order=tuple(role for role in row.get("order") or () if role in ROLES),
        baseline=_measured(row, "legacy"),
        candidate=_measured(row, "extracted"),
        control=_measured(row, "control") if row.get("control") else None,
        ts=str(row.get("ts") or ""),
        difference=str(row.get("difference") or ""),
    )
    terms = Terms(
        str(arms[0]),
        str(arms[1]),
        _margin(row, "thresh_pct", THRESH_PCT),
        _margin(row, "live_thresh_pct", LIVE_THRESH_PCT),
        is_exact=bool(row.get("exact")),
        is_timed=bool(row.get("timed", True)),
        is_live=bool(row.get("live")),
        run_id=str(row.get("run_id") or ""),
    )
    return Row(trial, terms)


def _margin(row: Mapping[str, Any], name: str, default: float) -> float:
    margin = float(row.get(name) or default)
    if not 0 < margin < float("inf"):
        raise ValueError(f"{name} is {margin:g}")
    return margin


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no figure")


def _measured(row: Mapping[str, Any], key: str) -> Measurement:
    found = row.get(key)
    if not isinstance(found, dict):
        raise ValueError(f"it has no {key}")  # noqa: TRY004 - the same
    measured = Measurement(**{name: _read(name, found[name]) for name in _FIGURES if found.get(name) is not None})
    if not measured.error and (not measured.text_sha256 or measured.total_ms is None):
        raise ValueError(f"{key} has neither an answer nor an error")
    return measured


def _read(name: str, value: object) -> Any:
    if name in _TEXTS:
        return str(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}")  # noqa: TRY004 - the same
    return int(value) if name in _COUNTS else float(value)
