"""The same questions to the same servers by either core of a Router: callers, callbacks and servers see the same."""

from __future__ import annotations

import pytest
from router_cases import GROUPS
from router_seen import Recorder, Theatre
from scripted_wire import serving_wire

from liteagent_nb.models.quiet_litellm import litellm

try:
    from liteagent_nb import make_router
except ImportError:
    def make_router(model_list, core, **more):
        return litellm.Router(model_list, **more)

pytestmark = pytest.mark.asyncio(loop_scope="module")
CORES = ("legacy", "extracted")
CASES = {case.name: (group, case) for group, cases in GROUPS.items() for case in cases}


@pytest.fixture(scope="module")
def theatre():
    before = list(litellm.callbacks)
    recorder = Recorder()
    litellm.callbacks.append(recorder)
    with serving_wire() as wire:
        yield Theatre(wire, recorder, make_router)
    litellm.callbacks[:] = before


@pytest.fixture(scope="module")
def played(theatre):
    """Return a function that returns what came of a case: its whole group is played with it, at once."""
    groups = {}

    async def play(name):
        group, _ = CASES[name]
        if group not in groups:
            groups[group] = await theatre.play(GROUPS[group], CORES)
        return groups[group][name]

    return play


@pytest.mark.parametrize("name", CASES)
async def test_both_cores_let_the_same_be_seen(played, name):
    shown = await played(name)

    assert shown.differences == {core: [] for core in CORES[1:]}
