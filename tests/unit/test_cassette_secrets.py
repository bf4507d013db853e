"""No secret gets onto a cassette: planted in headers, keys, messages, tool output, arguments and the environment."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liteagent_nb import AgentConfig, Cassette, Toolbox, Transcript
from liteagent_nb.assembly import Maker, maker_of, run_wired, wired
from liteagent_nb.cassettes.masking import Mask
from liteagent_nb.core.redaction import redact
from liteagent_nb.testing import ScriptedModel, call, calls
from liteagent_nb.testing.provider import serving_provider

KEY = "planted-Key-4711"
HEADER = "planted-Header-4711"
COOKIE = "planted-Cookie-4711"
VARIABLE = "planted-Variable-4711"
HEADERS_VARIABLE = "planted-Json-4711"
SHAPED = "sk-proj-" + "Planted4711Planted4711"
GITHUB = "ghp_" + "Planted4711Planted4711"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJwbGFudGVkIjoiNDcxMSJ9.planted4711"
IN_URL = "planted-Url-4711"
NAMED = "planted-Named-4711"
PLANTED = (KEY, HEADER, COOKIE, VARIABLE, HEADERS_VARIABLE, SHAPED, GITHUB, JWT, IN_URL, NAMED)


def leak() -> str:
    """Print what a careless tool prints."""
    return f"env: {VARIABLE} {HEADERS_VARIABLE} {SHAPED}\nAuthorization: Bearer {HEADER}\nhttps://me:{IN_URL}@host/x\n{JWT}"


def leak_record(password: str) -> dict:
    """Return a record with keys in it."""
    return {
        "api_key": NAMED,
        "deep": [{"token": GITHUB, "note": f"password={NAMED}"}],
        "text": f'{{"secret": "{NAMED}"}}',
    }


def raise_it() -> str:
    """Fail with a key in the message."""
    raise RuntimeError(f"refused for {KEY} and {GITHUB}")


TASK = f"My key is {SHAPED}, my other {KEY}; use token={NAMED} and {VARIABLE}."
SCRIPT = (
    calls(call("leak"), call("leak_record", password=NAMED), call("raise_it"), text=f"I will use {SHAPED} now."),
    f"Done with {GITHUB}, {VARIABLE} and {JWT}.",
)


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("MY_SERVICE_TOKEN", VARIABLE)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("MINI_AGENT_TOOL_HTTP_HEADERS", json.dumps({"X-Own": f"Bearer {HEADERS_VARIABLE}"}))
    return monkeypatch


def leaked(text):
    return [secret for secret in PLANTED if secret in text]


async def test_a_run_over_http_leaves_none_of_its_secrets_on_the_cassette(tmp_path, environment):
    path = tmp_path / "a.cassette.json"
    with serving_provider(*SCRIPT, key=KEY, chunk_chars=3) as provider:
        kwargs = {
            "api_base": provider.url,
            "api_key": KEY,
            "extra_headers": {"X-Secret": f"Bearer {HEADER}", "Cookie": COOKIE},
        }
        config = AgentConfig(model="openai/test-model", completion_kwargs=kwargs, temperature=0.0)
        wires = wired(
            maker_of(config.model, kwargs), Toolbox([leak, leak_record, raise_it]), cassette=Cassette(path, "record")
        )
        done = await run_wired(Transcript.of(TASK), wires, config=config, watch=lambda event: None)
        assert done.raise_for_error().stopped_reason == "success"
        sent = provider.requests[0].headers
    assert sent["x-secret"] == f"Bearer {HEADER}"  # it was really sent

    text = path.read_text()

    assert leaked(text) == []
    assert "***" in text
    assert "Done with" in text


async def test_and_it_is_replayed_where_none_of_the_secrets_are_known(tmp_path, environment):
    path = tmp_path / "a.cassette.json"
    tools = Toolbox([leak, leak_record, raise_it])
    task = "Go on."
    recorded = await _run(path, "record", ScriptedModel(*SCRIPT), tools, task)
    for name in ("MY_SERVICE_TOKEN", "OPENAI_API_KEY", "MINI_AGENT_TOOL_HTTP_HEADERS"):
        environment.delenv(name)

    again = await _run(path, "replay", ScriptedModel(), tools, task)

    assert again.stopped_reason == "success"
    assert leaked(json.dumps(again.messages)) == []
    assert [i.observation for i in again.tool_invocations] == [i.observation for i in recorded.tool_invocations]


async def test_what_a_tool_brings_back_is_masked_in_the_recording_run_too(tmp_path, environment):
    model = ScriptedModel(*SCRIPT)

    done = await _run(tmp_path / "a.cassette.json", "record", model, Toolbox([leak, leak_record, raise_it]), "go")

    told = json.dumps([m for m in model.asked[-1].transcript if m["role"] == "tool"])
    assert leaked(told) == []
    assert [i.name for i in done.tool_invocations] == ["leak", "leak_record", "raise_it"]


async def _run(path, mode, model, tools, task):
    wires = wired(Maker("scripted", lambda: model), tools, cassette=Cassette(path, mode))
    return await run_wired(Transcript.of(task), wires, config=AgentConfig(), watch=lambda event: None)


def test_json_inside_text_stays_json():
    arguments = json.dumps({"code": f'api_key="{NAMED}"\nprint(1)', "password": NAMED, "n": 1})

    masked = Mask().text(arguments)

    assert NAMED not in masked
    assert json.loads(masked)["password"] == "***"
    assert json.loads(masked)["n"] == 1


def test_a_text_without_secrets_stays_as_it_is_to_the_letter():
    text = '{"b":1,  "a": "x"}'

    assert Mask().text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"api_key={NAMED}", f'"api_key": "{NAMED}"', f'{{\\"api_key\\": \\"{NAMED}\\"}}', f"X-Api-Key: {NAMED}",
        f"authorization: Basic {NAMED}", f"Bearer {NAMED}", f"export MY_SECRET='{NAMED}'", f"postgres://u:{NAMED}@h/db",
    ],
)  # fmt: skip
def test_a_secret_that_its_name_gives_away_is_masked(text):
    assert NAMED not in redact(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["api_key", "=", ":", " ", '"', "\\", "Bearer ", "sk-abcdefghij", "secret", "x1", "{", "}", "***", "\n", "://u:", "@h"]), max_size=12).map("".join))  # fmt: skip
def test_masking_what_is_masked_changes_nothing(text):
    mask = Mask(["hidden-value"])
    once = mask.text(text)

    assert mask.text(once) == once


def test_short_values_of_the_environment_are_not_taken_for_secrets(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_TOKEN", "false")

    assert Mask().text("it is false") == "it is false"
