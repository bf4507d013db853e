"""OpenAI's chat API as our door: what its requests say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.pruning import chars_of
from liteagent_nb.services.agent_requests import Task
from liteagent_nb.services.bodies import read_object, unfit
from liteagent_nb.services.client_tools import ClientTool, asked_once
from liteagent_nb.services.kinds import read_fields
from liteagent_nb.services.openai_fields import CHAT_KINDS, FORWARDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.services.agent_requests import Backend

__all__ = ["ChatRequest", "read_chat"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation, and how its answer is wanted."""

    task: Task
    is_streamed: bool
    wants_usage: bool


def read_chat(body: bytes, config: AgentConfig) -> ChatRequest:
    """Read the body of `POST /v1/chat/completions`; *config* limits its run. Raises a `Refusal` for what is none."""
    given = read_fields(read_object(body, known=CHAT_KINDS), CHAT_KINDS, required=("messages",))
    said = {name: value for name, value in given.items() if value is not None}
    tools = tuple(ClientTool.read(tool) for tool in cast("list[dict[str, Any]]", said.get("tools", [])))
    forwarded = {name: said[name] for name in FORWARDED if name in said}
    messages = cast("list[object]", said["messages"])
    options = cast("dict[str, object]", said.get("stream_options", {}))
    config = replace(
        _roomy(config, messages),
        model=cast("str", said.get("model", "")),
        completion_kwargs={**config.completion_kwargs, **forwarded},
    )
    task = Task(messages, asked_once(config) if tools else config, _backend(said, has_tools=bool(tools)))
    return ChatRequest(
        replace(task, client_tools=tools),
        is_streamed=bool(said.get("stream")),
        wants_usage=bool(options.get("include_usage")),
    )


def _backend(said: Mapping[str, object], *, has_tools: bool) -> Backend:
    """Return whose tools are meant: the client's where it brings some, else our own, unless it wants none."""
    choice = said.get("tool_choice", "auto")
    if has_tools:
        return "client"
    if choice not in ("auto", "none"):  # it may be an object, which no set can be asked for
        raise unfit("`tool_choice` names a tool, and there are no `tools`")
    return "none" if choice == "none" else "local"


def _roomy(config: AgentConfig, messages: list[object]) -> AgentConfig:
    """Return *config* with room for all that the client sends: what of it the model sees is the client's choice."""
    return replace(
        config,
        max_history_messages=config.max_history_messages + len(messages),
        hard_char_budget=config.hard_char_budget + chars_of(Transcript.of(messages)),
    )
