"""What the tests of the cache share: routers, requests that no other test made, and looks at answers."""

from __future__ import annotations

from itertools import count

from liteagent_nb.models.quiet_litellm import litellm

QUESTIONS = count()


def new_router(*servers, **more):
    deployments = [
        {"model_name": "m", "litellm_params": {"model": "openai/test-model", **server}} for server in servers
    ]
    return litellm.Router(model_list=deployments, num_retries=0, **more)


def server_of(provider, key="test-key"):
    return {"api_base": provider.url, "api_key": key}


def question():
    """Return a request that no other test made."""
    return {"model": "m", "messages": [{"role": "user", "content": f"question {next(QUESTIONS)}"}]}


def is_hit(response):
    return response._hidden_params.get("cache_hit") is True


async def pieces_of(stream):
    return [piece async for piece in stream]
