"""What the provider is called, and what it reads from the environment."""

from __future__ import annotations

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError

__all__ = ["BASE_VARIABLE", "FLAG", "PROVIDERS", "base_of", "key_of", "whole_number"]

PROVIDERS = ("codex-agent", "codex_cli_agent")
"""The provider's name, and its other one."""
FLAG = "LITELLM_ENABLE_CODEX_AGENT"
BASE_VARIABLE = "CODEX_AGENT_API_BASE"
_KEY_VARIABLE = "CODEX_AGENT_API_KEY"


def base_of(named: object) -> str:
    """Return the address of the agent: the one that is named, else the environment's; empty where there is none."""
    return str(named or "").strip() or environment.text(BASE_VARIABLE)


def key_of(named: object) -> str:
    """Return the agent's key: the one that is given, else the environment's; empty where there is none."""
    return str(named or "").strip() or environment.text(_KEY_VARIABLE)


def whole_number(name: str, default: int) -> int:
    """Return the variable *name*. Raises `ConfigError` where it is no whole number from 0 on."""
    text = environment.text(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise ConfigError(f"{name} is {text!r}", hint=f"set {name} to 0 or more, or leave it out for {default}")
    return int(text)
