"""The stage on which a Router's cores are compared."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def theatre():
    """Return where cases are played, with callbacks of litellm that note what they are told."""
    from router_seen import Recorder, Theatre
    from scripted_wire import serving_wire

    from liteagent_nb.models.quiet_litellm import litellm
    from liteagent_nb.models.router_core import make_router

    before = list(litellm.callbacks)
    recorder = Recorder()
    litellm.callbacks.append(recorder)
    with serving_wire() as wire:
        yield Theatre(wire, recorder, make_router)
    litellm.callbacks[:] = before
