"""The fixture `agent_cassette`, in a pytest of its own: recorded once, then replayed without the model."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from liteagent_nb.cassettes.opening import VARIABLE
from liteagent_nb.testing.provider import serving_provider

TEST = """
from liteagent_nb import AgentConfig, run_mcp_mini_agent

def ask():
    kwargs = {{"api_base": "{url}", "api_key": "{key}"}}
    return run_mcp_mini_agent("what is 6 * 7?", cfg=AgentConfig(model="openai/test-model", completion_kwargs=kwargs))

def test_the_answer(agent_cassette):
    run = ask().raise_for_error()
    assert run.final_answer == "It is 42."
    assert run.is_replayed == (agent_cassette.mode == "replay")
"""


@pytest.fixture
def project(tmp_path):
    """Return a function that runs the project's tests with that cassette mode, as its own user would."""
    with serving_provider("It is 42.") as provider:
        (tmp_path / "test_it.py").write_text(TEST.format(url=provider.url, key=provider.key))
        (tmp_path / "pytest.ini").write_text("[pytest]\n")

        def run(mode=""):
            env = {name: value for name, value in os.environ.items() if name != VARIABLE}
            env |= {VARIABLE: mode} if mode else {}
            return subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:nbval", str(tmp_path)],
                cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip

        run.provider = provider
        yield run


def test_a_test_is_recorded_once_and_replayed_ever_after(project, tmp_path):
    recorded = project("record")
    assert "1 passed" in recorded.stdout, recorded.stdout
    assert (tmp_path / "cassettes" / "test_it" / "test_the_answer.cassette.json").is_file()
    asked = len(project.provider.requests)

    replayed = project()

    assert "1 passed" in replayed.stdout, replayed.stdout
    assert (asked, len(project.provider.requests)) == (1, 1)


def test_without_a_recording_it_says_how_to_make_one_and_asks_nobody(project):
    done = project()

    assert "1 error" in done.stdout
    assert "LITEAGENT_CASSETTE=record" in done.stdout
    assert project.provider.requests == []
