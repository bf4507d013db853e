"""Tools that are called only where somebody says yes."""

from __future__ import annotations

import asyncio
import time

import pytest

from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.testing import ScriptedModel, call
from liteagent_nb.tools.approving import ApprovingInvoker
from liteagent_nb.tools.toolbox import Toolbox

CONFIG = AgentConfig(tool_timeout_sec=0.2)


def double(n: int) -> int:
    """Double it."""
    return n * 2


def nap(seconds: float) -> str:
    """Sleep."""
    time.sleep(seconds)
    return "rested"


def asking(answer, *, names=("all",), wait_s=0.0):
    asked = []

    async def ask(name, arguments):
        asked.append((name, dict(arguments)))
        await asyncio.sleep(wait_s)
        return answer

    return ApprovingInvoker(Toolbox([double, nap]), ask, names=names, timeout_s=CONFIG.tool_timeout_sec), asked


async def run(tools, *calls):
    model = ScriptedModel(*calls, "done")
    return await run_agent(Transcript.of("go"), model=model, tools=tools, config=CONFIG)


async def test_a_call_that_is_allowed_runs_and_was_asked_for_with_its_arguments():
    tools, asked = asking("")

    done = await run(tools, call("double", n=21))

    assert done.tool_invocations[0].result == 42
    assert asked == [("double", {"n": 21})]


async def test_a_call_that_is_refused_is_an_observation_and_the_model_goes_on():
    tools, _ = asking("the user said no")

    done = await run(tools, call("double", n=21))

    assert done.tool_invocations[0].error == "the user said no"
    assert "the user said no" in done.tool_invocations[0].message
    assert done.final_answer == "done"


async def test_waiting_for_an_answer_does_not_count_as_the_tools_time():
    tools, _ = asking("", wait_s=0.8)

    done = await run(tools, call("double", n=21))

    assert done.tool_invocations[0].result == 42
    assert done.tool_invocations[0].t_ms < 700


async def test_a_call_that_was_allowed_has_its_limit():
    tools, _ = asking("")

    done = await run(tools, call("nap", seconds=5))

    assert "timeout after 0.2s" in done.tool_invocations[0].error
    assert done.ttotal_ms < 4_000


async def test_only_the_named_tools_are_asked_for():
    tools, asked = asking("no", names=("nap",))

    done = await run(tools, call("double", n=21), call("nap", seconds=0))

    assert [invocation.ok for invocation in done.tool_invocations] == [True, False]
    assert [name for name, _ in asked] == ["nap"]


async def test_a_name_that_no_tool_has_is_refused_before_anything_is_sent():
    tools, _ = asking("", names=("duoble",))

    with pytest.raises(ConfigError, match="no tool is named duoble"):
        await run(tools)
