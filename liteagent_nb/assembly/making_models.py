"""Models by their names: which one answers, and how it is made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.core.protocols import Model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.chat import Price

__all__ = [
    "EMBEDDED_MODEL",
    "Maker",
    "ModelChoice",
    "about_model",
    "choose_model",
    "has_embedded_model",
    "make_model",
    "maker_of",
    "priced",
]

EMBEDDED_MODEL = "local/smollm2"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers, and why that one."""

    name: str
    why: str


def choose_model(named: str | None = None, trait: str | None = None) -> ModelChoice:
    """Return the model that answers: the option, the trait, `LITELLM_DEFAULT_MODEL`, or the embedded one."""
    default = environment.text("LITELLM_DEFAULT_MODEL")
    if named:
        return ModelChoice(named, "named for this task")
    if trait:
        return ModelChoice(trait, "set by %config")
    if default:
        return ModelChoice(default, "set by LITELLM_DEFAULT_MODEL")
    keys = environment.key_names()
    why = f"no other is named ({keys[0]} is set: name a model with --model to use it)" if keys else "no other is named"
    return ModelChoice(EMBEDDED_MODEL, why)


def about_model(name: str) -> str:
    """Return an honest line about a model that needs one; empty for all others. Loads nothing heavy."""
    if not name.startswith("local/"):
        return ""
    from liteagent_nb.models.local_model import LocalModel  # noqa: PLC0415 - loads when first wired

    return LocalModel(name).about


def has_embedded_model() -> bool:
    """Whether the embedded model's weights are installed."""
    from liteagent_nb.models.embedded.weights import find_weights  # noqa: PLC0415 - loads when first wired

    return find_weights() is not None


def make_model(name: str, completion_kwargs: Mapping[str, object] | None = None) -> Model:
    """Return the model of that name. Raises `ConfigError` for an unknown name, a missing key or a missing extra."""
    if name.startswith("local/"):
        from liteagent_nb.models.local_model import LocalModel  # noqa: PLC0415 - loads when first wired

        return LocalModel(name)
    if name in {"dummy", "noop"}:
        from liteagent_nb.models.dummy import DummyModel  # noqa: PLC0415 - loads when first wired

        return DummyModel(name)
    from liteagent_nb.models.litellm_model import LitellmModel  # noqa: PLC0415 - litellm loads at the first question

    if name.startswith(("codex-agent/", "codex_cli_agent/")):
        from liteagent_nb.provider.codex_agent import check_codex_agent  # noqa: PLC0415

        check_codex_agent(completion_kwargs or {})
    return LitellmModel(name, completion_kwargs or {})


@dataclass(frozen=True, slots=True)
class Maker:
    """A model by its name, and how to make it: a replay needs the name alone."""

    name: str
    make: Callable[[], Model]


def maker_of(name: str, completion_kwargs: Mapping[str, object] | None = None) -> Maker:
    """Return the maker of the model of that name."""
    return Maker(name, partial(make_model, name, completion_kwargs))


def priced(model: Maker, price: Price) -> Maker:
    """Return the maker of the same model at the price that the user gives."""
    from liteagent_nb.models.priced import PricedModel  # noqa: PLC0415 - loads when first wired

    return Maker(model.name, lambda: PricedModel(model.make(), price))
