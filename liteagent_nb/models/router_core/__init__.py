"""litellm's Router with a streaming core of ours: litellm routes and asks, the text of its streams is read faster."""

from liteagent_nb.models.router_core.making import make_router

__all__ = ["make_router"]
