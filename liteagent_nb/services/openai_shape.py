"""OpenAI's chat API as our door: its answers and errors."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.services.agent_wire import call_json
from liteagent_nb.services.answers import house_shape

if TYPE_CHECKING:
    from liteagent_nb.core.chat import Usage
    from liteagent_nb.core.steps import Run
    from liteagent_nb.services.agent_requests import Task
    from liteagent_nb.services.answers import Failure, Shape

__all__ = ["Head", "client_calls", "completion_json", "finish_reason", "openai_shape", "shape_of", "usage_of"]

_PATHS = frozenset({"/chat/completions", "/models"})
_SAID_BY_MODEL = frozenset({"stop", "length", "content_filter"})
_ERROR_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Head:
    """What every piece of one answer begins with."""

    id: str
    created: int
    model: str

    @classmethod
    def of(cls, model: str) -> Head:
        """Return a new one."""
        return cls(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()), model)

    def json(self, kind: str) -> dict[str, object]:
        """Return it as JSON."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def completion_json(run: Run, head: Head, task: Task) -> dict[str, object]:
    """Return a run as a `chat.completion`. What OpenAI has no place for stands beside it, as `liteagent`."""
    message: dict[str, object] = {"role": "assistant", "content": run.final_answer, "refusal": None}
    if calls := client_calls(run, task):
        message["content"] = run.steps[-1].reply.text or None
        message["tool_calls"] = calls
    if run.steps and run.steps[-1].reply.reasoning:
        message["reasoning_content"] = run.steps[-1].reply.reasoning
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason(run, task)}
    return {
        **head.json("chat.completion"),
        "choices": [choice],
        "usage": usage_of(run.usage),
        "liteagent": {
            "stopped_reason": run.stopped_reason,
            "stop_detail": run.stop_detail,
            "final_answer_source": run.final_answer_source,
            "iterations": len(run.steps),
            "tool_calls": len(run.tool_invocations),
        },
    }


def client_calls(run: Run, task: Task) -> list[dict[str, object]]:
    """Return the calls that the client itself is to run."""
    if task.backend != "client" or not run.steps:
        return []
    return [call_json(call) for call in run.steps[-1].reply.tool_calls]


def finish_reason(run: Run, task: Task) -> str:
    """Return why it ends: what the model says of its last reply, or that a limit of ours cut it short."""
    if client_calls(run, task):
        return "tool_calls"
    if run.stopped_reason != "success":
        return "length"
    said = run.steps[-1].reply.finish_reason if run.steps else "stop"
    return said if said in _SAID_BY_MODEL else "stop"


def usage_of(usage: Usage) -> dict[str, object]:
    """Return the tokens of a run."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


def shape_of(path: str) -> Shape:
    """Return the shape of the failures of *path*: OpenAI's clients read OpenAI's."""
    return openai_shape if path.startswith("/v1/") or path in _PATHS else house_shape


def openai_shape(failure: Failure) -> object:
    """Return *failure* in OpenAI's shape; what to do stands behind what is wrong."""
    kind = _ERROR_KINDS.get(failure.status, "invalid_request_error")
    said = {
        "message": f"{failure.message} ({failure.hint})" if failure.hint else failure.message,
        "type": "server_error" if failure.status >= _SERVER_ERROR else kind,
        "param": "model" if failure.kind == "UnknownModel" else None,
        "code": "model_not_found" if failure.kind == "UnknownModel" else failure.kind,
    }
    return {"error": said}
