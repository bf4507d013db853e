"""The stage on which a Router's cores are compared."""

from __future__ import annotations

import httpx
import pytest_asyncio

LISTS = (
    "callbacks input_callback success_callback failure_callback _async_success_callback _async_failure_callback".split()
)
"""litellm puts what is in the first one into the others, with the first question."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def theatre():
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
        await close_clients(litellm)
    for name, callbacks in before.items():
        getattr(litellm, name)[:] = callbacks


async def close_clients(litellm):
    """Close the clients that litellm keeps, on the loop that they belong to: nobody could do it later."""
    kept = litellm.in_memory_llm_clients_cache
    handlers = list(kept.cache_dict.values())
    await litellm.close_litellm_async_clients()
    for handler in handlers:
        client = getattr(handler, "_client", None) or getattr(handler, "client", None)
        if isinstance(client, httpx.Client):
            client.close()
    kept.flush_cache()
