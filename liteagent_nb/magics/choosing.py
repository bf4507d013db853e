"""What a line names: the model, the functions, and the limits of the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liteagent_nb.assembly import Maker, ModelChoice, about_model, choose_model, maker_of
from liteagent_nb.core.chat import Price
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.protocols import Model
from liteagent_nb.magics.options import Settings
from liteagent_nb.magics.references import find_name, near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["EXAMPLES", "Wanted", "address", "find_functions", "find_model", "models_in", "read_price"]

BUILT_IN = ("exec_python", "exec_shell", "exec_code", "research_echo", "compress_runs")
"""The tools that are on offer unasked."""

EXAMPLES = (
    "anthropic/claude-sonnet-4-5",
    "gemini/gemini-2.5-flash",
    "ollama/llama3.2",
    "openai/gpt-4o-mini",
    "openai/gpt-5",
)
"""Some models of well-known providers."""


class Wanted(Settings):
    """What the line of `%agent` and its traits say."""

    def config(self, model: str) -> AgentConfig:
        """Return the limits and habits of the run. Raises `ConfigError` for values that make no sense."""
        settings = {
            "max_iterations": self.max_iterations,
            "max_total_seconds": self.max_seconds,
            "max_tokens_total": self.max_tokens,
            "max_cost_usd": self.budget,
            "temperature": self.temperature,
            "shell_allow_prefixes": tuple(self.allow_shell) or None,
            "auto_run_code_on_code_block": self.auto_run,
            "send_images": self.send_images,
            "escalate_model": self.escalate or None,
            "escalate_on_budget_exceeded": bool(self.escalate),
            "tool_concurrency": None if self.each is not None else self.concurrency,
            "tool_timeout_sec": self.timeout,
            "completion_kwargs": self._server(),
        }
        return AgentConfig(model=model, **{name: value for name, value in settings.items() if value is not None})

    def _server(self) -> dict[str, object] | None:
        if not self.api_base:
            return None
        url, token = address(self.api_base)
        return {"api_base": url, **({"api_key": token} if token else {})}


def address(named: object) -> tuple[str, str]:
    """Return the URL that is meant, and the token for it: a `$host` that the notebook serves brings its own.

    Raises `ConfigError` for what is neither a URL nor a host.
    """
    if isinstance(named, str):
        return named, ""
    if not hasattr(named, "url") or not hasattr(named, "token"):
        raise ConfigError(f"a {type(named).__name__} is no host", hint="name a URL, or what this notebook serves")
    return str(named.url), str(named.token)


def find_model(
    named: str | Model | None, trait: str, names: Mapping[str, object], settings: Mapping[str, object]
) -> tuple[ModelChoice, Maker]:
    """Return which model answers and why, and how to make it, which may take seconds.

    A Model object of the notebook goes by its name there.
    """
    wanted = named or trait
    if isinstance(wanted, Model):
        return ModelChoice(wanted.name, "a Model object of this notebook"), Maker(wanted.name, lambda: wanted)
    if wanted in (own := models_in(names)):
        model = own[wanted]
        return ModelChoice(model.name, f"the Model {wanted} of this notebook"), Maker(model.name, lambda: model)
    choice = choose_model(wanted if named else None, trait)
    about = about_model(choice.name)
    choice = replace(choice, why=f"{choice.why}; {about}") if about else choice
    return choice, maker_of(choice.name, settings)


def read_price(text: str) -> Price:
    """Read `IN/OUT`, USD for a million tokens of prompt and of answer. Raises `ConfigError` for anything else."""
    try:
        prompt, completion = (float(number) for number in text.split("/"))
    except ValueError:
        prompt = completion = -1.0
    if min(prompt, completion) < 0:
        raise ConfigError(f"{text!r} is no price", hint="write IN/OUT, USD for a million tokens: --price 0.15/0.60")
    return Price(prompt / 1e6, completion / 1e6)


def models_in(names: Mapping[str, object]) -> dict[str, Model]:
    """Return the Model objects among *names*."""
    return {
        name: value
        for name, value in list(names.items())
        if not name.startswith("_") and not isinstance(value, type) and isinstance(value, Model)
    }


def find_functions(
    wanted: Iterable[str | Callable[..., object]], names: Mapping[str, object]
) -> list[Callable[..., object]]:
    """Return the functions that *wanted* names or holds.

    Raises `ConfigError` for one that is not there or cannot be called.
    """
    return [_function(one, names) for one in wanted if callable(one) or one in names or one not in BUILT_IN]


def _function(name: str | Callable[..., object], names: Mapping[str, object]) -> Callable[..., object]:
    if not isinstance(name, str):
        return name
    callables = {known: value for known, value in names.items() if callable(value)}
    if name.partition(".")[0] not in names:
        raise ConfigError(f"there is no function {name} in this notebook", hint=near(name, [*callables, *BUILT_IN]))
    function = find_name(name, names)
    if not callable(function):
        kind = type(function).__name__
        raise ConfigError(f"{name} is no function but of type {kind}", hint="name a function, or wrap it in one")
    return function
