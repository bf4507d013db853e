"""Random runs with every kind of fault, interrupted at every kind of place, on one event loop and its threads."""

from __future__ import annotations

import asyncio

import pytest
from checks import check, check_next_question
from hypothesis import given, settings
from leaks import nothing_is_left
from scenes import play, scenes
from toolsets import CALLS, mixed


@pytest.mark.timeout(600)  # making a failing example small takes a while
@settings(max_examples=2000)
@given(scene=scenes(CALLS))
def test_a_run_leaves_a_valid_transcript_and_nothing_else_wherever_it_is_interrupted(scene):
    with nothing_is_left(with_processes=False), asyncio.Runner() as runner:
        played = runner.run(play(scene, mixed))

        check(played)
        if played.run is not None:
            runner.run(check_next_question(played.run, mixed(played.trigger)))
