"""Tool, Observation, ToolInvocation: what a model may call, and what a call brought back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from liteagent_nb.core.execution import Output
from liteagent_nb.core.pictures import Picture
from liteagent_nb.core.text import printed

__all__ = ["Observation", "Tool", "ToolInvocation"]


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a model may call. *parameters* is a JSON schema of type object."""

    name: str
    description: str = ""
    parameters: Mapping[str, object] = field(default_factory=lambda: {"type": "object", "properties": {}})
    run_alone: bool = False
    """Whether no other call may run beside it: code that shares state, for instance."""
    timeout_s: float | None = None
    """Its own time limit, where it needs another than the run's."""
    hints: Mapping[str, object] = field(default_factory=dict)
    """For small models (`x-liteagent`): `topic`, `route`, `examples`, `answers`. Never sent to a provider."""

    def to_openai(self) -> dict[str, object]:
        """Return the tool in OpenAI's shape."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Observation:
    """What a call brought back, failure included.

    `rc` is the exit code where a process ran: -1 is the time limit, -2 a missing program.
    """

    ok: bool
    result: object = None
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    rc: int | None = None
    t_ms: float = 0.0
    language: str = ""
    """The language of the code that ran, for showing it."""
    outputs: tuple[Output, ...] = ()
    """Pictures, tables and whatever else code showed beside its text: for people."""
    pictures: tuple[Picture, ...] = ()
    """The pictures among them, made small enough for a model that sees."""

    @classmethod
    def failure(cls, error: str, *, t_ms: float = 0.0, rc: int | None = None) -> Observation:
        """Return a call that brought nothing back but *error*."""
        return cls(ok=False, error=error, rc=rc, t_ms=t_ms)

    def timed(self, t_ms: float) -> Observation:
        """Return the same observation with its time."""
        return replace(self, t_ms=t_ms)

    @property
    def text(self) -> str:
        """The text for the model: the first of the result's `result, answer, text, stdout`, else the output."""
        if isinstance(self.result, str):
            return self.result
        if isinstance(self.result, Mapping):
            for key in ("result", "answer", "text", "stdout"):
                if _is_there(value := self.result.get(key)):
                    return _as_text(value)
        return self.stdout if self.result is None else _as_text(self.result)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=printed)
    except (TypeError, ValueError, RecursionError):
        return printed(value)


def _is_there(value: object) -> bool:
    try:
        return bool(value)
    except ValueError:  # arrays and tables are neither true nor false
        return True


@dataclass(frozen=True, slots=True)
class ToolInvocation:
    """One call of a step with what it brought back."""

    call_index: int
    name: str
    tool_call_id: str
    arguments: Mapping[str, object] | str
    """The arguments as read; the model's own text where it was not a JSON object."""
    observation: Observation
    message: str
    """What the model was told."""

    @property
    def ok(self) -> bool:
        """Whether the tool did what it was asked."""
        return self.observation.ok

    @property
    def rc(self) -> int | None:
        """The exit code, where a process ran."""
        return self.observation.rc

    @property
    def stdout(self) -> str:
        """What it printed."""
        return self.observation.stdout

    @property
    def stderr(self) -> str:
        """What it printed as errors."""
        return self.observation.stderr

    @property
    def result(self) -> object:
        """What it returned."""
        return self.observation.result

    @property
    def error(self) -> str | None:
        """What went wrong."""
        return self.observation.error

    @property
    def t_ms(self) -> float:
        """How long it took, in milliseconds."""
        return self.observation.t_ms
