"""What a run, its steps and its calls look like as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from liteagent_nb.core.text import printed

if TYPE_CHECKING:
    from liteagent_nb.core.chat import ToolCall, Usage
    from liteagent_nb.core.steps import Run, Step
    from liteagent_nb.core.tools import ToolInvocation

__all__ = ["call_json", "invocation_json", "iteration_json", "run_json", "step_json", "usage_json"]


def run_json(run: Run) -> dict[str, object]:
    """Return a run that nothing broke."""
    said: dict[str, object] = {
        "ok": True,
        "final_answer": run.final_answer,
        "final_answer_source": run.final_answer_source,
        "stopped_reason": run.stopped_reason,
        "stop_detail": run.stop_detail,
        "messages": run.messages,
        "metrics": {"iterations": len(run.steps), **run.metrics},
        "usage": usage_json(run.usage),
    }
    if run.tool_invocations:
        said["last_tool_invocation"] = invocation_json(run.tool_invocations[-1])
    return said


def usage_json(usage: Usage) -> dict[str, object]:
    """Return tokens and money; a cost that nobody knows is null."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cost_usd": usage.cost_usd,
        "is_estimate": usage.is_estimate,
    }


def invocation_json(invocation: ToolInvocation) -> dict[str, object]:
    """Return a call with what it brought back."""
    return {
        "call_index": invocation.call_index,
        "name": invocation.name,
        "tool_call_id": invocation.tool_call_id,
        "arguments": invocation.arguments,
        "ok": invocation.ok,
        "rc": invocation.rc,
        "stdout": invocation.stdout,
        "stderr": invocation.stderr,
        "result": _in_json(invocation.result),
        "error": invocation.error,
        "t_ms": round(invocation.t_ms, 1),
    }


def call_json(call: ToolCall) -> dict[str, object]:
    """Return a call in OpenAI's shape, its arguments as the model wrote them."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def step_json(step: Step) -> dict[str, object]:
    """Return a step without its calls' results, which have been told."""
    reply = step.reply
    return {
        "text": reply.text,
        "tool_calls": [call_json(call) for call in reply.tool_calls],
        "is_final": step.is_final,
        "model": reply.model,
        "finish_reason": reply.finish_reason,
        "router_call_ms": round(step.router_call_ms, 1),
        "usage": usage_json(reply.usage),
    }


def iteration_json(step: Step) -> dict[str, object]:
    """Return a step with its calls."""
    return {**step_json(step), "tool_invocations": [invocation_json(call) for call in step.tool_invocations]}


def _in_json(value: object) -> object:
    """Return *value*, or its text where JSON has nothing like it: tools return anything."""
    try:
        json.dumps(value, default=printed)
    except (TypeError, ValueError, RecursionError):
        return printed(value)
    return value
