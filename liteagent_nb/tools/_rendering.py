"""What a tool returned, as it can be told: text as it is, JSON as JSON, anything else as it shows itself."""

from __future__ import annotations

import dataclasses
import json
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.core.text import printed, shorten
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._drawing import drawn, told_picture

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["RESULT_CHARS", "failed", "observed"]

RESULT_CHARS = 20_000
"""How many characters of a result are kept."""

_TRACE_CHARS = 4_000
_OURS = (str(Path(__file__).parent), str(Path(__file__).parent.with_name("core")))


def observed(value: object) -> Observation:
    """Return what a tool returned as an observation; one that it made itself stays as it is, a picture is shown."""
    if isinstance(value, Observation):
        return value
    if picture := drawn(value):
        return Observation(ok=True, result=told_picture("image/png"), outputs=(picture,))
    return Observation(ok=True, result=_told(value))


def _told(value: object) -> object:
    if value is None or type(value) in {bool, int, float}:
        return value
    if isinstance(value, str):
        return shorten(str(value), RESULT_CHARS)
    plain = _plain(value)
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return shorten(printed(value), RESULT_CHARS)
    return plain if len(text) <= RESULT_CHARS else shorten(text, RESULT_CHARS)


def _plain(value: object) -> object:
    """Return records as mappings: they say more so."""
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value


def failed(error: BaseException) -> Observation:
    """Return what a tool raised as an observation, with the end of its traceback from the user's function on."""
    message = printed(error)
    named = f"{type(error).__name__}: {message}" if message else type(error).__name__
    lines = traceback.format_exception(type(error), error, _of_the_user(error.__traceback__))
    trace = "".join(lines)
    return Observation(ok=False, error=shorten(named, _TRACE_CHARS), stderr=shorten(trace, _TRACE_CHARS))


def _of_the_user(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OURS):
        trace = trace.tb_next
    return trace
