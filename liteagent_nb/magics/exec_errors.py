"""How a piece of code went wrong, as the error that turns the cell red."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import DeadKernel, ExecError, ExecTimeout

if TYPE_CHECKING:
    from liteagent_nb.core.execution import ExecResult

__all__ = ["RaisedInSidecar", "after", "error_of"]


class RaisedInSidecar(ExecError):
    """The code raised in its own kernel; shows the traceback from there. *result* is the ExecResult."""

    result: ExecResult

    def _render_traceback_(self) -> list[str]:
        lines: Any = (self.result.exception or {}).get("traceback")
        return [str(line) for line in lines or [f"{type(self).__name__}: {self}"]]


def error_of(result: ExecResult, *, context: str, timeout_s: float) -> ExecError | None:
    """Return what went wrong, or None where nothing did."""
    state = after(result, context)
    match result.status:
        case "ok" if result.ok:
            return None
        case "timeout":
            return ExecTimeout(f"stopped after {timeout_s:g} s", hint=f"--timeout gives it more time; {state}")
        case "died":
            return DeadKernel(result.error or "the sidecar kernel died", hint=state)
        case "interrupted":
            return ExecError("interrupted by somebody else", hint=state)
        case _:
            return _raised(result)


def after(result: ExecResult, context: str) -> str:
    """Return what became of the context, in words."""
    if not context:
        return "it ran in a context of its own, which is gone"
    if result.state_lost:
        return f"the variables of context {context} are gone; the next %exec begins anew"
    return f"context {context} goes on with its variables"


def _raised(result: ExecResult) -> ExecError:
    if result.exception is None:
        message = result.error or f"the program ended with exit code {result.rc}"
        return ExecError(message, hint="%exec languages lists what can be run" if result.rc == _MISSING else "")
    name = str(result.exception.get("ename") or "Exception")
    # Front ends and the saved notebook know an error by the name of its class: it is the sidecar's.
    kind = type(name if name.isidentifier() else "Exception", (RaisedInSidecar,), {"__module__": __name__})
    error: RaisedInSidecar = kind(str(result.exception.get("evalue") or ""))
    error.result = result
    return error


_MISSING = -2
"""The exit code of a program that is not on the machine."""
