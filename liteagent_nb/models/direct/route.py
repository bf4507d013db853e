"""Where requests with the same settings go, and what of them is always the same: asked of litellm once."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liteagent_nb import environment
from liteagent_nb.models.quiet_litellm import inside_litellm

__all__ = ["Route", "route_of"]

_TIMEOUT_S = 600.0
"""litellm's own limit for a chat request that names none."""
_OUTSIDE_THE_BODY = frozenset(
    (
        "model stream stream_options max_retries api_base base_url api_key organization timeout extra_headers "
        "extra_body"
    ).split()
)
_ODD_WAYS = ("OPENAI_CUSTOM_HEADERS", "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER")
"""Variables by which litellm or the client behind it sends something else than the provider config says."""
_VARIABLES = (
    *_ODD_WAYS,
    "OPENAI_API_KEY",
    "OPENAI_API_BASE",
    "OPENAI_BASE_URL",
    "OPENAI_ORGANIZATION",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
)


@dataclass(frozen=True, slots=True)
class Route:
    """The address, what goes along with every request, and litellm's translator for the messages."""

    url: str
    headers: Mapping[str, str]
    timeout_s: float
    model: str
    config: Any
    body: Mapping[str, Any]
    """litellm's `optional_params`: the sampling, the tools."""
    extra_body: Mapping[str, Any]
    asked_base: str | None


def route_of(settings: Mapping[str, Any]) -> Route | None:
    """Return the way of requests with *settings*; None where litellm would send another thing than one plain POST.

    None, too, for *settings* that are more than JSON.

    Raises whatever litellm raises for parameters that the model does not take, or because its inside has changed.
    """
    variables = tuple(map(environment.text, _VARIABLES))
    try:
        settings_json = json.dumps(settings)
    except (TypeError, ValueError):
        return None
    return _route(settings_json, variables, len(inside_litellm.model_cost))


@functools.lru_cache(maxsize=32)
def _route(settings_json: str, variables: tuple[str, ...], _map_size: int) -> Route | None:
    """Find the route; what else it hangs on is there to be looked up by: variables, and litellm's map of models."""
    settings: dict[str, Any] = json.loads(settings_json)
    asked_base = settings.get("api_base") or settings.get("base_url")
    asked_key = settings.get("api_key")
    model, provider, key, base = inside_litellm.get_llm_provider(
        model=settings["model"], api_base=asked_base, api_key=asked_key
    )
    config = _provider_config(model) if provider == "openai" else None
    if config is None or any(variables[: len(_ODD_WAYS)]):
        return None
    key, base = config.get_api_key(key or asked_key), config.get_api_base(base)
    if not key or not _is_plain_post(config, model, base, settings.get("tools")):
        return None
    named = {name: value for name, value in settings.items() if name not in _OUTSIDE_THE_BODY}
    return Route(
        url=f"{base.rstrip('/')}/chat/completions",
        headers=_headers(key, settings),
        timeout_s=float(settings.get("timeout") or _TIMEOUT_S),
        model=model,
        config=config,
        body=inside_litellm.utils.get_optional_params(
            model=model, custom_llm_provider="openai", stream=True, stream_options=settings["stream_options"], **named
        ),
        extra_body=settings.get("extra_body") or {},
        asked_base=asked_base,
    )


def _provider_config(model: str) -> Any:
    """Return litellm's translator for *model*; None where it does not speak OpenAI's chat API."""
    find = inside_litellm.utils.ProviderConfigManager.get_provider_chat_config
    config = find(model=model, provider=inside_litellm.types.utils.LlmProviders.OPENAI)
    shape = inside_litellm.llms.openai.chat.gpt_transformation.OpenAIGPTConfig
    return config if isinstance(config, shape) else None


def _is_plain_post(config: Any, model: str, base: str, tools: Any) -> bool:
    """Whether litellm would post a stream of OpenAI's chat API there, neither faked, nor of its Responses API."""
    if "?" in base or environment.has_proxy_for(base):
        return False
    if config.should_fake_stream(model=model, stream=True, custom_llm_provider="openai"):
        return False
    asked, _ = inside_litellm.main.responses_api_bridge_check(
        model=model, custom_llm_provider="openai", web_search_options=None, tools=tools, api_base=base
    )
    return asked.get("mode") != "responses" and not config.get_attribution_headers()


def _headers(key: str, settings: Mapping[str, Any]) -> dict[str, str]:
    ours = environment.text("OPENAI_ORGANIZATION", environment.text("OPENAI_ORG_ID"))
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "liteagent_nb",
        "OpenAI-Organization": settings.get("organization") or ours,
        "OpenAI-Project": environment.text("OPENAI_PROJECT_ID"),
    }
    extra = settings.get("extra_headers") or {}
    replaced = {name.lower() for name in extra}
    return {name: value for name, value in headers.items() if value and name.lower() not in replaced} | extra
