"""Who is wired to whom: the only place that knows every implementation. What is heavy loads when it is first wired."""

from __future__ import annotations

from liteagent_nb.assembly.making_executors import make_executor, make_run_context
from liteagent_nb.assembly.making_models import (
    EMBEDDED_MODEL,
    Maker,
    ModelChoice,
    about_model,
    choose_model,
    has_embedded_model,
    make_model,
    maker_of,
    priced,
)
from liteagent_nb.assembly.making_tools import (
    Closing,
    make_far_invoker,
    make_http_tools,
    make_invoker,
    make_mcp_invoker,
)
from liteagent_nb.assembly.running import arun_mcp_mini_agent, run_mcp_mini_agent, run_wired
from liteagent_nb.assembly.wiring import Wires, wired

__all__ = [
    "EMBEDDED_MODEL",
    "Closing",
    "Maker",
    "ModelChoice",
    "Wires",
    "about_model",
    "arun_mcp_mini_agent",
    "choose_model",
    "has_embedded_model",
    "make_executor",
    "make_far_invoker",
    "make_http_tools",
    "make_invoker",
    "make_mcp_invoker",
    "make_model",
    "make_run_context",
    "maker_of",
    "priced",
    "run_mcp_mini_agent",
    "run_wired",
    "wired",
]
