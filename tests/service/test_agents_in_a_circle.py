"""An agent whose model is itself, directly or by way of another agent: it is refused at once, not asked without end."""

from __future__ import annotations

import httpx
import pytest
from exec_server import serving

from liteagent_nb.provider.codex_agent import disable_codex_agent
from liteagent_nb.services.agent_proxy import create_app


@pytest.fixture(autouse=True)
def enabled(monkeypatch):
    for name in ("CODEX_AGENT_API_BASE", "CODEX_AGENT_API_KEY", "OPENAI_API_KEY", "MINI_AGENT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LITELLM_ENABLE_CODEX_AGENT", "1")
    yield
    disable_codex_agent()


def run(url, model, base):
    body = {"messages": [{"role": "user", "content": "hi"}], "model": model, "completion_kwargs": {"api_base": base}}
    return httpx.post(f"{url}/agent/run", json={**body, "tool_backend": "none"}, timeout=30)


@pytest.mark.parametrize("model", ["codex-agent/codex-agent/mini", "openai/codex-agent/mini"])
def test_an_agent_whose_model_is_itself_is_refused(model, monkeypatch):
    with serving(create_app()) as url:
        monkeypatch.setenv("CODEX_AGENT_API_BASE", url)

        answer = run(url, model, f"{url}/v1")

    assert answer.status_code >= 400, answer.text
    assert "itself" in answer.json()["error"]["message"]


def test_two_agents_that_would_ask_each_other_are_refused(monkeypatch):
    with serving(create_app()) as first, serving(create_app()) as second:
        monkeypatch.setenv("CODEX_AGENT_API_BASE", first)

        answer = run(first, "codex-agent/codex-agent/mini", second)

    assert answer.status_code >= 400, answer.text
    assert "itself" in answer.json()["error"]["message"]
