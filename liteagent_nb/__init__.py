"""A tool-using LLM agent in a notebook cell: safe, stoppable, replayable, and honest about models.

`%load_ext liteagent_nb` gives `%agent` and `%%agent`. The public names below load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_HOMES = {
    "AgentConfig": "core.config",
    "AgentPanel": "magics.agent_panel",
    "AgentRunResult": "core.steps:Run",
    "AnswerCache": "extras.caching.answers",
    "Arm": "parity.arms",
    "BatchStopped": "assembly.batching",
    "Cassette": "cassettes.cassette",
    "CassetteExecutor": "cassettes.executors",
    "CassetteInvoker": "cassettes.invokers",
    "CassetteModel": "cassettes.models",
    "CompositeInvoker": "tools.composite",
    "Contexts": "kernels.contexts",
    "EchoMCP": "tools.echo",
    "ExecPanel": "magics.exec_panel",
    "ExecResult": "core.execution",
    "HttpExecutor": "kernels.http_executor",
    "HttpToolsInvoker": "tools.http_tools_invoker",
    "Limits": "core.ledger",
    "LiteAgentError": "core.errors",
    "LocalMCPInvoker": "tools.local_invoker",
    "McpInvoker": "tools.mcp_invoker",
    "ParityPanel": "magics.parity_panel",
    "Retries": "extras.batching.steady",
    "Run": "core.steps",
    "Toolbox": "tools.toolbox",
    "Transcript": "core.chat",
    "Verdict": "core.verdict",
    "acompletion_as_completed": "extras.batch",
    "arun_batch_as_completed": "assembly.batching",
    "arun_mcp_mini_agent": "assembly",
    "assemble_stream_text": "extras.response_utils",
    "augment_json_with_cost": "extras.response_utils",
    "cache_status": "extras.cache",
    "clear_cache": "extras.cache",
    "compress_image": "extras.images",
    "configure_cache": "extras.cache",
    "configure_cache_redis": "extras.cache",
    "enable_codex_agent": "provider.codex_agent",
    "extract_content": "extras.response_utils",
    "fetch_remote_image": "extras.images",
    "make_router": "models.router_core",
    "remove_cache": "extras.cache",
    "run_agent": "core.agent",
    "run_batch": "assembly.batching",
    "run_mcp_mini_agent": "assembly",
    "run_parity": "parity.runner",
    "serve_tools": "services.tools_host",
    "summarize_parity": "parity.summary:summarize",
}
"""Where each public name lives: `module`, or `module:name` where it has another name there."""

__all__ = sorted([*_HOMES, "__version__"])  # noqa: PLE0605 - one list of names, not two


def __getattr__(name: str) -> object:
    """Load a public name on first use, so that importing the package costs nothing."""
    if name == "__version__":
        return import_module("importlib.metadata").version("liteagent_nb")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, own_name = _HOMES[name].partition(":")
    value = getattr(import_module(f"{__name__}.{module}"), own_name or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names for completion."""
    return sorted([*globals(), *__all__])


def load_ipython_extension(ip: InteractiveShell) -> None:
    """`%load_ext liteagent_nb` calls this."""
    import_module(f"{__name__}.magics").load(ip)


def unload_ipython_extension(ip: InteractiveShell) -> None:
    """`%unload_ext liteagent_nb` calls this."""
    import_module(f"{__name__}.magics").unload(ip)
