"""Ours: `run_agent` with `LitellmModel`, whatever path it takes by itself, and a watcher that is told every piece."""

from __future__ import annotations

from task import KEY, PROMPT

from liteagent_nb import AgentConfig, Toolbox, Transcript, run_agent
from liteagent_nb.models.litellm_model import LitellmModel


def model_for(task, settings):
    return LitellmModel(f"openai/{task.model}", {"api_base": task.base_url(), "api_key": KEY, **settings})


def config_for(task):
    """Return limits that this conversation does not meet; tools of one turn run at once."""
    most = task.most_steps
    return AgentConfig(
        max_iterations=most,
        stagnation_window=most,
        max_tools_per_iter=max(4, task.calls),
        tool_concurrency=task.calls,
        max_history_messages=999,
        hard_char_budget=10**6,
    )


def conversation(task, *, settings=None):
    model = model_for(task, settings or {})
    tools, config = Toolbox([task.tool()]), config_for(task)

    async def converse():
        told = []
        run = await run_agent(Transcript.of(PROMPT), model=model, tools=tools, config=config, watch=told.append)
        assert len(told) >= task.pieces
        return run.raise_for_error().final_answer

    return converse
