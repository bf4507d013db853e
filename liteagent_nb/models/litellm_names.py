"""Names of models, as litellm knows them: whether one can be asked, what its key is called, what it costs."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import openai

from liteagent_nb import environment
from liteagent_nb.core.chat import Price
from liteagent_nb.core.errors import ConfigError, UnknownModel
from liteagent_nb.models.quiet_litellm import litellm

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_name", "has_own_base", "key_variable", "known_models", "price_of", "provider_of", "sees_pictures"]

_FULLY_LISTED = frozenset({"openai", "anthropic", "gemini", "mistral", "deepseek", "xai"})
"""Providers whose models litellm lists completely enough to call another name a typo."""
_OTHER_LOGINS = frozenset({"vertex_ai", "bedrock", "sagemaker", "ollama", "ollama_chat"})
"""Providers that need no key: a cloud's own login, or a server on this machine."""
_ODD_KEY_NAMES = {
    "together_ai": "TOGETHERAI_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "datarobot": "DATAROBOT_API_TOKEN",
    "cohere_chat": "COHERE_API_KEY",
    "codex-agent": "CODEX_AGENT_API_KEY",
    "codex_cli_agent": "CODEX_AGENT_API_KEY",
}
_MADE_TO_ORDER = ("ft:", "ft-")
"""How names of fine-tuned models begin; no list has them."""


def provider_of(name: str) -> str:
    """Return the provider that litellm would ask for *name*. Raises `ConfigError` where it knows none."""
    try:
        return str(litellm.get_llm_provider(name)[1])
    except openai.BadRequestError:
        raise UnknownModel(f"no provider is known for the model {name!r}", hint=_provider_hint(name)) from None


def check_name(name: str, settings: Mapping[str, object]) -> str:
    """Return the provider of *name*; raises `ConfigError` for an unknown provider or model or a missing key."""
    if _is_custom(name):
        return name.partition("/")[0]
    provider = provider_of(name)
    if not has_own_base(provider, settings):
        _check_listed(name, provider)
    _check_key(name, provider, settings)
    return provider


def _is_custom(name: str) -> bool:
    prefix = name.partition("/")[0]
    return any(entry["provider"] == prefix for entry in litellm.custom_provider_map)


def has_own_base(provider: str, settings: Mapping[str, object]) -> bool:
    """Whether *settings* or the environment name a server of one's own."""
    names = (f"{provider.upper()}_API_BASE", f"{provider.upper()}_BASE_URL")
    return bool(settings.get("api_base") or settings.get("base_url") or any(map(environment.text, names)))


def _check_listed(name: str, provider: str) -> None:
    bare = name.removeprefix(f"{provider}/")
    known = {entry.removeprefix(f"{provider}/") for entry in litellm.models_by_provider.get(provider, ())}
    if provider not in _FULLY_LISTED or bare in known or bare.startswith(_MADE_TO_ORDER):
        return
    near = _near(name, [f"{provider}/{entry}" for entry in known if _is_chat(provider, entry)])
    hint = f"{near}name the address with api_base (--api-base) to send it anyway"
    raise UnknownModel(f"{provider} lists no model {bare!r}", hint=hint)


def _check_key(name: str, provider: str, settings: Mapping[str, object]) -> None:
    if provider in _OTHER_LOGINS or settings.get("api_key"):
        return
    found = litellm.validate_environment(model=name)
    if found["keys_in_environment"]:
        return
    missing = [variable for variable in found["missing_keys"] if not _is_given(variable, provider, settings)]
    if not missing or (has_own_base(provider, settings) and provider in {"openai", "text-completion-openai"}):
        return
    words = " or ".join(missing) if provider == "gemini" else " and ".join(missing)
    raise ConfigError(
        f"{provider} needs a key for {name}, and {words} is not set",
        hint=f"set {words}, or name a model that needs no key, ollama_chat/… for instance",
    )


def _is_given(variable: str, provider: str, settings: Mapping[str, object]) -> bool:
    """Whether *settings* hold what the variable would: `api_base` for `AZURE_API_BASE`."""
    return bool(settings.get(variable.lower().removeprefix(f"{provider}_")))


def key_variable(provider: str) -> str:
    """Return the name of the environment variable that holds the provider's key."""
    return _ODD_KEY_NAMES.get(provider, f"{provider.upper()}_API_KEY")


def _provider_hint(name: str) -> str:
    prefix, slash, rest = name.partition("/")
    if slash:
        near = _near(prefix, [provider.value for provider in litellm.provider_list if hasattr(provider, "value")])
        return f"{near}write provider/model; openai/{rest} with api_base for any OpenAI-compatible server"
    near = _near(name, [entry for entry in litellm.model_list if _is_chat("", entry)])
    return f"{near}write provider/model; openai/{name} with api_base for any OpenAI-compatible server"


def _near(name: str, names: list[str]) -> str:
    close = get_close_matches(name, names, n=3, cutoff=0.6)
    return f"did you mean {', '.join(close)}? Else " if close else ""


def _is_chat(provider: str, name: str) -> bool:
    entry = _map_entry(name) or _map_entry(f"{provider}/{name}") or {}
    return entry.get("mode") in {"chat", "responses"}


def _map_entry(name: str) -> dict[str, Any] | None:
    entry: dict[str, Any] | None = litellm.model_cost.get(name)
    return entry


def price_of(name: str, provider: str) -> Price | None:
    """Return the price of a token in litellm's map; None where the map does not say."""
    entry = _map_entry(name) or _map_entry(name.removeprefix(f"{provider}/")) or {}
    if entry.get("litellm_provider") not in {provider, name.partition("/")[0]}:
        return None
    prompt, completion = entry.get("input_cost_per_token"), entry.get("output_cost_per_token")
    if prompt is None or completion is None:
        return None
    return Price(float(prompt), float(completion))


def sees_pictures(name: str, provider: str) -> bool | None:
    """Whether the model takes pictures by litellm's map; None where the map does not know it."""
    entry = _map_entry(name) or _map_entry(name.removeprefix(f"{provider}/")) or {}
    # A Router enters the names of its deployments, too, with nothing that litellm would know of the model.
    return bool(entry.get("supports_vision")) if "mode" in entry else None


def known_models(*, only_with_key: bool = True) -> list[tuple[str, bool]]:
    """Return chat models by provider, each as (name, whether its key is set); all of them only where that is asked."""
    found: list[tuple[str, bool]] = []
    for provider, names in litellm.models_by_provider.items():
        has_key = bool(environment.text(key_variable(str(provider))))
        if has_key or not only_with_key:
            chat = {entry for entry in names if _is_chat(str(provider), entry)}
            found.extend(
                (entry if entry.startswith(f"{provider}/") else f"{provider}/{entry}", has_key)
                for entry in sorted(chat)
            )
    return found
