"""What an agent is asked to do over HTTP: the bodies of `/agent/run`, read by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, cast

from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.tools import Tool
from liteagent_nb.services.bodies import read_object
from liteagent_nb.services.chat_messages import MESSAGES
from liteagent_nb.services.config_fields import CONFIG_KINDS, read_config
from liteagent_nb.services.kinds import TEXT, Kind, map_of, matching, one_of, read_fields

__all__ = ["RUN_KINDS", "Backend", "Task", "read_task"]

Backend: TypeAlias = Literal["local", "http", "echo", "none", "client"]
"""Whose tools a run has; `client` are those that the asking program runs itself."""

_HEADER_NAME = matching(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", "the name of a header")
_HEADER_VALUE = matching(r"([!-~]([ -~]*[!-~])?)?", "the value of a header")

RUN_KINDS: dict[str, Kind] = {
    "messages": MESSAGES,
    "tool_backend": one_of("local", "http", "echo", "none"),
    "tool_http_base_url": TEXT,
    "tool_http_headers": map_of(_HEADER_VALUE, keys=_HEADER_NAME),
    **CONFIG_KINDS,
}
"""The fields of a request for a run."""

_ADDRESSES = ("api_base", "base_url")


@dataclass(frozen=True, slots=True)
class Task:
    """A conversation for an agent, its limits, and whose tools it has."""

    messages: Sequence[object]
    config: AgentConfig
    backend: Backend = "local"
    tools_url: str = ""
    tools_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    client_tools: tuple[Tool, ...] = ()

    @property
    def secrets(self) -> list[str]:
        """What must not be shown of it: the values of its headers, and its key."""
        return [*self.tools_headers.values(), str(self.config.completion_kwargs.get("api_key") or "")]


def read_task(body: bytes) -> Task:
    """Read the body of `POST /agent/run`. Raises a `Refusal` for what is none, `ConfigError` for bad limits."""
    said = read_fields(read_object(body, known=RUN_KINDS), RUN_KINDS, required=("messages",))
    return Task(
        messages=cast("list[object]", said["messages"]),
        config=_with_own_key(read_config(said)),
        backend=cast("Backend", said.get("tool_backend", "local")),
        tools_url=cast("str", said.get("tool_http_base_url", "")),
        tools_headers=cast("dict[str, str]", said.get("tool_http_headers", {})),
    )


def _with_own_key(config: AgentConfig) -> AgentConfig:
    """Return *config* with a key of its own where it names an address: the environment's keys are not for it."""
    asked: dict[str, Any] = dict(config.completion_kwargs)
    if not any(map(asked.get, _ADDRESSES)) or asked.get("api_key"):
        return config
    return replace(config, completion_kwargs={**asked, "api_key": "none"})
