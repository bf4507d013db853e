"""The stage on which a Router's cores are compared."""

from __future__ import annotations

import pytest

LISTS = (
    "callbacks input_callback success_callback failure_callback _async_success_callback _async_failure_callback".split()
)
"""litellm puts what is in the first one into the others, with the first question."""


@pytest.fixture(scope="module")
def theatre():
    """Return where cases are played, with callbacks of litellm that note what they are told."""
    from router_seen import Recorder, Theatre
    from scripted_wire import serving_wire

    from liteagent_nb.models.quiet_litellm import litellm
    from liteagent_nb.models.router_core import make_router

    before = {name: list(getattr(litellm, name)) for name in LISTS}
    recorder = Recorder()
    litellm.callbacks.append(recorder)
    with serving_wire() as wire:
        yield Theatre(wire, recorder, make_router)
    for name, callbacks in before.items():
        getattr(litellm, name)[:] = callbacks
