"""litellm's Router, with the core that a way names."""

from __future__ import annotations

import functools

from stream_task import KEY, MODEL, REQUEST, read_chunks

from liteagent_nb.models.router_core import make_router


def reader(task, *, core):
    params = {"model": f"openai/{MODEL}", "api_base": task.base_url, "api_key": KEY}
    router = make_router([{"model_name": "m", "litellm_params": params}], core=core, num_retries=0)
    return functools.partial(read_chunks, task, functools.partial(router.acompletion, model="m", **REQUEST))
