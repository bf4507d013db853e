from __future__ import annotations

import pytest

from liteagent_nb import AgentConfig, AgentRunResult, LocalMCPInvoker, Toolbox, arun_mcp_mini_agent, run_mcp_mini_agent
from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model, make_invoker, make_model
from liteagent_nb.core.errors import ConfigError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("LITELLM_DEFAULT_MODEL", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MINI_AGENT_ALLOW_DUMMY"):
        monkeypatch.delenv(name, raising=False)


def test_the_option_comes_before_the_trait_before_the_variable_before_the_embedded_model(monkeypatch):
    assert choose_model().name == EMBEDDED_MODEL
    monkeypatch.setenv("LITELLM_DEFAULT_MODEL", "openai/from-variable")
    assert choose_model().name == "openai/from-variable"
    assert choose_model(None, "openai/from-trait").name == "openai/from-trait"
    assert choose_model("openai/option", "openai/from-trait").name == "openai/option"


def test_it_says_why_and_never_shows_a_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")

    why = choose_model().why

    assert "OPENAI_API_KEY" in why
    assert "secret" not in why


def test_dummy_answers_only_when_allowed_and_says_that_it_is_a_stub(monkeypatch):
    with pytest.raises(ConfigError) as caught:
        run_mcp_mini_agent("hi", cfg=AgentConfig(model="dummy"))
    assert "MINI_AGENT_ALLOW_DUMMY" in f"{caught.value} {caught.value.hint}"

    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")
    done = run_mcp_mini_agent("hi", cfg=AgentConfig(model="dummy"))
    assert isinstance(done, AgentRunResult)
    assert done.stopped_reason == "success"
    assert "stub" in done.final_answer.lower()


async def test_the_sync_form_works_twice_inside_a_running_loop(monkeypatch):
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")
    messages = [{"role": "user", "content": "hi"}]

    first = run_mcp_mini_agent(messages, mcp=LocalMCPInvoker(), cfg=AgentConfig(model="dummy"))
    second = run_mcp_mini_agent(messages, mcp=LocalMCPInvoker(), cfg=AgentConfig(model="dummy"))
    third = await arun_mcp_mini_agent(messages, mcp=LocalMCPInvoker(), cfg=AgentConfig(model="dummy"))

    assert first.final_answer == second.final_answer == third.final_answer


async def test_functions_stand_beside_the_local_tools():
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"sunny in {city}"

    invoker = make_invoker(AgentConfig(shell_allow_prefixes=("echo", "ls")), [weather])

    names = [tool.name for tool in await invoker.list_tools()]
    assert {"weather", "exec_python", "exec_shell", "exec_code", "research_echo", "compress_runs"} == set(names)
    assert (await invoker.call_tool("weather", {"city": "Oslo"}, timeout_s=5)).text == "sunny in Oslo"


def test_a_scripted_model_is_no_name():
    with pytest.raises(ConfigError):
        make_model("nonsense/model-x")


async def test_a_toolbox_is_an_invoker_of_its_own():
    assert [tool.name for tool in await Toolbox([len]).list_tools()] == ["len"]


async def test_the_config_reaches_the_local_tools():
    strict = make_invoker(AgentConfig())
    loose = make_invoker(AgentConfig(shell_allow_prefixes=("ls",), tool_timeout_sec=0.2))

    assert not (await strict.call_tool("exec_shell", {"cmd": "ls /"}, timeout_s=5)).ok
    assert (await loose.call_tool("exec_shell", {"cmd": "ls /"}, timeout_s=5)).ok
    late = await loose.call_tool("exec_python", {"code": "import time; time.sleep(5)"}, timeout_s=5)
    assert (late.rc, late.error) == (-1, "timeout after 0.2s")


def test_the_stronger_model_is_made_by_its_name(monkeypatch):
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")
    config = AgentConfig(model="dummy", escalate_model="noop", escalate_on_budget_exceeded=True, max_iterations=1)

    assert run_mcp_mini_agent("hi", cfg=config).used_model == "noop"
