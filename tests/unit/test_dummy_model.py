from __future__ import annotations

import pytest

from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models.dummy import DummyModel


@pytest.mark.parametrize("name", ["dummy", "noop"])
async def test_an_allowed_stub_answers_and_says_what_it_is(monkeypatch, name):
    monkeypatch.setenv("MINI_AGENT_ALLOW_DUMMY", "1")

    text = "".join([delta.text async for delta in DummyModel(name).stream(Transcript.of("hi"), (), {})])

    assert "stub" in text
    assert name in text


def test_a_stub_that_is_not_allowed_names_the_variable(monkeypatch):
    monkeypatch.delenv("MINI_AGENT_ALLOW_DUMMY", raising=False)

    with pytest.raises(ConfigError) as caught:
        DummyModel("dummy")

    assert "MINI_AGENT_ALLOW_DUMMY=1" in caught.value.hint
