"""McpTools: what an MCP client is told of an Invoker's tools, and what it gets when it calls one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from mcp_types import CallToolResult, ImageContent, ListToolsResult, TextContent
from mcp_types import Tool as McpTool

from liteagent_nb.assembly import arun_mcp_mini_agent
from liteagent_nb.core.acting import told
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.steps import StepDone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from mcp.server import ServerRequestContext
    from mcp_types import CallToolRequestParams, ContentBlock, PaginatedRequestParams

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Invoker
    from liteagent_nb.core.steps import Event, Run, Step
    from liteagent_nb.core.tools import Observation

__all__ = ["ASK_AGENT", "McpTools"]

T = TypeVar("T")

ASK_AGENT = McpTool(
    name="ask_agent",
    description=(
        "Give a task to an agent that has these tools and works step by step; returns its final answer. "
        "It knows nothing of this conversation: put all it needs into the task."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "task": {"type": "string", "description": "what to do"},
            "model": {"type": "string", "description": "a litellm model name; left out: the server's default"},
        },
        "required": ["task"],
        "additionalProperties": False,
    },
)
"""The agent as a tool."""

_MOST_CHARS = 100_000
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_CLEANUP_S = 2.0
"""How long what a client has cancelled may take to clear up."""


class McpTools:
    """Lists and calls the tools of *invoker*, and `ask_agent`; a tool of that name on the invoker wins."""

    def __init__(self, invoker: Invoker, config: AgentConfig, *, offers_agent: bool) -> None:
        self._invoker = invoker
        self._config = config
        self._agent = (ASK_AGENT,) if offers_agent else ()

    async def listed(
        self, _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        """Answer `tools/list`."""
        own = [
            McpTool(name=tool.name, description=tool.description, input_schema=dict(tool.parameters))
            for tool in await self._invoker.list_tools()
        ]
        names = {tool.name for tool in own}
        return ListToolsResult(tools=[*own, *(tool for tool in self._agent if tool.name not in names)])

    async def called(self, context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        """Answer `tools/call`; a failure is a result, and so is what cannot be done as asked."""
        arguments = params.arguments or {}
        try:
            own = {tool.name: tool for tool in await self._invoker.list_tools()}
            if params.name == ASK_AGENT.name and self._agent and params.name not in own:
                return await self._asked(context, arguments)
            limit_s = own[params.name].timeout_s if params.name in own else None
            timeout_s = limit_s or self._config.tool_timeout_sec
            work = self._invoker.call_tool(params.name, arguments, timeout_s=timeout_s)
            return _result_of(await _apart(asyncio.ensure_future(work)))
        except LiteAgentError as error:
            return _failure(f"{error}\n{error.hint}" if error.hint else str(error))
        except Exception as error:  # noqa: BLE001 - a failed tool is a result, whatever an invoker raises
            return _failure(f"{type(error).__name__}: {error}")

    async def _asked(self, context: ServerRequestContext[Any], arguments: Mapping[str, object]) -> CallToolResult:
        task, model = arguments.get("task"), arguments.get("model") or ""
        if not isinstance(task, str) or not task.strip() or not isinstance(model, str):
            return _failure("ask_agent takes a task, a text, and may take a model, a text")
        config = replace(self._config, model=model or self._config.model)
        news: asyncio.Queue[Step | None] = asyncio.Queue()

        def watch(event: Event) -> None:
            if isinstance(event, StepDone):
                news.put_nowait(event.step)

        run = asyncio.ensure_future(arun_mcp_mini_agent(task, self._invoker, config, watch=watch))
        run.add_done_callback(lambda _: news.put_nowait(None))
        return _answer_of(await _apart(run, meanwhile=lambda: _report(context, news, config.max_iterations)))


async def _report(context: ServerRequestContext[Any], news: asyncio.Queue[Step | None], total: int) -> None:
    """Tell the client of each step, until the end."""
    count = 0
    while (step := await news.get()) is not None:
        count += 1
        names = ", ".join(invocation.name for invocation in step.tool_invocations)
        await context.session.report_progress(count, total, f"step {count}: {names or 'answered'}")


async def _apart(work: asyncio.Future[T], *, meanwhile: Callable[[], Awaitable[None]] | None = None) -> T:
    """Return what comes of *work*, which is a task of its own.

    The SDK's scopes cancel at every await again, which no cleanup survives; such a task is cancelled once.
    """
    try:
        if meanwhile is not None:
            await meanwhile()
        await asyncio.wait({work})
    finally:
        if not work.done():
            work.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait({work}, timeout=_CLEANUP_S)
    if work.cancelled():
        raise RuntimeError("the tool cancelled itself")
    return work.result()


def _result_of(observation: Observation) -> CallToolResult:
    """Return what a tool brought back, as MCP has it: what a model is told of it, and its pictures."""
    text = told(observation, ask_to_mend=False, max_chars=_MOST_CHARS)
    content: list[ContentBlock] = [TextContent(text=text), *_pictures(observation)]
    return CallToolResult(content=content, is_error=not observation.ok)


def _pictures(observation: Observation) -> Iterator[ImageContent]:
    for output in observation.outputs:
        data: Any = output.get("data")
        for kind in _PICTURES if isinstance(data, dict) else ():
            if isinstance(picture := data.get(kind), str):
                yield ImageContent(data="".join(picture.split()), mime_type=kind)
                break


def _answer_of(run: Run) -> CallToolResult:
    """Return the final answer, and how it came about."""
    if run.error is not None:
        return _failure("\n".join(filter(None, (str(run.error), run.error.hint))))
    about = {
        "answer": run.final_answer,
        "stopped_reason": run.stopped_reason,
        "stop_detail": run.stop_detail,
        "model": run.used_model,
        "steps": len(run.steps),
    }
    return CallToolResult(content=[TextContent(text=run.final_answer)], structured_content=about)


def _failure(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
