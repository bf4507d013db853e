"""Question: what is sent to an agent, and where; all that litellm was given goes along."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.hops import via_header
from liteagent_nb.core.redaction import redact
from liteagent_nb.provider.names import BASE_VARIABLE, base_of, key_of
from liteagent_nb.provider.patience import Patience, patience_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Question", "address_of", "asked"]

_NOT_SENT = frozenset({"max_retries", "extra_body", "extra_headers"})


@dataclass(frozen=True, slots=True)
class Question:
    """One request."""

    url: str
    headers: httpx.Headers
    body: bytes
    timeout: float | httpx.Timeout | None
    model: str
    patience: Patience


def asked(
    *,
    model: str,
    messages: Sequence[object],
    api_base: object,
    api_key: object,
    headers: Mapping[str, str],
    optional_params: Mapping[str, Any],
    user: object,
    timeout: float | httpx.Timeout | None,
) -> Question:
    """Return the request. Raises `ConfigError` where there is no address, or what would be sent is no JSON."""
    named = {name: value for name, value in optional_params.items() if name not in _NOT_SENT}
    said = {"user": user} if user else {}  # litellm keeps it from providers of whose models it has no list
    body = {"model": model, "messages": messages, **said, **named, **(optional_params.get("extra_body") or {})}
    return Question(
        url=f"{address_of(api_base)}/chat/completions",
        headers=_headers(key_of(api_key), headers),
        body=_json(body),
        timeout=timeout,
        model=model,
        patience=patience_of(optional_params.get("max_retries")),
    )


def address_of(api_base: object) -> str:
    """Return where an agent's API begins, `/v1` included. Raises `ConfigError` where that is no address."""
    base = base_of(api_base)
    if not base:
        raise ConfigError("codex-agent has no address", hint=f"give api_base, or set {BASE_VARIABLE}")
    if not _is_address(base):
        hint = f"give api_base, or set {BASE_VARIABLE}, such as http://127.0.0.1:8788, and the key as api_key"
        raise ConfigError(f"codex-agent's address {redact(base)!r} is no URL to ask at", hint=hint)
    return f"{base.rstrip('/').removesuffix('/v1')}/v1"


def _is_address(base: str) -> bool:
    try:
        url = httpx.URL(base)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host) and not (url.userinfo or url.query or url.fragment)


def _headers(key: str, more: Mapping[str, str]) -> httpx.Headers:
    headers = httpx.Headers({"content-type": "application/json", "user-agent": "liteagent_nb"})
    if key:
        headers["authorization"] = f"Bearer {key}"
    headers.update(more)
    headers.update(via_header())
    return headers


def _json(body: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the request is no JSON: {error}", hint="send text, numbers, lists and mappings") from None


def _plain(value: Any) -> object:
    """Return one of pydantic's objects, a reply of litellm's for instance, as a mapping."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True)
    raise TypeError(f"a {type(value).__name__} is in it")
