"""Which requests go directly to their server, and why the others do not."""

from __future__ import annotations

import logging

import pytest

from liteagent_nb.core.chat import Transcript
from liteagent_nb.models.direct.choice import configured_names, direct_or_none, why_through_litellm
from liteagent_nb.models.direct.request import translated
from liteagent_nb.models.quiet_litellm import litellm

PICTURE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}]}


def request_with(**more):
    fixed = {"stream": True, "stream_options": {"include_usage": True}, "max_retries": 0}
    named = {"model": "openai/test-model", "messages": list(Transcript.of("hi")), "api_base": "http://127.0.0.1:1/v1"}
    return {**named, **fixed, "api_key": "some-key", **more}


def why(provider="openai", configured=(), **more):
    return why_through_litellm(provider=provider, request=request_with(**more), configured=lambda: configured)


def test_a_plain_request_goes_directly():
    assert why(temperature=0, timeout=3, tools=[], extra_headers={"x": "y"}) == ""


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"provider": "anthropic"}, "anthropic"),
        ({"configured": ["success_callback", "cache"]}, "cache, success_callback"),
        ({"mock_response": "hi"}, "mock_response"),
        ({"fallbacks": ["x"], "surprise": 1}, "fallbacks, surprise"),
        ({"custom_llm_provider": "groq"}, "custom_llm_provider"),
        ({"reasoning_effort": "low"}, "reasoning_effort"),
        ({"timeout": object()}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"response_format": dict}, "response_format"),
        ({"messages": [PICTURE]}, "message"),
        ({"messages": [{"role": "developer", "content": "be brief"}]}, "message"),
        ({"messages": [{"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}}]}, "message"),
    ],
)
def test_what_only_litellm_can_do_is_named(case, words):
    assert words in why(**case)


def test_litellm_as_it_comes_has_nothing_configured():
    assert configured_names() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("callbacks", ["langfuse"]),
        ("success_callback", [print]),
        ("failure_callback", [print]),
        ("cache", object()),
        ("drop_params", True),
        ("model_fallbacks", ["openai/x"]),
        ("headers", {"x": "y"}),
        ("api_base", "http://example.org"),
        ("request_timeout", 3.0),
        ("ssl_verify", False),
        ("custom_provider_map", [{"provider": "openai", "custom_handler": None}]),
    ],
)
def test_what_somebody_set_on_litellm_is_seen(name, value, monkeypatch):
    monkeypatch.setattr(litellm, name, value)

    assert configured_names() == [name]
    assert direct_or_none(provider="openai", request=request_with()) is None


def test_another_provider_of_ones_own_changes_nothing_for_openai(monkeypatch):
    monkeypatch.setattr(litellm, "custom_provider_map", [{"provider": "mine", "custom_handler": None}])

    assert configured_names() == []


@pytest.mark.parametrize(
    "more",
    [
        {"model": "openai/o1", "temperature": 0.5},
        {"model": "openai/o1-pro"},
        {"model": "openai/responses/gpt-4o"},
        {"api_base": "http://127.0.0.1:1/v1?version=3"},
        {"extra_body": {"x": object()}},
        {"messages": [{"role": "user", "content": "half a pair: \ud800"}]},
    ],
    ids=["a parameter it has not", "another API", "another API by name", "a query", "no JSON", "half a character"],
)
def test_what_is_no_plain_post_is_left_to_litellm(more, caplog):
    assert direct_or_none(provider="openai", request=request_with(**more)) is None
    assert caplog.records == []


@pytest.mark.parametrize("variable", ["OPENAI_CUSTOM_HEADERS", "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER"])
def test_a_variable_that_sends_something_else_is_left_to_litellm(variable, monkeypatch):
    monkeypatch.setenv(variable, "true")

    assert translated(request_with()) is None


def test_a_proxy_is_left_to_litellm(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "inside.example")

    assert translated(request_with(api_base="https://outside.example/v1")) is None
    assert translated(request_with(api_base="https://inside.example/v1")) is not None


def test_a_key_that_changes_in_the_environment_is_seen(monkeypatch):
    request = {name: value for name, value in request_with().items() if name != "api_key"}
    sent = []
    for key in ("first-key", "second-key"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        sent.append(translated(request).headers["Authorization"])

    assert sent == ["Bearer first-key", "Bearer second-key"]


def test_a_litellm_that_has_changed_inside_is_told_once(caplog):
    def moved(_request):
        raise AttributeError("module 'litellm' has no attribute 'map_openai_params'")

    with caplog.at_level(logging.WARNING):
        results = [direct_or_none(provider="openai", request=request_with(), translate=moved) for _ in range(3)]

    assert results == [None] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "map_openai_params" in caplog.text
