"""codex-agent: `codex-agent/NAME` in litellm is the model NAME of an OpenAI-compatible server, an agent's for instance.

`enable_codex_agent()` enters it into `litellm.custom_provider_map`, litellm's public hook; from then on
`litellm.completion`, `acompletion` and `Router` know it, streams included. With `LITELLM_ENABLE_CODEX_AGENT=1` that
happens by itself where our own agent is given such a model, and where `liteagent_nb.compat.install()` was called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb import environment
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.models.direct.reply import wait_for_the_end
from liteagent_nb.models.quiet_litellm import litellm
from liteagent_nb.provider.names import FLAG, PROVIDERS
from liteagent_nb.provider.question import Question, address_of, asked
from liteagent_nb.provider.refusals import unsendable
from liteagent_nb.provider.replies import Pieces, whole
from liteagent_nb.provider.sending import answer, async_answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

__all__ = [
    "CodexAgent",
    "check_codex_agent",
    "disable_codex_agent",
    "enable_codex_agent",
    "offer_codex_agent",
]


class CodexAgent(litellm.CustomLLM):  # type: ignore[name-defined, misc]
    """The provider. litellm calls it with everything by keyword; its errors become litellm's own by their status."""

    def __init__(self) -> None:
        super().__init__()
        self.is_enabled = False
        """Whether it is switched on whatever the environment says."""

    def completion(self, **told: Any) -> Any:
        """Return the reply."""
        question = self._question(told)
        with answer(question) as response:
            return whole(response.read(), url=question.url)

    async def acompletion(self, **told: Any) -> Any:
        """Return the reply."""
        question = self._question(told)
        async with async_answer(question) as response:
            return whole(await response.aread(), url=question.url)

    def streaming(self, **told: Any) -> Iterator[Any]:
        """Yield the reply's pieces as they come; closing it closes the connection."""
        question = self._question(told)
        pieces = Pieces(url=question.url)
        with answer(question) as response:
            for block in response.iter_bytes():
                yield from pieces.feed(block)
                if pieces.is_done:
                    break
            yield from pieces.close()

    async def astreaming(self, **told: Any) -> AsyncGenerator[Any]:
        """Yield the reply's pieces as they come; closing it closes the connection."""
        question = self._question(told)
        pieces = Pieces(url=question.url)
        async with async_answer(question) as response:
            blocks = response.aiter_bytes()
            async for block in blocks:
                for piece in pieces.feed(block):
                    yield piece
                if pieces.is_done:
                    await wait_for_the_end(blocks)
                    break
            for piece in pieces.close():
                yield piece

    def _question(self, told: Mapping[str, Any]) -> Question:
        try:
            self.check()
            return asked(
                model=told["model"],
                messages=told["messages"],
                api_base=told["api_base"],
                api_key=told["api_key"],
                headers=told["headers"],
                optional_params=told["optional_params"],
                user=told["logging_obj"].model_call_details.get("user"),
                timeout=told["timeout"],
            )
        except ConfigError as error:
            raise unsendable(error) from None

    def check(self) -> None:
        """Raise `ConfigError` where it is not switched on."""
        if not self.is_enabled and not environment.is_flag_set(FLAG):
            hint = f"set {FLAG}=1, or call liteagent_nb.enable_codex_agent()"
            raise ConfigError("codex-agent is not switched on", hint=hint)


_agent = CodexAgent()


def enable_codex_agent() -> None:
    """Make litellm know `codex-agent/…` and `codex_cli_agent/…` from now on; a second time changes nothing."""
    _agent.is_enabled = True
    offer_codex_agent()


def offer_codex_agent() -> None:
    """Enter it into litellm's map, where it answers as soon as it is switched on, and says how until then."""
    entered = {entry["provider"] for entry in litellm.custom_provider_map}
    litellm.custom_provider_map.extend(
        {"provider": name, "custom_handler": _agent} for name in PROVIDERS if name not in entered
    )


def disable_codex_agent() -> None:
    """Take it out of litellm's map again."""
    _agent.is_enabled = False
    litellm.custom_provider_map[:] = [
        entry for entry in litellm.custom_provider_map if entry["custom_handler"] is not _agent
    ]


def check_codex_agent(settings: Mapping[str, object]) -> None:
    """Enter it, and raise `ConfigError` where it is not switched on, or *settings* and the environment name no base."""
    _agent.check()
    address_of(settings.get("api_base") or settings.get("base_url"))
    offer_codex_agent()
