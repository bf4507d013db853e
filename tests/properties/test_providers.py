"""Random runs over real sockets: a strict provider with its faults, interrupted; no request and no connection stays."""

from __future__ import annotations

import asyncio
import threading
import time
from urllib.parse import urlsplit

import pytest
from checks import check, check_next_question
from hypothesis import given, settings
from hypothesis import strategies as st
from leaks import connections_to
from scenes import AGAIN, CONFIGS, HABITS, INTERRUPTS, TEXTS, Interrupt, Scene, play
from toolsets import CALLS, mixed

from liteagent_nb.core.chat import Transcript
from liteagent_nb.models.litellm_model import LitellmModel
from liteagent_nb.testing import breaks_off, calls, endless, slow
from liteagent_nb.testing.provider import serving_provider
from liteagent_nb.testing.provider_faults import Garbage, RateLimited, ServerError, expanded

WIRE_TEXTS = TEXTS.map(lambda text: text or "…")
ASKING = st.builds(lambda asked, text: calls(*asked, text=text), st.lists(CALLS, min_size=1, max_size=3), TEXTS)
FAULTS = st.one_of(
    st.sampled_from(
        [
            RateLimited(retry_after=0),
            RateLimited(retry_after=3600),
            ServerError(500),
            ServerError(503, body=b"<html>gone</html>"),
            Garbage(),
            Garbage(b"", "text/event-stream"),
            Garbage(b"data: {}\n\n"),
            Garbage(b"\xff\xfe", "application/json"),
            endless("so on "),
        ]
    ),
    st.builds(breaks_off, ASKING | WIRE_TEXTS),
    st.builds(lambda line: slow(0.01, line, each_s=0.005), ASKING | WIRE_TEXTS),
)
LINES = st.lists(ASKING | FAULTS | WIRE_TEXTS, min_size=1, max_size=4)
WHERE = st.builds(Interrupt, st.just("ms"), st.integers(0, 60), AGAIN) | INTERRUPTS
SCENES = st.builds(Scene, st.just(Transcript.of("task")), LINES, CONFIGS, HABITS, WHERE, st.none())


@pytest.fixture(scope="module")
def provider():
    with serving_provider(answer="on it goes") as provider:
        yield provider


@pytest.fixture(scope="module")
def runner(provider):
    """One event loop for all: pooled connections belong to one."""
    with asyncio.Runner() as runner:
        yield runner


def model_at(provider, *, retries):
    kwargs = {"api_base": provider.url, "api_key": provider.key, "num_retries": retries}
    return LitellmModel("openai/test-model", kwargs)


def until(condition, *, within_s=2.0):
    end = time.monotonic() + within_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def started_since(before):
    """Return our own threads that are not of *before*: tests of other files may have left the loop that is kept."""
    return [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("liteagent")]


@pytest.mark.timeout(600)  # making a failing example small takes a while
@settings(max_examples=150)
@given(scene=SCENES, retries=st.sampled_from([0, 0, 1]), cut_bytes=st.sampled_from([None, 7]))
def test_a_run_leaves_no_request_and_no_connection_wherever_it_is_interrupted(
    provider, runner, scene, retries, cut_bytes
):
    before = set(threading.enumerate())
    provider._script[:] = expanded(scene.script)
    provider._cut_bytes, provider._chunk_chars = cut_bytes, scene.habits.chunk_chars
    provider.requests.clear()

    # Closing a connection may take longer than a run waits for it; it goes on in the background.
    played = runner.run(play(scene, mixed, model=model_at(provider, retries=retries), settle_s=2.0))

    provider._script.clear()
    check(played)
    assert provider.violations == []
    assert all(request.ended.wait(2.0) for request in provider.requests), "a request goes on"
    # The pool keeps one for the next request; a second one is one that nobody closed.
    port = urlsplit(provider.url).port
    assert until(lambda: len(connections_to(port)) <= 1)
    assert until(lambda: not started_since(before))
    if played.run is not None:
        model = model_at(provider, retries=0)
        runner.run(check_next_question(played.run, mixed(played.trigger), model=model))
