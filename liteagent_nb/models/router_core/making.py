"""make_router: litellm's Router, with the streaming core that is asked for."""

from __future__ import annotations

import functools
import logging
import warnings
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models.quiet_litellm import inside_litellm
from liteagent_nb.models.router_core.calls import Call, answering
from liteagent_nb.models.router_core.closing import closed_through
from liteagent_nb.models.router_core.metrics import StreamMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["CORES", "make_router", "named", "usable", "why_only_legacy"]

CORES = ("legacy", "extracted", "verify")
"""The streaming cores there are."""

_VARIABLE = "LITELLM_ROUTER_CORE"
_OF_ITS_TYPES = "Items? .* using the `ReadOnly` qualifier"
_log = logging.getLogger(__name__)
_told: set[str] = set()


def make_router(model_list: Sequence[Mapping[str, Any]], core: str | None = None, **router_kwargs: Any) -> Any:
    """Return litellm's `Router` for *model_list*; *router_kwargs* are its own.

    With the *core* `legacy` it is litellm's, untouched. With `extracted` the text of its streams is read the fast way;
    all else is litellm's: which deployment, retries, fallbacks, cooldowns, callbacks, errors. With `verify` litellm's
    core serves, and the other one is compared with it. Streams of the last two have `metrics`. Where none is named,
    `LITELLM_ROUTER_CORE` says which, `legacy` without it. Raises `ConfigError` for another one.
    """
    with warnings.catch_warnings():
        # pydantic warns of the types of litellm's Router when the first one is made: no user can mend that
        warnings.filterwarnings("ignore", message=_OF_ITS_TYPES, category=UserWarning)
        core = usable(named(core))
        if core == "legacy":
            return inside_litellm.Router(model_list=model_list, **router_kwargs)
        return _with_core(core, {"model_list": model_list, **router_kwargs})


def named(core: str | None) -> str:
    """Return *core*, or the one that the environment names. Raises `ConfigError` for one that there is not."""
    told = environment.text(_VARIABLE, "legacy") if core is None else core
    if told not in CORES:
        where = _VARIABLE if core is None else "core"
        raise ConfigError(f"{where} is {told!r}", hint=f"set it to one of {', '.join(CORES)}")
    return told


def usable(core: str, *, why_not: Callable[[], str] | None = None) -> str:
    """Return *core*, or `legacy` with one warning where the installed litellm is not as *core* takes it to be."""
    if core == "legacy" or not (why := (why_not or why_only_legacy)()):
        return core
    if why not in _told:
        _told.add(why)
        _log.warning("the Router's core is legacy, not %s: %s", core, why)
    return "legacy"


@functools.cache
def why_only_legacy() -> str:
    """Return why the installed litellm has to be left as it is; empty where our core can read its streams."""
    try:
        from liteagent_nb.models.router_core.self_test import self_test  # noqa: PLC0415 - older ones lack what it needs

        self_test()
    except Exception as error:  # noqa: BLE001 - litellm's inside may change with every version
        return f"litellm {version('litellm')} is not as expected ({type(error).__name__}: {error})"
    return ""


def _with_core(core: str, arguments: Mapping[str, Any]) -> Any:
    from litellm.router import router_arguments  # noqa: PLC0415
    from litellm.router_config import build_router_config  # noqa: PLC0415 - see above

    from liteagent_nb.models.router_core.host import StreamHost  # noqa: PLC0415 - see above

    config = build_router_config(router_arguments(**arguments))
    router = inside_litellm.Router.from_config(config, StreamHost(core))
    front = _Front(router, core)
    router.acompletion, router.completion = front.acompletion, front.completion
    return router


class _Front:
    """What stands before a router's two methods: it gives their streams metrics, from the call on."""

    def __init__(self, router: Any, core: str) -> None:
        self._asks_async = router.acompletion
        self._asks_sync = router.completion
        self._core = core

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        """Answer as the router does; a stream has `metrics`."""
        call = Call(StreamMetrics(self._core))
        with answering(call):
            answer = await self._asks_async(*args, **kwargs)
        return _measured(answer, call)

    def completion(self, *args: Any, **kwargs: Any) -> Any:
        """Answer as the router does; a stream has `metrics`."""
        call = Call(StreamMetrics(self._core))
        with answering(call):
            answer = self._asks_sync(*args, **kwargs)
        return _measured(answer, call)


def _measured(answer: Any, call: Call) -> Any:
    if isinstance(answer, inside_litellm.CustomStreamWrapper):
        if not call.metrics.attempts:
            call.metrics.attempt("legacy", "litellm has opened it past its host")
        answer.metrics = call.metrics
        answer.completion_stream = closed_through(answer.completion_stream, call)
    return answer
