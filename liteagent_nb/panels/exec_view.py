"""ExecResult as a reader wants it, and the one of an execution that was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from liteagent_nb.core.execution import ExecResult
from liteagent_nb.panels.lists import rows_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liteagent_nb.core.execution import Output

__all__ = ["partial_result", "result_bundle"]

_KEPT = {"stream", "display_data", "execute_result", "error"}
_INTERRUPTED = 130


def result_bundle(result: ExecResult) -> dict[str, str]:
    """Return an ExecResult as rows: how it ended, what it gave, what it printed and showed."""
    return rows_bundle("ExecResult", list(_rows(result)))


def _rows(result: ExecResult) -> Iterator[tuple[str, str]]:
    context = f" · context {result.context}" if result.context else ""
    yield "status", f"{result.status}, exit code {result.rc}{context}"
    for name in ("error", "result", "stdout", "stderr"):
        if text := str(getattr(result, name) or "").rstrip():
            yield name, text
    if shown := [_kind(output) for output in result.outputs if output.get("output_type") == "display_data"]:
        yield "outputs", ", ".join(shown)


def _kind(output: Output) -> str:
    kinds = output.get("data")
    return next((kind for kind in kinds if kind != "text/plain"), "text/plain") if isinstance(kinds, Mapping) else "?"


def partial_result(seen: Sequence[Output], *, context: str) -> ExecResult:
    """Return what is known of an execution that was stopped while it ran, from what it had shown."""
    return ExecResult(
        ok=False,
        rc=_INTERRUPTED,
        stdout=_text(seen, "stdout"),
        stderr=_text(seen, "stderr"),
        error="interrupted",
        status="interrupted",
        outputs=tuple(output for output in seen if output.get("output_type") in _KEPT),
        context=context,
    )


def _text(seen: Sequence[Output], name: str) -> str:
    return "".join(str(one.get("text", "")) for one in seen if one.get("name") == name)
