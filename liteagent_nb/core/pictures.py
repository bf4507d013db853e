"""Pictures that a model is shown: what code drew, sent after its call's reply; left out where nobody could see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liteagent_nb.core.chat import Message, Transcript, text_of
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from liteagent_nb.core.config import AgentConfig
    from liteagent_nb.core.protocols import Model
    from liteagent_nb.core.tools import ToolInvocation

__all__ = [
    "PICTURES_A_STEP",
    "PICTURE_CHARS",
    "Picture",
    "check_sight",
    "has_pictures",
    "is_shown_by_tools",
    "pictures_in",
    "seen_by",
    "sees_pictures",
    "shown_pictures",
    "with_pictures",
    "without_pictures",
]

PICTURES_A_STEP = 4
"""How many pictures of one step's calls are sent."""
PICTURE_CHARS = 3000
"""What a picture counts for where characters are counted: some 750 tokens, as providers charge for middling ones."""

_SHOWN = "Pictures that the calls above have shown:"
"""How the message begins that brings them; it is written by the agent, not by the user."""
_TOO_MANY = f"not sent, since {PICTURES_A_STEP} of a step are the most"
_LEFT_OUT = "[a picture was here; it is left out]"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture small enough to send. *url* is a data URL; empty where it cannot be sent, and *about* says why."""

    url: str
    about: str = ""


def sees_pictures(model: Model, config: AgentConfig) -> bool | None:
    """Whether *model* is shown pictures: as the config says, else as the model does; None where nobody knows.

    A model says so by an attribute `sees_pictures`, which is no part of the protocol.
    """
    if config.send_images is not None:
        return config.send_images
    told = getattr(model, "sees_pictures", None)
    return told if isinstance(told, bool) else None


def check_sight(model: Model, transcript: Transcript, config: AgentConfig) -> None:
    """Raise `ConfigError` where the user's last message shows a picture to a model that cannot see."""
    asked = next((message for message in reversed(transcript.messages) if message.get("role") == "user"), None)
    if asked is None or is_shown_by_tools(asked) or not pictures_in(asked) or sees_pictures(model, config) is not False:
        return
    why = "send_images is off" if config.send_images is False else f"{model.name} cannot see"
    raise ConfigError(
        f"the task has a picture, but {why}",
        hint=(
            "name a model that sees (--model openai/gpt-4o-mini for instance); "
            "send_images=True (%config AgentMagics.send_images = True) sends it all the same"
        ),
    )


def with_pictures(text: str, urls: Sequence[str]) -> str | list[Message]:
    """Return the content of a message that says *text* and shows pictures; plain text where there are none."""
    return [_text_part(text), *map(_picture_part, urls)] if urls else text


def shown_pictures(invocations: Iterable[ToolInvocation]) -> Iterator[Message]:
    """Yield the user message that shows what a step's calls drew, if they drew anything.

    Providers take no pictures in a tool's reply, so they stand in a message of their own, each with its call's name.
    """
    shown = [(invocation, picture) for invocation in invocations for picture in invocation.observation.pictures]
    if not shown:
        return
    parts = [_text_part(_SHOWN)]
    sent = 0
    for invocation, picture in shown:
        label = f"{invocation.name} ({invocation.tool_call_id}): {picture.about}"
        is_too_many = bool(picture.url) and sent == PICTURES_A_STEP
        parts.append(_text_part(f"{label}; {_TOO_MANY}" if is_too_many else label))
        if picture.url and not is_too_many:
            parts.append(_picture_part(picture.url))
            sent += 1
    yield {"role": "user", "content": parts}


def is_shown_by_tools(message: Message) -> bool:
    """Whether *message* is one that `shown_pictures` made: it belongs to the calls before it."""
    content = message.get("content")
    first = content[:1] if isinstance(content, list) else content
    return message.get("role") == "user" and text_of(first).startswith(_SHOWN)


def pictures_in(message: Message) -> int:
    """Return how many pictures *message* shows."""
    content = message.get("content")
    return sum(map(_is_picture, content)) if isinstance(content, list | tuple) else 0


def has_pictures(messages: Iterable[Message]) -> bool:
    """Whether any of *messages* shows one."""
    return any(map(pictures_in, messages))


def seen_by(transcript: Transcript, *, sees: bool | None) -> Transcript:
    """Return what a model is sent: without pictures where it is known not to see."""
    if sees is not False or not has_pictures(transcript):
        return transcript
    kept = (message for message in transcript if not is_shown_by_tools(message))
    return Transcript(tuple(without_pictures(message) for message in kept))


def without_pictures(message: Message) -> Message:
    """Return *message* with words in the place of its pictures."""
    content = message.get("content")
    if not isinstance(content, list | tuple) or not pictures_in(message):
        return message
    texts = [_LEFT_OUT if _is_picture(part) else text_of(part) for part in content]
    return {**message, "content": "\n".join(filter(None, texts))}


def _is_picture(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") in {"image_url", "input_image"}


def _text_part(text: str) -> Message:
    return {"type": "text", "text": text}


def _picture_part(url: str) -> Message:
    return {"type": "image_url", "image_url": {"url": url}}
