"""A request as it goes over the wire: litellm's provider config translates it, nothing is sent here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liteagent_nb.models.direct.route import route_of
from liteagent_nb.models.quiet_litellm import inside_litellm

__all__ = ["DirectRequest", "translated"]

_NOT_SENT = frozenset({"extra_body", "extra_headers"})


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
    route = route_of({name: value for name, value in request.items() if name != "messages"})
    if route is None:
        return None
    messages = inside_litellm.utils.validate_and_fix_openai_messages(messages=[dict(m) for m in request["messages"]])
    body = route.config.transform_request(
        model=route.model,
        messages=messages,
        optional_params=dict(route.body),
        litellm_params={"custom_llm_provider": "openai", "api_base": route.asked_base},
        headers={},
    )
    extra = {**(body.get("extra_body") or {}), **route.extra_body}
    whole = {name: value for name, value in body.items() if name not in _NOT_SENT} | extra
    return DirectRequest(
        url=route.url,
        headers=route.headers,
        body=json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(),
        timeout_s=route.timeout_s,
        model=route.model,
        messages=messages,
    )
