"""LocalModel: the embedded model. Its template knows no tools, so it is led to them: choice, arguments, answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Price, Usage, text_of
from liteagent_nb.core.errors import ModelError, UnknownModel
from liteagent_nb.core.streaming import CallDelta, Delta
from liteagent_nb.core.text import shorten
from liteagent_nb.core.tools import Tool
from liteagent_nb.models.embedded.answers import ANSWER_TOKENS, answer_grammar, answer_prompt
from liteagent_nb.models.embedded.arguments import write_arguments
from liteagent_nb.models.embedded.choice import choose_tool
from liteagent_nb.models.embedded.engine import Engine, Piece, Slot, engine_for
from liteagent_nb.models.embedded.habits import habits_of
from liteagent_nb.models.embedded.weights import is_known, weights_for

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from liteagent_nb.core.chat import Message, Transcript

__all__ = ["LocalModel"]

_CHAT_TOKENS = 256
_CHAT_BYTES = (2400, 1000)
"""What of a conversation is shown, some 600 tokens of English, five seconds of reading; less where that is too much."""
_REPEAT_PENALTY = 1.15
"""Without it a model this small goes round in circles at temperature 0."""
_OBSERVATION = "Observation from last tool run"
_SAMPLING = ("temperature", "top_p", "top_k", "min_p", "seed", "presence_penalty", "frequency_penalty")

_measured_topics: dict[str, float] = {}
"""Topic words of users' tools, measured once in a process."""


class LocalModel:
    """A small model on this machine: no key, no network, no cost. Making one loads nothing.

    `local/smollm2` is the packaged one; `local/` and the path of a GGUF file is the user's own. Raises `ConfigError`
    for any other name; for missing or damaged weights at the first question, before anything is asked.
    """

    def __init__(self, name: str = "local/smollm2") -> None:
        if not is_known(name):
            raise UnknownModel(
                f"there is no embedded model {name!r}", hint="use local/smollm2, or local/path/to/model.gguf"
            )
        self._name = name

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        return self._name

    @property
    def price(self) -> Price:
        """Nothing."""
        return Price(0.0, 0.0)

    @property
    def sees_pictures(self) -> bool:
        """It reads text alone."""
        return False

    @property
    def about(self) -> str:
        """One honest line about what it is."""
        if self._name == "local/smollm2":
            return (
                "a 135-million-parameter demo model on this machine: it picks tools and copies numbers, "
                "it does not reason"
            )
        return "a model file of your own on this machine, led to tools by examples"

    async def load(self, say: Callable[[str], None] | None = None) -> None:
        """Check and load the weights, telling *say* what is done; the first question does it by itself."""
        engine = engine_for(weights_for(self._name))
        if say is not None and not engine.is_loaded:
            say(f"loading {self._name}: {self.about}")
        await engine.load()

    async def stream(
        self, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        """Answer from a tool's result, call a tool, or chat, whichever is next."""
        engine = engine_for(weights_for(self._name))
        await engine.load()
        last = transcript.messages[-1] if transcript.messages else {"role": "user", "content": ""}
        observed = _observation(transcript.messages)
        if observed is not None:
            pieces = self._answer(engine, transcript, observed, tools)
        elif tools and last.get("role") == "user":
            pieces = self._act(engine, transcript, tools, settings)
        else:
            pieces = self._chat(engine, transcript, settings, Usage())
        async with aclosing(pieces):
            async for delta in pieces:
                yield delta

    async def _act(
        self, engine: Engine, transcript: Transcript, tools: Sequence[Tool], settings: Mapping[str, object]
    ) -> AsyncGenerator[Delta]:
        request = text_of(transcript.messages[-1].get("content")).strip()
        choice = await choose_tool(engine, request, tools, _measured_topics)
        spent = Usage(choice.prompt_tokens, choice.completion_tokens)
        if choice.tool is None:
            async with aclosing(self._chat(engine, transcript, settings, spent)) as pieces:
                async for delta in pieces:
                    yield delta
            return
        arguments = await write_arguments(engine, request, choice.tool)
        call = CallDelta(0, f"call_{len(transcript)}", choice.tool.name, arguments.json)
        spent += Usage(arguments.prompt_tokens, arguments.completion_tokens)
        yield Delta(calls=(call,), model=self._name)
        yield Delta(usage=spent, finish_reason="tool_calls", model=self._name)

    async def _answer(
        self, engine: Engine, transcript: Transcript, observation: str, tools: Sequence[Tool]
    ) -> AsyncGenerator[Delta]:
        request = _last_request(transcript.messages)
        name = _last_called(transcript.messages)
        tool = next((tool for tool in tools if tool.name == name), Tool(name))
        pieces = engine.stream(
            answer_prompt(request, observation, habits_of(tool)),
            Slot.ANSWER,
            grammar=answer_grammar(request, observation),
            n_predict=ANSWER_TOKENS,
            stop=["\n"],
        )
        async with aclosing(self._said(pieces, Usage())) as deltas:
            async for delta in deltas:
                yield delta

    async def _chat(
        self, engine: Engine, transcript: Transcript, settings: Mapping[str, object], spent: Usage
    ) -> AsyncGenerator[Delta]:
        sampling = {name: settings[name] for name in _SAMPLING if settings.get(name) is not None}
        wanted = settings.get("max_tokens") or settings.get("max_completion_tokens")
        limit = min(wanted, _CHAT_TOKENS) if isinstance(wanted, int) and wanted > 0 else _CHAT_TOKENS
        for room in _CHAT_BYTES:
            pieces = engine.chat(
                _shown(transcript.messages, room), max_tokens=limit, repeat_penalty=_REPEAT_PENALTY, **sampling
            )
            try:
                async with aclosing(self._said(pieces, spent)) as deltas:
                    async for delta in deltas:
                        yield delta
            except ModelError:  # refused before its first word: more tokens a byte than English has
                if room == _CHAT_BYTES[-1]:
                    raise
            else:
                return

    async def _said(self, pieces: AsyncGenerator[Piece], spent: Usage) -> AsyncGenerator[Delta]:
        usage, finish_reason, is_first = spent, "", True
        async with aclosing(pieces):
            async for piece in pieces:
                text = piece.text.lstrip() if is_first else piece.text
                if text:
                    is_first = False
                    yield Delta(text=text, model=self._name)
                usage += Usage(piece.prompt_tokens, piece.completion_tokens)
                finish_reason = piece.finish_reason or finish_reason
        yield Delta(usage=usage, finish_reason=finish_reason or "stop", model=self._name)


def _observation(messages: Sequence[Message]) -> str | None:
    """Return what the last tools brought back, or None where the last word is not theirs."""
    found: list[str] = []
    for message in reversed(messages):
        text = text_of(message.get("content"))
        if message.get("role") == "tool":
            found.append(text)
        elif not found and message.get("role") == "user" and text.startswith(_OBSERVATION):
            return text.removeprefix(_OBSERVATION).lstrip(": ")
        else:
            break
    return "\n".join(reversed(found)) if found else None


def _last_request(messages: Sequence[Message]) -> str:
    asked = (text_of(message.get("content")) for message in reversed(messages) if message.get("role") == "user")
    return next((text.strip() for text in asked if not text.startswith(_OBSERVATION)), "")


def _last_called(messages: Sequence[Message]) -> str:
    for message in reversed(messages):
        calls = message.get("tool_calls")
        if isinstance(calls, list) and calls:
            function = calls[-1].get("function", {})
            return str(function.get("name", ""))
    return "exec_python"  # an auto-run block


def _shown(messages: Sequence[Message], room: int) -> list[dict[str, str]]:
    """Return what of a conversation is shown: its text, the latest first to be kept, each turn shortened to fit."""
    kept: list[dict[str, str]] = []
    for message in reversed(messages):
        role, text = str(message.get("role")), text_of(message.get("content")).strip()
        size = len(text.encode(errors="replace"))
        if role not in {"user", "assistant", "system"} or not text or (kept and size > room):
            continue
        kept.append({"role": role, "content": shorten(text, room)})
        room -= size
    return kept[::-1] or [{"role": "user", "content": "Hello"}]
