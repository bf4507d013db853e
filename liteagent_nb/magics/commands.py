"""The words that `%agent` answers itself: reset, history, models, tools, status, cache, cassette, panel and serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb import environment
from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model, make_invoker
from liteagent_nb.core.chat import text_of
from liteagent_nb.magics.cache_command import cache_command
from liteagent_nb.magics.cassette_command import cassette_command, find_cassette
from liteagent_nb.magics.choosing import find_functions, models_in
from liteagent_nb.magics.conversation import Conversation
from liteagent_nb.magics.cost_command import cost_command
from liteagent_nb.magics.counting import counted
from liteagent_nb.magics.panel_command import is_panel_command, panel_command
from liteagent_nb.magics.plan import far_tools, limits_of
from liteagent_nb.magics.serve_command import is_serve_command, serve_command
from liteagent_nb.panels.lists import note_bundle, rows_bundle
from liteagent_nb.panels.run_view import money

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from liteagent_nb.core.chat import Message
    from liteagent_nb.core.tools import Tool
    from liteagent_nb.magics.agent_magic import AgentMagics
    from liteagent_nb.magics.choosing import Wanted

    Command: TypeAlias = Callable[[AgentMagics, Wanted], dict[str, str]]
    Answer: TypeAlias = Callable[[AgentMagics, Wanted], object]

__all__ = ["COMMANDS", "named"]


def named(task: str, body: str | None) -> Answer | None:
    """Return what answers *task* if it is a command: it shows itself, and may have a value. None for a task.

    A command is exactly one word, and no word at all is `status`; `cache`, `cassette`, `cost`, `panel` and `serve`
    take more.
    """
    word, _, rest = task.strip().partition(" ")
    if word == "cassette":
        return lambda magics, _: magics.publish(cassette_command(magics, rest, body or ""))
    if word == "panel" and is_panel_command(rest):
        return lambda magics, wanted: panel_command(magics, wanted, rest, body or "")
    return None if body is not None else _on_a_line(word, rest)


def _on_a_line(word: str, rest: str) -> Answer | None:
    if word == "serve" and is_serve_command(rest):
        return lambda magics, wanted: _shown(magics, *serve_command(magics, wanted, rest))
    if word == "cache" and len(rest.split()) <= 1:
        return lambda magics, _: magics.publish(cache_command(magics, rest))
    if word == "cost" and rest.strip() in {"", "clear"}:
        return lambda magics, _: _shown(magics, *cost_command(magics, rest))
    command = None if rest else COMMANDS.get(word or "status")
    return command and (lambda magics, wanted: magics.publish(command(magics, wanted)))


def _shown(magics: AgentMagics, bundle: dict[str, str], value: object) -> object:
    magics.publish(bundle)
    return value


def _reset(magics: AgentMagics, _: Wanted) -> dict[str, str]:
    forgotten = counted(len(magics.conversation.transcript), "message")
    magics.conversation = Conversation()
    ended = " The MCP servers were ended." if magics.servers.close() else ""
    return note_bundle(f"The conversation begins anew; {forgotten} forgotten.{ended}")


def _history(magics: AgentMagics, _: Wanted) -> dict[str, str]:
    messages = magics.conversation.transcript.messages
    if not messages:
        return note_bundle("Nothing was said yet.")
    return rows_bundle("Conversation", [_said(message) for message in messages])


def _said(message: Message) -> tuple[str, str]:
    calls = message.get("tool_calls")
    names = [call["function"]["name"] for call in calls] if isinstance(calls, list) else []
    asked = f"[asks for {', '.join(names)}]" if names else ""
    return str(message.get("role")), " ".join(part for part in (text_of(message.get("content")), asked) if part)


def _models(magics: AgentMagics, wanted: Wanted) -> dict[str, str]:
    choice = choose_model(None, magics.model)
    rows = {wanted.model or choice.name: f"answers now: {choice.why}"}
    for name, model in models_in(magics.ip.user_ns).items():
        rows.setdefault(name, f"a Model object of this notebook ({model.name})")
    rows.setdefault(EMBEDDED_MODEL, "on this machine, no key, no network")
    keys = environment.key_names()
    known = f"keys set: {', '.join(keys)}" if keys else "no key is set"
    rows["any litellm name"] = f"openai/gpt-4o-mini or ollama/llama3.2 for instance; {known}"
    return rows_bundle("Models", list(rows.items()))


def _tools(magics: AgentMagics, wanted: Wanted) -> dict[str, str]:
    if wanted.no_tools:
        return note_bundle("No tools: --no-tools was given.")
    listed = magics.portal.wait_for(_listed(magics, wanted))
    return rows_bundle("Tools", [(tool.name, tool.description.partition("\n")[0]) for tool in listed])


async def _listed(magics: AgentMagics, wanted: Wanted) -> Sequence[Tool]:
    if not wanted.tools_url:
        functions = find_functions(wanted.tool, magics.ip.user_ns)
        others = magics.servers.named(wanted.mcp)
        return await make_invoker(wanted.config(""), functions, others=others).list_tools()
    invoker, close = far_tools(magics, wanted, find_cassette(magics, wanted.cassette))
    try:
        return await invoker.list_tools()
    finally:
        await close()


def _status(magics: AgentMagics, wanted: Wanted) -> dict[str, str]:
    return rows_bundle("%agent", [*_figures(magics, wanted), ("more", "%agent TASK · %%agent · %agent --help")])


def _figures(magics: AgentMagics, wanted: Wanted) -> Iterator[tuple[str, str]]:
    choice, talk = choose_model(None, magics.model), magics.conversation
    yield "model", f"{choice.name} · {choice.why}"
    yield "conversation", f"{counted(talk.questions, 'question')}, {counted(len(talk.transcript), 'message')}"
    if talk.run is not None:
        yield "last run", f"{talk.run.stopped_reason}, {counted(len(talk.run.steps), 'step')} (_agent_run)"
        yield "spent", f"{talk.usage.total_tokens:,} tokens · {money(talk.usage.cost_usd)} (%agent cost)"
    yield (
        "limits of a run",
        _told({"iterations": wanted.max_iterations}, wanted.max_seconds, wanted.max_tokens, wanted.budget),
    )
    notebook = limits_of(wanted)
    if told := _told({}, notebook.seconds, notebook.tokens, notebook.usd):
        yield "of the notebook", told


def _told(first: dict[str, float], seconds: float | None, tokens: int | None, usd: float | None) -> str:
    limits = {**first, "seconds": seconds, "tokens": tokens, "USD": usd}
    return ", ".join(f"{value:g} {name}" for name, value in limits.items() if value is not None)


COMMANDS: dict[str, Command] = {
    "reset": _reset,
    "history": _history,
    "models": _models,
    "tools": _tools,
    "status": _status,
}
