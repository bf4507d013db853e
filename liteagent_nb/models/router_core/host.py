"""StreamHost: what litellm's router asks the provider through; it hands the streams that are opened to our core."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from litellm.router_python_host import PythonHost

from liteagent_nb.models.router_core.calls import Call, current_call
from liteagent_nb.models.router_core.cover import taken_over
from liteagent_nb.models.router_core.metrics import StreamMetrics
from liteagent_nb.models.router_core.streams import MeasuredStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from liteagent_nb.models.router_core.lane import Shape

__all__ = ["StreamHost"]


class StreamHost(PythonHost):
    """litellm's host. Whatever it is asked for is litellm's own; of chats the stream is taken over when it is open."""

    __slots__ = ("_core", "_proven")

    def __init__(self, core: str) -> None:
        self._core = core
        self._proven: set[Shape] = set()

    def invoke(self, op: str) -> Any:
        """Return litellm's function named *op*."""
        endpoint = super().invoke(op)
        if op == "acompletion":
            return self._async(endpoint)
        return self._sync(endpoint) if op == "completion" else endpoint

    def _async(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(endpoint)
        async def asked(*args: Any, **kwargs: Any) -> Any:
            return self._taken(await endpoint(*args, **kwargs))

        return asked

    def _sync(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(endpoint)
        def asked(*args: Any, **kwargs: Any) -> Any:
            return self._taken(endpoint(*args, **kwargs))

        return asked

    def _taken(self, answer: Any) -> Any:
        call = current_call() or Call(StreamMetrics(self._core))
        taken = taken_over(answer, core=self._core, metrics=call.metrics, proven=self._proven)
        if isinstance(taken, MeasuredStream):
            call.opens(taken)
        return taken
