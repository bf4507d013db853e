from __future__ import annotations

import pytest

from liteagent_nb.core.redaction import redact


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: topsecretvalue1.",
        "Authorization: Bearer topsecretvalue1",
        "{'Authorization': 'Bearer topsecretvalue1'}",
        'api_key="topsecretvalue1", model=x',
        "?api-key=topsecretvalue1&x=1",
        "OPENAI_API_KEY=topsecretvalue1",
        '"password": "topsecretvalue1"',
        "https://me:topsecretvalue1@host/v1",
        "sk-topsecretvalue1",
        "gsk_topsecretvalue1",
        "Basic topsecretvalue1==",
    ],
)
def test_what_looks_like_a_key_is_masked(text):
    masked = redact(text)

    assert "topsecretvalue1" not in masked
    assert "***" in masked


def test_given_secrets_are_masked_whatever_they_look_like():
    assert redact("no: blue elephant!", ["blue elephant"]) == "no: ***!"
    assert redact("longer-secret, longer", ["longer", "longer-secret"]) == "***, ***"


@pytest.mark.parametrize(
    "text", ["none of it", "The key is missing", "ask-me-anything", "the risk-averse agent", "token limit: 3"]
)
def test_plain_words_stay(text):
    assert redact(text, ["", "none"]) == text
