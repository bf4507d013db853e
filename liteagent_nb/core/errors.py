"""The error tree.

LiteAgentError              anything this package raises on purpose
├── ConfigError             the request cannot be carried out as written; nothing was sent
│   └── UnknownModel        no model has this name
├── ModelError              the endpoint failed or sent no usable reply
├── ToolError               the tools host cannot be reached, or a tool's own promise is broken
├── ExecError               the code runner cannot run code
│   ├── ExecTimeout         it did not finish in time
│   ├── DeadKernel          the kernel went away
│   ├── UnknownContext      there is no such context
│   └── ExecBusy            too much waits already; it says when to try again
├── FetchError              a file on the web was not delivered
├── BudgetError             a limit leaves no room to begin
└── CassetteMiss            nothing was recorded for this request

Spent limits are results (`Run.stopped_reason`), failed tools are observations; only broken promises are errors.
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "CassetteMiss",
    "ConfigError",
    "DeadKernel",
    "ExecBusy",
    "ExecError",
    "ExecTimeout",
    "FetchError",
    "LiteAgentError",
    "ModelError",
    "ToolError",
    "UnknownContext",
    "UnknownModel",
]


class LiteAgentError(Exception):
    """Anything this package raises on purpose. *hint* is one line that says what to do."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """Show what and remedy as two lines in a notebook (IPython calls this by name)."""
        lines = [f"{type(self).__name__}: {self}"]
        return [*lines, f"Hint: {self.hint}"] if self.hint else lines


class ConfigError(LiteAgentError):
    """The request cannot be carried out as written; nothing was sent."""


class UnknownModel(ConfigError):
    """No model has this name."""


class ModelError(LiteAgentError):
    """The endpoint failed or sent no usable reply.

    *status* is the HTTP status where there was one, *retry_after_s* how long the server asks to wait, where it does.
    """

    def __init__(
        self, message: str, *, hint: str = "", status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after_s = retry_after_s


class ToolError(LiteAgentError):
    """The tools host cannot be reached, or a tool's own promise is broken."""


class ExecError(LiteAgentError):
    """The code runner cannot run code."""


class ExecTimeout(ExecError):
    """The code did not finish in time."""


class DeadKernel(ExecError):
    """The kernel went away."""


class UnknownContext(ExecError):
    """There is no context of that name."""


class ExecBusy(ExecError):
    """Too much waits already. *retry_after_s* is when to try again, in seconds."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float = 1.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class FetchError(LiteAgentError):
    """A file on the web was not delivered."""


class BudgetError(LiteAgentError):
    """A limit leaves no room to begin."""


class CassetteMiss(LiteAgentError):
    """Nothing was recorded for this request."""
