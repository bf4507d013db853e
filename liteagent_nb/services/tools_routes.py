"""What the tools service does for each of its routes."""

from __future__ import annotations

import asyncio
import logging
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.responses import Response

from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.tasks import finish_or_abandon
from liteagent_nb.core.tools import Observation
from liteagent_nb.services.answers import Refusal, json_answer, json_bytes
from liteagent_nb.services.presence import WhileThere
from liteagent_nb.services.tools_wire import check_arguments, read_invocation, result_json, tool_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.tools import Tool

__all__ = ["ToolsRoutes"]

_OVERRUN_S = 0.4
"""How long a tool may overrun its limit before it is cancelled: its own answer says more than ours."""
_CANCEL_GRACE_S = 0.8
"""How long its cleanup may take before it is left behind."""


class ToolsRoutes:
    """The endpoints of the tools service, over *invoker*; a call gets *timeout_s*, or what its tool says itself."""

    def __init__(self, invoker: Invoker, *, timeout_s: float) -> None:
        self._invoker = invoker
        self._timeout_s = timeout_s
        self._tools: dict[str, Tool] = {}
        versions = {"liteagent_nb": version("liteagent_nb"), "python": platform.python_version()}
        self._health = json_bytes({"ok": True, "service": "tools", "versions": versions})

    async def health(self, _request: Request) -> Response:
        """Say that the service is alive."""
        return Response(self._health, media_type="application/json")

    async def ready(self, _request: Request) -> Response:
        """List the tools and say how many there are."""
        return json_answer({"ok": True, "tools": len(await self._listed())})

    async def tools(self, _request: Request) -> Response:
        """List the tools."""
        return json_answer([tool_json(tool) for tool in (await self._listed()).values()])

    async def invoke(self, request: Request) -> Response:
        """Call a tool and answer what it brought back; a client that goes away ends the call."""
        asked = read_invocation(await request.body())
        async with WhileThere(request.receive):
            tool = await self._found(asked.name)
            check_arguments(tool, asked.arguments)
            observation = await self._observed(tool, asked.arguments)
        return Response(result_json(asked.name, observation), media_type="application/json")

    async def _listed(self) -> dict[str, Tool]:
        self._tools = {tool.name: tool for tool in await self._invoker.list_tools()}
        return self._tools

    async def _found(self, name: str) -> Tool:
        found = self._tools.get(name) or (await self._listed()).get(name)
        if found is None:
            known = ", ".join(self._tools) or "none"
            raise Refusal(404, "UnknownTool", f"unknown tool {name!r}; tools: {known}", hint="GET /tools lists them")
        return found

    async def _observed(self, tool: Tool, arguments: Mapping[str, object]) -> Observation:
        timeout_s = tool.timeout_s or self._timeout_s
        started_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(timeout_s + _OVERRUN_S):
                work = self._invoker.call_tool(tool.name, arguments, timeout_s=timeout_s)
                observation = await finish_or_abandon(work, grace_s=_CANCEL_GRACE_S)
        except TimeoutError:
            observation = Observation.failure(f"timeout after {timeout_s:g}s", rc=-1)
        except LiteAgentError:
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("the invoker failed")
            observation = Observation.failure(f"{type(error).__name__}: {error}")
        t_ms = (asyncio.get_running_loop().time() - started_s) * 1000
        return observation if observation.t_ms else observation.timed(t_ms)
