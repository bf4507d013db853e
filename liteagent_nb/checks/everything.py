"""Checks end to end: all services at once with a real model behind them, asked as their users ask."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient

from liteagent_nb import environment
from liteagent_nb.checks.agents import posted, through_router
from liteagent_nb.checks.calculator import PRODUCT, TASK
from liteagent_nb.checks.stacks import EMBEDDED, Stack, stack_of
from liteagent_nb.core.errors import ModelError
from liteagent_nb.demo import kernel_of_this_python

if TYPE_CHECKING:
    from liteagent_nb.checks.check import Bench

__all__ = ["code", "notebook", "router", "tools"]

_NOTEBOOK_WITHIN_S = 300
_PARCEL, _PRICE = "What does it cost to send a parcel of 3 kg?", "8.10 EUR"


def code(bench: Bench, kind: str) -> str:
    """Give the agent a task that takes code, which runs on the Exec-RPC server."""
    stack = stack_of(bench, kind)
    ran = posted(stack.agent, "/agent/run", {"messages": [{"role": "user", "content": TASK}]})
    if kind == EMBEDDED:
        _must_hold(PRODUCT, str(ran.get("last_tool_invocation")), "what its code printed")
    return _answered(ran)


def tools(bench: Bench, kind: str) -> str:
    """Give the agent the tools of the host."""
    stack = stack_of(bench, kind)
    task = {
        "messages": [{"role": "user", "content": _PARCEL}],
        "tool_backend": "http",
        "tool_http_base_url": stack.tools.url,
        "tool_http_headers": {"authorization": f"Bearer {stack.tools.token}"},
    }
    ran = posted(stack.agent, "/agent/run", task)
    if kind == EMBEDDED:
        _must_hold(_PRICE, str(ran.get("last_tool_invocation")), "what the tool returned")
    return _answered(ran)


def router(bench: Bench, kind: str) -> str:
    """Ask the agent as a model of litellm's Router."""
    text, pieces = through_router(stack_of(bench, kind).agent, TASK)
    if kind == EMBEDDED:
        _must_hold(PRODUCT, text.replace(",", ""), "the answer")
    if not text.strip():
        raise ModelError("the Router streamed no text", hint="report it")
    return f"{text.strip()[:60]!r} in {pieces} pieces"


def notebook(bench: Bench, kind: str) -> str:
    """Ask it from a cell of a fresh notebook."""
    stack = stack_of(bench, kind)
    cells = [
        "%load_ext liteagent_nb",
        f"%%agent --model codex-agent/mini --api-base {stack.agent.url} --no-tools -o run\n{TASK}",
        "print(run.stopped_reason, run.used_model, repr(run.final_answer))",
    ]
    shown = _executed(cells, stack)
    _must_hold("success codex-agent/mini", shown, "the cell's run")
    if kind == EMBEDDED:
        _must_hold(PRODUCT, shown.replace(",", ""), "the cell's answer")
    return shown.strip()[:100]


def _executed(sources: list[str], stack: Stack) -> str:
    """Return what the last cell printed."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    env = environment.plus(CODEX_AGENT_API_KEY=stack.agent.token, LITELLM_ENABLE_CODEX_AGENT="1", LITEAGENT_CASSETTE="")
    with TemporaryDirectory(prefix="la-") as sockets:
        client = NotebookClient(book, timeout=_NOTEBOOK_WITHIN_S, km=kernel_of_this_python(Path(sockets)))
        client.execute(env=env, cwd=sockets)
    return "".join(output.get("text", "") for output in book.cells[-1].outputs)


def _answered(ran: Any) -> str:
    """Return what a run said, once it is known to have ended well, with an answer and counted tokens."""
    if ran["stopped_reason"] != "success" or not ran["final_answer"].strip() or not ran["usage"]["total_tokens"]:
        raise ModelError(f"the run ended with {ran['stopped_reason']}: {ran['final_answer']!r}", hint="report it")
    tool = (ran.get("last_tool_invocation") or {}).get("name", "no tool")
    return f"{tool}, {ran['usage']['total_tokens']} tokens, {ran['final_answer'].strip()[:60]!r}"


def _must_hold(wanted: str, said: str, what: str) -> None:
    if wanted not in said:
        raise ModelError(f"{what} does not hold {wanted}: {said[:200]}", hint="report it")
