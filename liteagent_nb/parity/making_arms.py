"""From what a user names to an arm: a model, a cassette, a core of the Router, a function."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.protocols import Model
from liteagent_nb.parity.arms import Arm, Prompt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.parity.arms import Answer, Ask

__all__ = ["CORES", "as_arm", "core_arm", "function_arm", "model_arm"]

CORES = ("legacy", "extracted", "verify")
"""The names of the Router's streaming cores."""

_LOGGING_S = 0.005
"""litellm logs in tasks and threads of its own."""
_FUNCTION = re.compile(r"(?P<file>.+\.py):(?P<name>\w+)")


def as_arm(thing: object, *, model: str | None = None, settings: Mapping[str, object] | None = None) -> Arm:
    """Return *thing* as an arm.

    It may be one; a name: a model's, `legacy` or `extracted` for a Router's core with *model*, a cassette's file,
    `file.py:function`; a `Model` object, a `Cassette`, or a function from a prompt's text to text or a stream.
    *settings* go to models with each question. Raises `ConfigError` for anything else.
    """
    if isinstance(thing, Arm):
        return thing
    if isinstance(thing, Path) or (isinstance(thing, str) and thing.endswith(".json")):
        return _of_file(Path(thing))
    if isinstance(thing, str):
        return _of_name(thing, model=model, settings=settings)
    if hasattr(thing, "tracks"):  # a Cassette, whose module loads only where one is named
        return _of_cassette(thing, name=getattr(thing, "source", "cassette"))
    if isinstance(thing, Model):
        return model_arm(thing, settings)
    if callable(thing):
        return function_arm(thing)
    hint = "name a model, a core (legacy, extracted) or a cassette's file, or give a Model, a Cassette or a function"
    raise ConfigError(f"a {type(thing).__name__} cannot be compared", hint=hint)


def _of_name(name: str, *, model: str | None, settings: Mapping[str, object] | None) -> Arm:
    from liteagent_nb.assembly import choose_model, make_model  # noqa: PLC0415 - models load when first named

    if name in CORES:
        return core_arm(name, _live_models(choose_model(model).name), is_live=True)
    if (found := _FUNCTION.fullmatch(name)) is not None:
        return function_arm(_function_of(found["file"], found["name"]), name)
    return model_arm(make_model(name), settings)


def _live_models(model: str) -> list[dict[str, Any]]:
    if model.startswith("local/"):
        hint = "set LITELLM_DEFAULT_MODEL, or measure on the local server: jupyter liteagent parity run --local"
        raise ConfigError(f"no Router asks {model}: it runs in this process", hint=hint)
    return [{"model_name": model, "litellm_params": {"model": model}}]


def _function_of(file: str, name: str) -> Callable[[str], Answer]:
    from liteagent_nb.tools.modules import functions_of  # noqa: PLC0415 - loads a user's file

    functions = {function.__name__: function for function in functions_of(file)}
    if name not in functions:
        raise ConfigError(f"{file} has no function {name}", hint=f"it has {', '.join(sorted(functions))}")
    return functions[name]  # type: ignore[return-value]  # what it brings is seen when it is asked


def _of_file(path: Path) -> Arm:
    from liteagent_nb.cassettes.cassette import Cassette  # noqa: PLC0415 - only where one is named

    return _of_cassette(Cassette(path, "replay"), name=path.name)


def _of_cassette(cassette: Any, *, name: str) -> Arm:
    from liteagent_nb.parity.cassette_arms import cassette_arm  # noqa: PLC0415 - only where one is named

    return cassette_arm(cassette, name)


def model_arm(model: Model, settings: Mapping[str, object] | None = None) -> Arm:
    """Return *model* as an arm; live where litellm asks it, exact where it only replays."""
    asked = dict(settings or {})

    async def ask(prompt: Prompt) -> AsyncIterator[Delta]:
        return model.stream(prompt.transcript, (), asked)

    is_exact = _is_a("cassettes.models", "CassetteModel", model)
    is_live = _is_a("models.litellm_model", "LitellmModel", model)
    settle_s = _LOGGING_S if is_live else 0.0
    return Arm(
        model.name,
        ask,
        is_exact=is_exact,
        is_timed=not is_exact,
        is_live=is_live,
        model=model.name,
        settle_s=settle_s,
    )


def _is_a(module: str, name: str, model: Model) -> bool:
    """Whether *model* is of that class; where its module is not loaded, nothing is."""
    loaded = sys.modules.get(f"liteagent_nb.{module}")
    return loaded is not None and isinstance(model, getattr(loaded, name))


def core_arm(core: str, model_list: list[dict[str, Any]], *, is_live: bool = False, **more: Any) -> Arm:
    """Return a Router with that streaming core as an arm; *more* are the fields of `Arm`."""
    from liteagent_nb.models.router_core import make_router  # noqa: PLC0415 - litellm loads for cores only

    router, name = make_router(model_list, core=core), model_list[0]["model_name"]

    async def ask(prompt: Prompt) -> Any:
        stream = await router.acompletion(model=name, messages=list(prompt.transcript), stream=True)
        if why := _why_another_core(stream, core):
            await stream.aclose()
            raise ModelError(why, hint="this core does not serve such streams: there is nothing to compare")
        return stream

    model = model_list[0]["litellm_params"]["model"]
    return Arm(core, ask, is_exact=not is_live, is_live=is_live, model=model, settle_s=_LOGGING_S, **more)


def _why_another_core(stream: Any, core: str) -> str:
    """Return why *stream* is not served by *core*; empty where it is. litellm's own streams have no metrics."""
    metrics = getattr(stream, "metrics", None)
    served = "legacy" if metrics is None else metrics.core
    why = getattr(metrics, "handed_over_why", "") or "see the log"
    return "" if served == core else f"the stream is served by {served}, not {core}: {why}"


def function_arm(function: Callable[[str], Answer], name: str = "", *, is_live: bool = False) -> Arm:
    """Return *function* of a prompt's text as an arm; an async one runs on the loop, others in threads."""
    return Arm(name or getattr(function, "__name__", type(function).__name__), _asking(function), is_live=is_live)


def _asking(function: Callable[[str], Any]) -> Ask:
    if inspect.isasyncgenfunction(function) or inspect.iscoroutinefunction(function):

        async def ask(prompt: Prompt) -> Any:
            answer = function(prompt.text)
            return await answer if inspect.isawaitable(answer) else answer

        return ask
    return lambda prompt: function(prompt.text)
