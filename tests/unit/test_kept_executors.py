from __future__ import annotations

import pytest

from liteagent_nb.core.portal import Portal
from liteagent_nb.magics.executors import Executors, Place


class Closing:
    """What is closed by an executor's `aclose`: nothing, but it says so."""

    def __init__(self, **_place):
        self.closings = 0

    async def aclose(self):
        self.closings += 1


@pytest.fixture
def portal():
    portal = Portal()
    yield portal
    portal.close()


def test_where_nothing_was_run_nothing_is_started_to_close_it(portal):
    executors = Executors(portal, Closing)
    made = executors[Place()]

    executors.close()

    assert not portal.is_open  # at exit no thread could be started
    assert (made.closings, executors.made) == (0, {})


def test_where_something_was_run_each_is_closed_once(portal):
    async def nothing():
        pass

    executors = Executors(portal, Closing)
    made = executors[Place()]
    portal.wait_for(nothing())

    executors.close()
    executors.close()

    assert portal.is_open
    assert made.closings == 1
