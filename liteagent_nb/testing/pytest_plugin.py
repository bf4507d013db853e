"""The pytest fixture `agent_cassette`: a test's own recording, in a file beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from liteagent_nb import environment
from liteagent_nb.cassettes.cassette import SUFFIX
from liteagent_nb.cassettes.opening import VARIABLE, open_cassette, read_choice

if TYPE_CHECKING:
    from liteagent_nb.cassettes.cassette import Cassette

__all__ = ["agent_cassette"]


@pytest.fixture
def agent_cassette(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cassette:
    """Return the test's cassette, `cassettes/test_file/test_name.cassette.json`, which its agents use by themselves.

    It replays, and asks nobody; `LITEAGENT_CASSETTE=record pytest` (or `auto`) records it.
    """
    words = environment.text(VARIABLE)
    mode = read_choice(words)[0] if words else "replay"
    name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    path = request.path.parent / "cassettes" / request.path.stem / f"{name}{SUFFIX}"
    cassette = open_cassette(path, mode, anew=True)
    monkeypatch.setenv(VARIABLE, f"{mode}:{path}")
    return cassette
