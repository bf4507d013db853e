"""Whose keys are set, and whether their providers take them: asked for their lists of models, which costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.core.errors import ModelError
from liteagent_nb.core.redaction import redact
from liteagent_nb.models.litellm_names import key_variable
from liteagent_nb.models.quiet_litellm import inside_litellm, litellm

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["count_models", "holders"]

_SHOWN_CHARS = 200


def holders(names: Container[str]) -> list[str]:
    """Return the providers that list models, and whose key is in a variable of *names*."""
    providers = sorted(provider.value for provider in litellm.provider_list if hasattr(provider, "value"))
    named = [provider for provider in providers if key_variable(provider) in names]
    return [provider for provider in named if _lister(provider) is not None]


def count_models(provider: str) -> int:
    """Return how many models *provider* lists for the key that is set. Raises `ModelError` where it refuses."""
    try:
        return len(_lister(provider).get_models(api_base=_base(provider)))
    except Exception as error:  # noqa: BLE001 - litellm raises bare ones here
        said = redact(str(error), environment.secret_values())[:_SHOWN_CHARS]
        hint = f"set {key_variable(provider)} to a key that is valid, or unset it; is the network there?"
        raise ModelError(f"{provider} lists no models: {said}", hint=hint) from None


def _lister(provider: str) -> Any:
    known = inside_litellm.LlmProviders(provider)
    return inside_litellm.utils.ProviderConfigManager.get_provider_model_info(model=None, provider=known)


def _base(provider: str) -> str | None:
    names = (f"{provider.upper()}_BASE_URL", f"{provider.upper()}_API_BASE")
    return next((base for base in map(environment.text, names) if base), None)
