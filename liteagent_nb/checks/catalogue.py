"""The checks there are, in the order they are asked."""

from __future__ import annotations

from importlib import metadata

from liteagent_nb.checks.check import Check
from liteagent_nb.core.errors import ConfigError

__all__ = ["chosen", "known_checks"]

_HERE = "liteagent_nb.checks"
_BUNDLES = frozenset({"test", "all"})
"""Extras that are made of others, and for developers."""

_BEFORE = (
    Check("python", "Python", f"{_HERE}.installation:python"),
    Check("packages", "the package and what it needs", f"{_HERE}.installation:packages"),
)
_BEHIND = (
    Check("kernel", "code in a kernel of its own", f"{_HERE}.code:kernel"),
    Check("notebook-kernel", "the kernel of notebooks", f"{_HERE}.notebook_kernel:notebook_kernel"),
    Check("isolation", "the wall of --isolate", f"{_HERE}.code:isolation"),
    Check("agent", "the agent, its loop and local tools", f"{_HERE}.agents:agent"),
    Check("model", "the model that answers", f"{_HERE}.models:model"),
    Check("tools-host", "tools over HTTP", f"{_HERE}.agents:tools_host"),
    Check("exec-rpc", "Exec-RPC", f"{_HERE}.code:exec_rpc"),
    Check("agent-http", "the agent over HTTP", f"{_HERE}.agents:agent_over_http"),
    Check("codex-agent", "codex-agent in litellm's Router", f"{_HERE}.agents:codex_provider"),
    Check("router-core", "the Router's streaming cores", f"{_HERE}.cores:cores"),
    Check("ports", "the ports of the services", f"{_HERE}.surroundings:ports"),
    Check("redis", "Redis", f"{_HERE}.surroundings:redis"),
    Check("docker", "Docker", f"{_HERE}.surroundings:docker"),
    Check("keys", "keys of model providers", f"{_HERE}.models:keys"),
    Check("live-model", "the default model, live", f"{_HERE}.models:live_model"),
)
_PARTS = {
    "code": "an agent whose code runs by Exec-RPC",
    "tools": "an agent with the tools of a host",
    "router": "the agent in litellm's Router",
    "notebook": "the agent from a notebook's cell",
}
_THOROUGH = tuple(
    Check(f"{kind}-{part}", f"{title}; {model}", f"{_HERE}.everything:{part}", (kind,), is_thorough=True)
    for kind, model in (("embedded", "the embedded model"), ("llama", "llama.cpp's OpenAI-compatible server"))
    for part, title in _PARTS.items()
)


def known_checks() -> list[Check]:
    """Return all checks; each extra that the package has is one."""
    extras = metadata.metadata("liteagent_nb").get_all("Provides-Extra") or ()
    asked = [
        Check(f"extra-{name}", f"the extra {name}", f"{_HERE}.installation:extra", (name,))
        for name in extras
        if name not in _BUNDLES
    ]
    return [*_BEFORE, *asked, *_BEHIND, *_THOROUGH]


def chosen(names: list[str], *, is_thorough: bool) -> list[Check]:
    """Return the checks of those *names*, or all; raises `ConfigError` for a name that is none."""
    known = known_checks()
    unknown = sorted(set(names) - {check.name for check in known})
    if unknown:
        hint = f"one of {', '.join(check.name for check in known)}"
        raise ConfigError(f"there is no check {', '.join(unknown)}", hint=hint)
    if names:
        return [check for check in known if check.name in names]
    return [check for check in known if is_thorough or not check.is_thorough]
