"""A request as it goes over the wire: litellm's provider config translates it, nothing is sent here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liteagent_nb import environment
from liteagent_nb.models.quiet_litellm import inside_litellm

__all__ = ["DirectRequest", "translated"]

_TIMEOUT_S = 600.0
"""litellm's own limit for a chat request that names none."""
_OUTSIDE_THE_BODY = frozenset(
    (
        "model messages stream stream_options max_retries api_base base_url api_key organization timeout "
        "extra_headers extra_body"
    ).split()
)
_ODD_WAYS = ("OPENAI_CUSTOM_HEADERS", "EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER")
"""Variables by which litellm or the client behind it sends something else than the provider config says."""


@dataclass(frozen=True, slots=True)
class DirectRequest:
    """What is sent, and what the reply is counted by where the server does not count."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout_s: float
    model: str
    messages: list[dict[str, Any]]


def translated(request: Mapping[str, Any]) -> DirectRequest | None:
    """Return *request* as litellm would send it; None where litellm would go another way than a plain POST.

    Raises whatever litellm raises for parameters that the model does not take, or because its inside has changed.
    """
    asked_base = request.get("api_base") or request.get("base_url")
    model, provider, key, base = inside_litellm.get_llm_provider(
        model=request["model"], api_base=asked_base, api_key=request.get("api_key")
    )
    config = _provider_config(model, provider)
    key, base = config.get_api_key(key or request.get("api_key")), config.get_api_base(base)
    tools = request.get("tools")
    if not key or not _is_plain_post(config, model, base, tools) or any(map(environment.text, _ODD_WAYS)):
        return None
    messages = inside_litellm.utils.validate_and_fix_openai_messages(messages=[dict(m) for m in request["messages"]])
    named = {name: value for name, value in request.items() if name not in _OUTSIDE_THE_BODY}
    wanted = inside_litellm.utils.get_optional_params(model=model, custom_llm_provider="openai", stream=True, **named)
    body = config.transform_request(
        model=model,
        messages=messages,
        optional_params=wanted,
        litellm_params={"custom_llm_provider": "openai", "api_base": asked_base},
        headers={},
    )
    return DirectRequest(
        url=f"{base.rstrip('/')}/chat/completions",
        headers=_headers(key, request),
        body=_as_json(body, request),
        timeout_s=float(request.get("timeout") or _TIMEOUT_S),
        model=model,
        messages=messages,
    )


def _provider_config(model: str, provider: str) -> Any:
    find = inside_litellm.utils.ProviderConfigManager.get_provider_chat_config
    return find(model=model, provider=inside_litellm.types.utils.LlmProviders(provider))


def _is_plain_post(config: Any, model: str, base: str, tools: Any) -> bool:
    """Whether litellm would post a stream of OpenAI's chat API, neither faked, nor of its Responses API."""
    shape = inside_litellm.llms.openai.chat.gpt_transformation.OpenAIGPTConfig
    if not isinstance(config, shape) or "?" in base or environment.has_proxy_for(base):
        return False
    if config.should_fake_stream(model=model, stream=True, custom_llm_provider="openai"):
        return False
    asked, _ = inside_litellm.main.responses_api_bridge_check(
        model=model, custom_llm_provider="openai", web_search_options=None, tools=tools, api_base=base
    )
    return asked.get("mode") != "responses" and not config.get_attribution_headers()


def _headers(key: str, request: Mapping[str, Any]) -> dict[str, str]:
    organization = request.get("organization") or environment.text(
        "OPENAI_ORGANIZATION", environment.text("OPENAI_ORG_ID")
    )
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "liteagent_nb",
        "OpenAI-Organization": organization,
        "OpenAI-Project": environment.text("OPENAI_PROJECT_ID"),
    }
    extra = request.get("extra_headers") or {}
    replaced = {name.lower() for name in extra}
    return {name: value for name, value in headers.items() if value and name.lower() not in replaced} | extra


def _as_json(body: Mapping[str, Any], request: Mapping[str, Any]) -> bytes:
    extra = {**(body.get("extra_body") or {}), **(request.get("extra_body") or {})}
    kept = {name: value for name, value in body.items() if name not in {"extra_body", "extra_headers"}}
    whole = {**kept, "stream": True, "stream_options": request["stream_options"], **extra}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
