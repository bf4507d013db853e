"""Which tools a run may use."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Tool

__all__ = ["offered_tools"]


async def offered_tools(tools: Invoker | None, config: AgentConfig) -> tuple[Tool, ...]:
    """Return what the invoker advertises and the allow-list lets through; raises `ConfigError` for unknown names."""
    if tools is None or config.use_tools is False:
        advertised: Sequence[Tool] = ()
    else:
        advertised = await tools.list_tools()
    if config.use_tools and not advertised:
        raise ConfigError(
            "use_tools is on, but no tools are advertised", hint="leave use_tools out, or give an invoker"
        )
    if config.tool_allowlist is None:
        return tuple(advertised)
    names = {tool.name for tool in advertised}
    for wanted in config.tool_allowlist:
        if names and wanted not in names:
            near = difflib.get_close_matches(wanted, names, n=3) or sorted(names)
            raise ConfigError(
                f"tool_allowlist names {wanted!r}, which nobody offers", hint=f"on offer: {', '.join(near)}"
            )
    return tuple(tool for tool in advertised if tool.name in config.tool_allowlist)
