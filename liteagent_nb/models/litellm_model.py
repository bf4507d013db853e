"""LitellmModel: any model that litellm can reach."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError, LiteAgentError
from liteagent_nb.core.hops import via_header
from liteagent_nb.core.retrying import is_worth_retrying
from liteagent_nb.models.direct.choice import direct_or_none
from liteagent_nb.models.direct.reply import stream_directly
from liteagent_nb.models.litellm_chunks import delta_of, field_of, usage_of
from liteagent_nb.models.litellm_errors import as_house_error, broken_off, retry_after_s
from liteagent_nb.models.litellm_names import check_name, has_own_base, key_variable, price_of, sees_pictures
from liteagent_nb.models.quiet_litellm import litellm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from liteagent_nb.core.chat import Price, Transcript
    from liteagent_nb.core.streaming import Delta
    from liteagent_nb.core.tools import Tool
    from liteagent_nb.models.direct.request import DirectRequest

__all__ = ["LitellmModel"]

_log = logging.getLogger(__name__)
_RETRIES = 2
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0
"""A server that asks for more is not waited for: the error says how long."""
_OURS = frozenset({"model", "messages", "tools", "stream", "num_retries", "max_retries"})
"""What `completion_kwargs` cannot set."""
_ONLY_WITH_TOOLS = frozenset({"tool_choice", "parallel_tool_calls"})


class LitellmModel:
    """A model that is asked through litellm.

    *completion_kwargs* go to litellm: `api_base`, `api_key`, `timeout`, sampling; `num_retries` (2) is how often a
    request is sent again after 429, 5xx or a broken connection, before the first piece of the reply.
    Raises `ConfigError` for an unknown provider or model, with near names, and for a missing key.
    """

    def __init__(self, name: str, completion_kwargs: Mapping[str, object] | None = None) -> None:
        self._name = name
        self._kwargs = dict(completion_kwargs or {})
        self._provider = check_name(name, self._kwargs)
        self._price = price_of(name, self._provider)

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return self._name

    @property
    def price(self) -> Price | None:
        """What a token costs by litellm's map; None where it does not say."""
        return self._price

    @property
    def sees_pictures(self) -> bool | None:
        """Whether it takes pictures by litellm's map; None where the map does not know the model."""
        return sees_pictures(self._name, self._provider)

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer piece by piece; closing it ends the request."""
        merged = {**self._kwargs, **settings}
        retries_left = _retries(merged)
        request = self._request(transcript, tools, merged)
        direct = direct_or_none(provider=self._provider, request=request)
        pause_s = _FIRST_PAUSE_S
        while True:
            had_content = False
            try:
                async with aclosing(self._attempt(request, direct)) as deltas:
                    async for delta in deltas:
                        had_content = had_content or delta.is_content
                        yield delta
            except Exception as error:  # noqa: BLE001 - litellm's providers raise anything; all of it is told
                told = self._told(error, merged, had_content=had_content)
                wait_s = retry_after_s(error)
                wait_s = pause_s if wait_s is None else wait_s
                if had_content or not retries_left or wait_s > _LONGEST_PAUSE_S or not is_worth_retrying(told):
                    raise told from None  # the cause may hold a key
                _log.info("asking %s again in %.2f s: %s", self._name, wait_s, told)
            else:
                return
            await asyncio.sleep(wait_s)
            retries_left, pause_s = retries_left - 1, pause_s * 2

    def _request(self, transcript: Transcript, tools: Sequence[Tool], merged: Mapping[str, object]) -> dict[str, Any]:
        left_out = _OURS if tools else _OURS | _ONLY_WITH_TOOLS
        request: dict[str, Any] = {name: value for name, value in merged.items() if name not in left_out}
        request |= {"model": self._name, "messages": list(transcript), "stream": True, "max_retries": 0}
        request["stream_options"] = {"include_usage": True}
        if tools:
            request["tools"] = [tool.to_openai() for tool in tools]
        if self._provider == "openai" and has_own_base(self._provider, request):
            # Servers of one's own often want no key; the client behind litellm insists on some text.
            request.setdefault("api_key", environment.text("OPENAI_API_KEY", "none"))
            if hops := via_header():  # that server may be the agent whose run this is
                request["extra_headers"] = {**(request.get("extra_headers") or {}), **hops}
        return request

    def _attempt(self, request: Mapping[str, Any], direct: DirectRequest | None) -> AsyncGenerator[Delta]:
        """Send once: directly where that is the same, else through litellm."""
        return self._through_litellm(request) if direct is None else stream_directly(direct, cost_of=self._cost_of)

    async def _through_litellm(self, request: Mapping[str, Any]) -> AsyncGenerator[Delta]:
        """Send through litellm. Its look for MCP tools is skipped: it would need the `mcp` package."""
        response = await litellm.acompletion(**request, _skip_mcp_handler=True)
        async with aclosing(response):
            had_content = False
            async for chunk in response:
                usage = None
                if (told := field_of(chunk, "usage")) is not None:
                    usage = usage_of(told, cost_of=self._cost_of, is_estimate=not _has_told_usage(response))
                delta = delta_of(chunk, usage)
                had_content = had_content or delta.is_content
                if delta.finish_reason and _was_made_up(response):
                    raise broken_off(had_content=had_content)
                if usage is not None or delta.is_content or delta.finish_reason:
                    yield delta

    def _cost_of(self, usage: Any) -> float | None:
        """Return the cost by litellm's price map, cached tokens at their own price; None where it does not say."""
        if self._price is None:
            return None
        try:
            costs = litellm.cost_per_token(model=self._name, custom_llm_provider=self._provider, usage_object=usage)
        except Exception:  # noqa: BLE001 - a whole reply is there: the plain price must do
            return self._price.of(usage.prompt_tokens or 0, usage.completion_tokens or 0)
        return float(sum(costs))

    def _told(self, error: Exception, merged: Mapping[str, object], *, had_content: bool) -> LiteAgentError:
        if isinstance(error, LiteAgentError):
            return error
        secrets = [str(merged.get("api_key") or ""), *environment.key_values()]
        key_name = key_variable(self._provider)
        return as_house_error(error, key_name=key_name, secrets=secrets, had_content=had_content)


def _retries(settings: Mapping[str, object]) -> int:
    wanted = settings.get("num_retries", _RETRIES)
    if not isinstance(wanted, int) or wanted < 0:
        raise ConfigError(f"num_retries is {wanted!r}", hint="set num_retries to 0 or more")
    return wanted


def _was_made_up(response: Any) -> bool:
    """Whether litellm adds the end that the server did not send."""
    return getattr(response, "received_finish_reason", "") is None


def _has_told_usage(response: Any) -> bool:
    """Whether the server counted; litellm counts with a tokenizer of its own otherwise."""
    return any(getattr(chunk, "usage", None) is not None for chunk in getattr(response, "chunks", ())[-3:])
