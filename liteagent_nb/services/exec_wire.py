"""The bodies of the exec service: what a request says, read by hand, and what a result looks like as JSON."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.services.bodies import read_object, read_text, unfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus

__all__ = [
    "CONTEXT_NAME",
    "MAX_TIMEOUT_S",
    "ContextRequest",
    "ExecRequest",
    "as_json",
    "read_context_request",
    "read_exec_request",
]

MAX_TIMEOUT_S = 3600.0
"""The longest time limit that may be asked for."""
CONTEXT_NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}"
"""What a context may be called: it stands in addresses."""

_RESULT_FIELDS = tuple(field.name for field in fields(ExecResult))


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """Code to run."""

    code: str
    language: str
    timeout_s: float
    context: str


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """A context to open."""

    language: str
    name: str


def read_exec_request(body: bytes) -> ExecRequest:
    """Read the body of `POST /exec`. Raises a `Refusal`: 400 for bad JSON, 422 for what is not a request."""
    said = read_object(body, known=("language", "code", "timeout_sec", "context"))
    if "code" not in said:
        raise unfit("`code` is missing")
    return ExecRequest(
        code=read_text(said, "code", ""),
        language=read_text(said, "language", "python"),
        timeout_s=_time_limit(said),
        context=_name(said, "context"),
    )


def read_context_request(body: bytes) -> ContextRequest:
    """Read the body of `POST /contexts`, which may be empty. Raises a `Refusal` as `read_exec_request` does."""
    said = read_object(body or b"{}", known=("language", "name"))
    return ContextRequest(language=read_text(said, "language", "python"), name=_name(said, "name"))


def as_json(value: ExecResult | ContextStatus | LanguageStatus) -> dict[str, object]:
    """Return the fields of *value*; shallow, as outputs may be large."""
    names = _RESULT_FIELDS if isinstance(value, ExecResult) else [field.name for field in fields(value)]
    return {name: getattr(value, name) for name in names}


def _name(said: Mapping[str, object], name: str) -> str:
    value = read_text(said, name, "")
    if value and not re.fullmatch(CONTEXT_NAME, value):
        raise unfit(f"`{name}` must be letters, digits, `_`, `.` and `-`, at most 64")
    return value


def _time_limit(said: Mapping[str, object]) -> float:
    value = said.get("timeout_sec", 10.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_TIMEOUT_S:
        raise unfit(f"`timeout_sec` must be a number of seconds, above 0 and up to {MAX_TIMEOUT_S:g}")
    return float(value)
