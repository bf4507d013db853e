"""Whether a request may go directly to its server, or why litellm itself has to send it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import openai

from liteagent_nb.models.direct.request import translated
from liteagent_nb.models.direct.self_test import self_test
from liteagent_nb.models.quiet_litellm import inside_litellm

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from liteagent_nb.core.chat import Message
    from liteagent_nb.models.direct.request import DirectRequest

__all__ = ["configured_names", "direct_or_none", "why_through_litellm"]

_log = logging.getLogger(__name__)
_told: set[str] = set()

_CARRIED = frozenset(
    (
        "model messages tools stream stream_options max_retries api_base base_url api_key organization timeout "
        "extra_headers extra_body temperature top_p max_tokens max_completion_tokens stop seed presence_penalty "
        "frequency_penalty logit_bias response_format tool_choice parallel_tool_calls user"
    ).split()
)
"""The parameters whose way through litellm is known to end in the body, the headers or the address."""

_PLAIN_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
_PLAIN_ROLES = frozenset({"system", "user", "assistant", "tool"})

_SWITCHES = (
    "callbacks input_callback success_callback failure_callback service_callback audit_log_callbacks "
    "_async_input_callback _async_success_callback _async_failure_callback pre_call_rules post_call_rules cache "
    "model_alias_map model_fallbacks fallbacks default_fallbacks context_window_fallbacks num_retries drop_params "
    "modify_params headers api_base api_key openai_key organization proxy_auth aclient_session client_session "
    "ssl_certificate http2 use_litellm_proxy max_budget openai_system_messages_first enable_preview_features "
    "add_function_to_prompt set_verbose credential_list request_timeout_explicitly_set disable_aiohttp_transport "
    "redact_messages_in_exceptions force_ipv4 ssl_security_level ssl_ecdh_curve network_mock secret_manager_client "
    "disable_aiohttp_trust_env"
).split()
"""litellm's own settings that change a request or look at it; each is falsy until somebody sets it."""

_REQUEST_TIMEOUT_S = 6000.0
"""What litellm's own limit is until somebody sets it; requests then get 600 seconds."""


def direct_or_none(
    *,
    provider: str,
    request: Mapping[str, Any],
    translate: Callable[[Mapping[str, Any]], DirectRequest | None] = translated,
) -> DirectRequest | None:
    """Return *request* as it goes to its server directly; None where litellm has to send it."""
    try:
        why = why_through_litellm(provider=provider, request=request, configured=configured_names)
        if why:
            return None
        self_test()
        return translate(request)
    except (openai.APIError, UnicodeEncodeError):
        return None  # a parameter that the model does not take, half a character: litellm says so in its own words
    except Exception as error:  # noqa: BLE001 - litellm's inside may change with every version
        _tell_once(f"{type(error).__name__}: {error}")
        return None


def _tell_once(what: str) -> None:
    if what not in _told:
        _told.add(what)
        _log.warning("this version of litellm cannot translate for the direct path, litellm sends itself: %s", what)


def why_through_litellm(*, provider: str, request: Mapping[str, Any], configured: Callable[[], Collection[str]]) -> str:
    """Return why litellm has to send *request*; empty where the direct path carries it just as well.

    *configured* names what somebody has set on litellm itself; it is asked last, since it looks at a lot.
    """
    if provider != "openai":
        return f"the wire of {provider} is not known to be OpenAI's"
    if others := request.keys() - _CARRIED:
        return f"only litellm knows {', '.join(sorted(others))}"
    if not _is_seconds(request.get("timeout")) or not isinstance(request.get("response_format") or {}, dict):
        return "timeout or response_format is an object of a library"
    if not all(map(_is_plain, request["messages"])):
        return "a message holds more than text and calls"
    if names := configured():
        return f"litellm is configured: {', '.join(sorted(names))}"
    return ""


def _is_seconds(timeout: object) -> bool:
    return timeout is None or (isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0)


def _is_plain(message: Message) -> bool:
    content = message.get("content")
    return (
        message.get("role") in _PLAIN_ROLES
        and (content is None or isinstance(content, str))
        and _PLAIN_FIELDS.issuperset(message)
    )


def configured_names() -> list[str]:
    """Return the names of litellm's own settings that are not as it comes."""
    names = [name for name in _SWITCHES if getattr(inside_litellm, name, None)]
    names += ["request_timeout"] if float(inside_litellm.request_timeout) != _REQUEST_TIMEOUT_S else []
    names += [] if inside_litellm.ssl_verify is True else ["ssl_verify"]
    is_replaced = any(entry["provider"] == "openai" for entry in inside_litellm.custom_provider_map)
    names += ["custom_provider_map"] if is_replaced else []
    names += ["OpenAIConfig"] if inside_litellm.OpenAIConfig.get_config() else []
    return names
