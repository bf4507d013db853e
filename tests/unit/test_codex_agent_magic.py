"""`%%agent --model codex-agent/…`."""

from __future__ import annotations

import pytest

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.provider.codex_agent import disable_codex_agent
from liteagent_nb.testing.provider import serving_provider


@pytest.fixture(autouse=True)
def switched_off(monkeypatch):
    for name in ("LITELLM_ENABLE_CODEX_AGENT", "CODEX_AGENT_API_BASE", "CODEX_AGENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    disable_codex_agent()
    yield
    disable_codex_agent()


def test_a_cell_asks_the_agent_at_the_address_that_it_names(notebook, monkeypatch):
    monkeypatch.setenv("LITELLM_ENABLE_CODEX_AGENT", "1")
    monkeypatch.setenv("CODEX_AGENT_API_KEY", "test-key")
    with serving_provider("hello", models=("mini",)) as provider:
        run = notebook.run(f"%%agent --model codex-agent/mini --api-base {provider.url} --no-tools\nSay hello.")

    assert (run.stopped_reason, run.final_answer) == ("success", "hello")


def test_a_cell_says_how_to_switch_it_on_and_where_to_name_its_address(notebook, monkeypatch):
    off = notebook.fails("%%agent --model codex-agent/mini\nSay hello.", ConfigError)
    monkeypatch.setenv("LITELLM_ENABLE_CODEX_AGENT", "1")
    homeless = notebook.fails("%%agent --model codex-agent/mini\nSay hello.", ConfigError)

    assert "LITELLM_ENABLE_CODEX_AGENT=1" in off.hint
    assert "CODEX_AGENT_API_BASE" in homeless.hint
