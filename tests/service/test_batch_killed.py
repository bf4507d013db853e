"""A batch against a real server: killed in the middle, nothing is paid twice; and it waits as long as the server says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from liteagent_nb import AgentConfig, Retries, run_batch
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models import litellm_model  # noqa: F401 - loaded before, not between two looks at a process
from liteagent_nb.testing import ScriptedModel, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import RateLimited

TASKS = [f"task {number % 50}" for number in range(60)]  # some of them twice
AT_ONCE = 4
CHILD = """
import sys
from liteagent_nb import AgentConfig, Retries, run_batch
url, file, tasks = sys.argv[1], sys.argv[2], sys.argv[3:]
config = AgentConfig(model="openai/test-model", use_tools=False,
                     completion_kwargs={"api_base": url, "api_key": "test-key"})
run_batch(tasks, cfg=config, concurrency=4, checkpoint=file, progress=False, as_frame=False)
"""


async def echo(asked):
    return slow(0.02, asked.text.upper())


def config_for(provider):
    server = {"api_base": provider.url, "api_key": "test-key"}
    return AgentConfig(model="openai/test-model", use_tools=False, completion_kwargs=server)


def wait_until(is_so, process):
    until_s = time.monotonic() + 60
    while not is_so():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < until_s
        time.sleep(0.01)


@pytest.fixture(scope="module")
def provider():
    with serving_provider(answer=echo) as serving:
        yield serving


def asked_of(provider, start=0):
    return Counter(received.body["messages"][-1]["content"] for received in provider.requests[start:])


def test_after_a_kill_in_the_middle_the_total_is_exact_and_two_never_share_a_checkpoint(provider, tmp_path):
    file = tmp_path / "batch.jsonl"
    command = [sys.executable, "-c", CHILD, provider.url, str(file), *TASKS]

    def start():
        return run_batch(TASKS, cfg=config_for(provider), concurrency=AT_ONCE, checkpoint=file, progress=False)

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: len(provider.requests) >= 25, process)
        with pytest.raises(ConfigError, match="another batch is writing"):
            run_batch(TASKS, model=ScriptedModel(), checkpoint=file, progress=False)
        os.kill(process.pid, signal.SIGKILL)
    kept = [json.loads(line)["record"]["task"] for line in file.read_bytes().split(b"\n")[1:-1]]
    begun = len(provider.requests)
    table = start()

    assert 25 - AT_ONCE <= len(kept) < len(TASKS)
    assert begun - len(kept) <= AT_ONCE  # only what was under way is lost
    assert asked_of(provider, begun) == Counter(TASKS) - Counter(kept)  # and nothing else is asked again
    assert table.answer.tolist() == [task.upper() for task in TASKS]
    assert table.is_resumed.sum() == len(kept)
    lines = file.read_text().splitlines()[1:]
    assert len(lines) == len(TASKS)
    assert sum(json.loads(line)["record"]["completion_tokens"] for line in lines) == table.completion_tokens.sum()
    assert "test-key" not in file.read_text()


def test_a_servers_retry_after_pauses_the_whole_batch():
    limited = RateLimited(times=1, retry_after=0.4)
    with serving_provider("first", limited, answer=echo) as provider:
        table = run_batch(
            [*"abcdef"], cfg=config_for(provider), concurrency=1, retries=Retries(first_s=0.01), progress=False
        )
        began_s = [received.at_s for received in provider.requests]

    assert table.ok.all()
    assert len(began_s) == 7
    assert began_s[2] - began_s[1] >= 0.38
