"""Checks of the agent: here, with tools over HTTP, over HTTP itself, and as a model in litellm's Router.

No model is asked for: a calculator answers, so that a failure is never the model's.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import httpx

from liteagent_nb.assembly import make_http_tools, make_invoker
from liteagent_nb.checks.calculator import PRODUCT, TASK, Calculator
from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import LiteAgentError, ModelError, ToolError
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.models.quiet_litellm import inside_litellm
from liteagent_nb.provider.codex_agent import enable_codex_agent
from liteagent_nb.services.agent_proxy import create_app
from liteagent_nb.services.host import host_app
from liteagent_nb.services.tools_host import serve_tools

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from liteagent_nb.checks.check import Bench
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.services.host import Host

__all__ = ["agent", "agent_over_http", "codex_provider", "posted", "through_router", "tools_host"]

_ANSWER_WITHIN_S = 120


def agent(_bench: Bench) -> str:
    """Give the agent a task that takes code."""
    said = shared_portal().wait_for(_solved(make_invoker(AgentConfig())))
    return f"ran exec_python and answered {said!r}"


def tools_host(bench: Bench) -> str:
    """Give it tools that a host offers, and be refused there without the token."""
    host = bench.keep("tools", lambda: serve_tools(make_invoker(AgentConfig()), token=secrets.token_urlsafe()))
    refused = httpx.get(f"{host.url}/tools", trust_env=False)
    if refused.status_code != httpx.codes.UNAUTHORIZED:
        raise ToolError(f"without a token it answers {refused.status_code}, not 401", hint="report it")
    far = make_http_tools(host.url, {"authorization": f"Bearer {host.token}"})
    said = shared_portal().wait_for(_solved(far))
    return f"exec_python over HTTP, answered {said!r}; 401 without the token"


def agent_over_http(bench: Bench) -> str:
    """Ask the agent over HTTP, in its own shape and in OpenAI's."""
    host = _agent_host(bench)
    ran = posted(host, "/agent/run", {"messages": [{"role": "user", "content": TASK}]})
    tool = ran["last_tool_invocation"]["name"]
    asked = {"model": "calculator", "messages": [{"role": "user", "content": TASK}]}
    chatted = posted(host, "/v1/chat/completions", asked)["choices"][0]["message"]["content"]
    if ran["stopped_reason"] != "success" or PRODUCT not in ran["final_answer"] or PRODUCT not in chatted:
        raise ModelError(f"it answered {ran['final_answer']!r} and {chatted!r}", hint="report it")
    return f"/agent/run used {tool}, /v1/chat/completions answered {chatted!r}"


def codex_provider(bench: Bench) -> str:
    """Ask it as a model of litellm's Router, streamed."""
    text, pieces = through_router(_agent_host(bench), TASK)
    if PRODUCT not in text:
        raise ModelError(f"it answered {text!r}", hint="report it")
    return f"codex-agent/… through a Router: {text!r}, {pieces} pieces"


def posted(host: Host, path: str, body: object) -> Any:
    """Return what *host* answers to *body*. Raises `ModelError` for a failure."""
    headers = {"authorization": f"Bearer {host.token}"}
    answer = httpx.post(host.url + path, json=body, headers=headers, timeout=_ANSWER_WITHIN_S, trust_env=False)
    if answer.is_error:
        raise ModelError(f"{path} answered {answer.status_code}: {answer.text[:256]}", hint="report it")
    return answer.json()


def through_router(host: Host, task: str) -> tuple[str, int]:
    """Return what *host* streams as a model of litellm's Router, and in how many pieces."""
    enable_codex_agent()
    deployment = {"model": "codex-agent/mini", "api_base": host.url, "api_key": host.token}
    router = inside_litellm.Router(model_list=[{"model_name": "agent", "litellm_params": deployment}], num_retries=0)
    messages = [{"role": "user", "content": task}]
    pieces = [*router.completion(model="agent", messages=messages, stream=True, timeout=_ANSWER_WITHIN_S)]
    return "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices), len(pieces)


def _agent_host(bench: Bench) -> Host:
    def app(token: str) -> ASGIApp:
        return create_app(model="calculator", models=[Calculator()], token=token)

    return bench.keep("agent", lambda: host_app(app, token=secrets.token_urlsafe()))


async def _solved(tools: Invoker) -> str:
    """Return what the agent answers with those tools."""
    try:
        run = await run_agent(Transcript.of(TASK), model=Calculator(), tools=tools, config=AgentConfig())
    finally:
        await _closed(tools)
    run.raise_for_error()
    if PRODUCT not in run.final_answer:
        failed = "; ".join(one.error or one.stderr for one in run.tool_invocations if not one.ok)
        raise LiteAgentError(f"it answered {run.final_answer!r} {failed}".strip(), hint="run `check --only kernel`")
    return run.final_answer


async def _closed(tools: Invoker) -> None:
    close = getattr(tools, "aclose", None)
    if close is not None:
        await close()
