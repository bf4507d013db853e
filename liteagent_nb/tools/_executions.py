"""From what code brought back to what the model is told of it, and what people are shown beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.text import without_colours
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._drawing import told_picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from liteagent_nb.core.execution import ExecResult, Output

__all__ = ["observed_execution"]


def observed_execution(result: ExecResult, language: str) -> Observation:
    """Return what *result* is to an agent: its text for the model; pictures and tables for people."""
    outputs = tuple(output for output in result.outputs if _is_rich(output))
    said = _said(result)
    return Observation(
        ok=result.ok,
        rc=result.rc,
        result=said if outputs else None,
        stdout=result.stdout if outputs else said,  # what is drawn need not stand beside it as text
        stderr=result.stderr + _traceback(result.exception),
        error=result.error,
        t_ms=result.t_ms,
        language=language,
        outputs=outputs,
    )


def _said(result: ExecResult) -> str:
    """Return what was printed, or the value of the last line; small models forget `print`."""
    shown = "".join(_named(output) for output in result.outputs)
    value = f"{result.result}\n" if result.result and not result.stdout.strip() else ""
    return result.stdout + shown + value


def _named(output: Output) -> str:
    """Return what a model is told of a display that is not the value of the last line."""
    if output["output_type"] != "display_data":
        return ""
    pictures = [kind for kind in _data_of(output) if kind.startswith("image/")]
    if pictures:
        return told_picture(pictures[0])
    return f"{_data_of(output).get('text/plain', '')}\n"


def _is_rich(output: Output) -> bool:
    return any(kind.startswith("image/") or kind == "text/html" for kind in _data_of(output))


def _data_of(output: Output) -> Mapping[str, Any]:
    data = output.get("data")
    return data if isinstance(data, dict) else {}


def _traceback(exception: Mapping[str, object] | None) -> str:
    return "\n".join(_lines(exception)) if exception is not None else ""


def _lines(exception: Mapping[str, object]) -> Iterator[str]:
    traceback = exception.get("traceback")
    for line in traceback if isinstance(traceback, list | tuple) else ():
        yield without_colours(str(line))
