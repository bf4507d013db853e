"""What is said between a model and an agent: ToolCall, Usage, Price, Reply, Transcript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import TypeAlias

__all__ = ["Message", "Price", "Reply", "ToolCall", "Transcript", "Usage", "text_of"]

Message: TypeAlias = dict[str, object]
"""One chat message in OpenAI's shape: `role`, `content`, and where they apply `tool_calls`, `tool_call_id`, `name`."""

_UNSENDABLE_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_NAME_CHARS = 64


def text_of(content: object) -> str:
    """Return the text in a message's content: a string, a list of parts, a JSON-mode mapping, or None."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        if isinstance(content.get("text"), str) and content.get("type") in {"text", "input_text", "output_text"}:
            return str(content["text"])
        return json.dumps(dict(content), ensure_ascii=False, default=str)
    if isinstance(content, Iterable):
        return "".join(text_of(part) for part in content if not _is_binary_part(part))
    return str(content)


def _is_binary_part(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") in {"image_url", "input_audio", "file", "input_image"}


def _field(thing: object, name: str) -> object:
    """Read *name* from a mapping or an object: SDKs hand over both."""
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to call a tool. *arguments* is the JSON text as the model wrote it, valid or not."""

    id: str
    name: str
    arguments: str = "{}"

    @classmethod
    def read(cls, thing: object, *, fallback_id: str = "call_0") -> ToolCall:
        """Read a call from an OpenAI-shaped mapping or SDK object; its arguments may be text or a mapping."""
        function = _field(thing, "function") or thing
        arguments = _field(function, "arguments")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, default=str)
        return cls(str(_field(thing, "id") or fallback_id), str(_field(function, "name") or ""), text or "{}")

    @classmethod
    def of(cls, call_id: str, name: str, arguments: Mapping[str, object]) -> ToolCall:
        """Return a call with *arguments* written as JSON."""
        return cls(call_id, name, json.dumps(dict(arguments)))

    def to_message(self) -> Message:
        """Return the entry of an assistant message's `tool_calls`.

        Broken JSON is sent back as an empty object, and an impossible name as a possible one: strict providers check
        what they wrote themselves, and the tool's reply tells the model what it had sent.
        """
        arguments = self.arguments if _is_json_object(self.arguments) else "{}"
        name = _UNSENDABLE_IN_NAMES.sub("_", self.name)[:_NAME_CHARS] or "_"
        return {"id": self.id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_no_constant), dict)
    except (ValueError, RecursionError):
        return False


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in USD for each token."""

    prompt_usd: float
    completion_usd: float

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return the cost in USD of so many tokens."""
        return prompt_tokens * self.prompt_usd + completion_tokens * self.completion_usd


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and money spent. `cost_usd` is None where the price is unknown, never 0 for unknown."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    is_estimate: bool = False
    """True where the provider did not say, and the tokens were counted from the text (four characters each)."""

    @property
    def total_tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        """Return both together; one unknown cost makes the sum unknown."""
        cost = None if self.cost_usd is None or other.cost_usd is None else self.cost_usd + other.cost_usd
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            cost,
            self.is_estimate or other.is_estimate,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's whole answer to a transcript."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    model: str = ""
    finish_reason: str = "stop"
    reasoning: str = ""
    ttft_ms: float | None = None
    """Time to the first piece that was not empty; None where nothing came."""
    total_ms: float = 0.0
    is_replayed: bool = False
    """Whether it comes from a recording: nobody was asked, nothing was paid."""
    is_cached: bool = False
    """Whether that recording is the cache."""

    def to_message(self) -> Message:
        """Return the assistant message. An empty `tool_calls` is left out: providers refuse it."""
        message: Message = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["content"] = self.text or None
            message["tool_calls"] = [call.to_message() for call in self.tool_calls]
        return message


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the model was told and what it said, oldest first. Only ever extended."""

    messages: tuple[Message, ...] = ()

    @classmethod
    def of(cls, messages: str | Iterable[object] | Transcript) -> Transcript:
        """Read a task as text, or chat messages as mappings, dataclasses or SDK objects."""
        if isinstance(messages, Transcript):
            return messages
        if isinstance(messages, str):
            return cls(({"role": "user", "content": messages},))
        return cls(tuple(_read_message(message) for message in messages))

    def extended(self, messages: Iterable[Message]) -> Transcript:
        """Return a longer transcript; this one stays as it is."""
        return Transcript((*self.messages, *messages))

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)


_MESSAGE_FIELDS = ("role", "content", "name", "tool_call_id", "tool_calls")


def _read_message(thing: object) -> Message:
    if isinstance(thing, Mapping):
        message: Message = dict(thing)
    elif is_dataclass(thing) and not isinstance(thing, type):
        message = asdict(thing)
    else:
        message = {name: value for name in _MESSAGE_FIELDS if (value := getattr(thing, name, None)) is not None}
    message.setdefault("role", "user")
    if isinstance(message.get("content"), Mapping):
        message["content"] = text_of(message["content"])
    calls = message.pop("tool_calls", None)
    if isinstance(calls, Iterable) and (
        read := [ToolCall.read(c, fallback_id=f"call_{i}") for i, c in enumerate(calls)]
    ):
        message["tool_calls"] = [call.to_message() for call in read]
    message.setdefault("content", None if "tool_calls" in message else "")
    return message
