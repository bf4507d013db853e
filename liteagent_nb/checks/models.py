"""Checks of models: the one that would answer, and the keys of the environment, each asked for its list of models."""

from __future__ import annotations

from liteagent_nb import environment
from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model, make_model
from liteagent_nb.checks.check import Bench, Skipped
from liteagent_nb.core.agent import run_agent
from liteagent_nb.core.chat import Transcript
from liteagent_nb.core.config import AgentConfig
from liteagent_nb.core.errors import ConfigError, ModelError
from liteagent_nb.core.portal import shared_portal
from liteagent_nb.models.embedded.engine import engine_for
from liteagent_nb.models.embedded.weights import weights_for

__all__ = ["keys", "live_model", "model"]

_REPLY_TOKENS = 16
_ANSWER_WITHIN_S = 60.0


def model(_bench: Bench) -> str:
    """Make the model that answers where none is named; the embedded one is loaded."""
    choice = choose_model()
    if choice.name.startswith("local/"):
        engine = engine_for(weights_for(choice.name))
        shared_portal().wait_for(engine.load())
    else:
        make_model(choice.name)
    return f"{choice.name} ({choice.why})"


def keys(_bench: Bench) -> str:
    """Ask each provider whose key is set for its list of models, which costs nothing."""
    names = environment.key_names()
    if not names:
        raise Skipped("no key is set, in OPENAI_API_KEY for instance", remedy=f"none is needed for {EMBEDDED_MODEL}")
    from liteagent_nb.models.key_holders import count_models, holders  # noqa: PLC0415 - litellm, for those who have keys

    found = {provider: count_models(provider) for provider in holders(names)}
    if not found:
        raise Skipped(f"{', '.join(names)}: no provider that lists its models", remedy="ask a model of it with %%agent")
    return ", ".join(f"{provider}: {count} models" for provider, count in found.items())


def live_model(_bench: Bench) -> str:
    """Ask the default model one short question, where it is not the embedded one."""
    choice = choose_model()
    if choice.name.startswith("local/"):
        raise Skipped(f"{choice.name} answers here", remedy="set LITELLM_DEFAULT_MODEL to check another one")
    config = AgentConfig(completion_kwargs={"max_tokens": _REPLY_TOKENS}, max_total_seconds=_ANSWER_WITHIN_S)
    asking = run_agent(Transcript.of("Say: hello"), model=make_model(choice.name), config=config)
    run = shared_portal().wait_for(asking).raise_for_error()
    if run.stopped_reason == "budget":
        raise ModelError(f"{choice.name} did not answer within {_ANSWER_WITHIN_S:g} s", hint="is its server up?")
    if not run.usage.completion_tokens and not run.final_answer:
        raise ConfigError(f"{choice.name} answered nothing", hint="name another one in LITELLM_DEFAULT_MODEL")
    return f"{choice.name} answered {run.final_answer[:40]!r} in {run.ttotal_ms:.0f} ms"
