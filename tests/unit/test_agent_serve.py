"""`%agent serve` in a real IPython shell, asked over real HTTP by OpenAI's own client."""

from __future__ import annotations

import socket

import httpx
import pytest
from openai import OpenAI

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.testing import ScriptedModel, call


def parcel_price(weight_kg: float) -> str:
    """Price of a parcel."""
    return f"{4.5 + 1.2 * weight_kg:.2f} EUR"


@pytest.fixture(autouse=True)
def own_token(monkeypatch):
    monkeypatch.setenv("MINI_AGENT_API_KEY", "a-token-of-tests")
    monkeypatch.delenv("LITEAGENT_CASSETTE", raising=False)


def test_another_program_asks_this_notebooks_agent_which_uses_its_functions(new_notebook):
    model = ScriptedModel(call("parcel_price", weight_kg=3), "It costs 8.10 EUR.")
    notebook = new_notebook(m=model, parcel_price=parcel_price)

    notebook.run("host = %agent -m m --tool parcel_price serve")
    host = notebook.ns["host"]

    assert f"base_url {host.url}/v1" in notebook.shown
    assert "parcel_price" in notebook.shown
    assert host.token not in notebook.shown + repr(host)
    client = OpenAI(base_url=f"{host.url}/v1", api_key=host.token, max_retries=0)
    chunks = client.chat.completions.create(
        model="mini", messages=[{"role": "user", "content": "A parcel of 3 kg?"}], stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "It costs 8.10 EUR."
    client.close()
    assert notebook.run("1 + 1") == 2


def test_who_has_no_token_is_refused(new_notebook):
    notebook = new_notebook(m=ScriptedModel("Yes."))
    notebook.run("host = %agent -m m serve")

    answer = httpx.post(f"{notebook.ns['host'].url}/agent/run", json={"messages": [{"role": "user", "content": "?"}]})

    assert answer.status_code == 401


@pytest.mark.parametrize("end", ["%agent serve stop", "%unload_ext liteagent_nb"])
def test_it_ends_when_it_is_told_to_and_with_the_extension(new_notebook, end):
    notebook = new_notebook(m=ScriptedModel("Yes."))
    notebook.run("host = %agent -m m serve")
    host = notebook.ns["host"]
    assert httpx.get(f"{host.url}/health").status_code == 200

    notebook.run(end)

    assert not host.is_open
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{host.url}/health")


def test_once_it_serves_the_same_words_tell_where(new_notebook):
    notebook = new_notebook(m=ScriptedModel("Yes."))
    notebook.run("first = %agent -m m serve")

    notebook.run("second = %agent -m m serve")

    assert notebook.ns["second"] is notebook.ns["first"] is notebook.ns["_agent_host"]
    told = notebook.fails("%agent serve --port 8788", ConfigError)
    assert notebook.ns["first"].url in str(told)


def test_a_port_that_is_taken_is_said(new_notebook):
    notebook = new_notebook(m=ScriptedModel("Yes."))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = notebook.fails(f"%agent -m m serve --port {taken.getsockname()[1]}", ConfigError)

    assert "cannot be bound" in str(told)
    notebook.run("%agent serve stop")
    assert "Nothing was served" in notebook.shown


@pytest.mark.parametrize("words", ["--prt 1", "--port x", "--port 70000", "--port", "--mcp now"])
def test_words_that_mean_nothing_are_refused(new_notebook, words):
    told = new_notebook().fails(f"%agent serve {words}", ConfigError)

    assert "%agent serve stop" in told.hint


def test_serve_me_a_joke_is_a_task(new_notebook):
    notebook = new_notebook(m=ScriptedModel("Knock, knock."))

    assert notebook.run("%agent -m m serve me a joke").final_answer == "Knock, knock."
    assert notebook.ns.get("_agent_host") is None


def test_an_agent_of_this_notebook_is_asked_like_every_other_model(new_notebook, monkeypatch):
    monkeypatch.setenv("LITELLM_ENABLE_CODEX_AGENT", "1")
    notebook = new_notebook(m=ScriptedModel("It is 42."))
    notebook.run("host = %agent -m m serve")

    run = notebook.run("%agent -m codex-agent/mini --api-base $host --no-tools what is 6 * 7?")

    assert (run.final_answer, run.used_model) == ("It is 42.", "codex-agent/mini")
    assert notebook.ns["host"].token not in notebook.shown
