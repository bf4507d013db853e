"""A run as the chunks of OpenAI's chat API: text as it comes, calls of the client's own tools at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from liteagent_nb.core.steps import ReasoningDelta, StepDone, TextDelta
from liteagent_nb.services.answers import Failure, json_bytes
from liteagent_nb.services.openai_shape import Head, client_calls, finish_reason, openai_shape, usage_of

if TYPE_CHECKING:
    from liteagent_nb.core.steps import Event, Run
    from liteagent_nb.services.openai_requests import ChatRequest

__all__ = ["ChatFrames"]

_DONE = b"data: [DONE]\n\n"
_BETWEEN = "\n\n"
"""Between what a model says before its tools run, and what it says after."""


class ChatFrames:
    """The chunks of one answer. Most of a chunk is the same each time, and is written once."""

    def __init__(self, asked: ChatRequest, head: Head) -> None:
        self._asked = asked
        self._head = head.json("chat.completion.chunk") | ({"usage": None} if asked.wants_usage else {})
        blank = {**self._head, "choices": [{"index": 0, "finish_reason": None, "delta": "|"}]}
        self._before, self._after = (b"data: " + json_bytes(blank) + b"\n\n").split(b'"|"')
        self._has_begun = False
        self._gap = ""

    def event(self, event: Event) -> bytes:
        """Return *event*; empty for what is no part of an answer."""
        if isinstance(event, TextDelta):
            return self._piece(b'{"content":' + json.dumps(self._gap + event.text).encode() + b"}", ends_gap=True)
        if isinstance(event, ReasoningDelta):
            return self._piece(b'{"reasoning_content":' + json.dumps(event.text).encode() + b"}")
        if isinstance(event, StepDone) and event.step.reply.text:
            self._gap = _BETWEEN
        return b""

    def dropped(self, count: int) -> bytes:  # noqa: ARG002 - none may be lost
        """Return nothing: an answer with a hole in it would be another answer."""
        return b""

    def ending(self, result: Run) -> bytes:
        """Return what has not been said yet, why it ends, and where it is asked for the usage."""
        task = self._asked.task
        last = b""
        if calls := client_calls(result, task):
            delta = {"tool_calls": [{"index": index, **call} for index, call in enumerate(calls)]}
            last = self._piece(json_bytes(delta))
        elif result.final_answer_source != "model" and result.final_answer:
            last = self._piece(json_bytes({"content": self._gap + result.final_answer}))
        choice = {"index": 0, "delta": {}, "finish_reason": finish_reason(result, task)}
        last += self._begun() + self._chunk({"choices": [choice]})
        if self._asked.wants_usage:
            last += self._chunk({"choices": [], "usage": usage_of(result.usage)})
        return last + _DONE

    def failure(self, failure: Failure) -> bytes:
        """Return the failure."""
        return b"data: " + json_bytes(openai_shape(failure)) + b"\n\n"

    def _piece(self, delta: bytes, *, ends_gap: bool = False) -> bytes:
        if ends_gap:
            self._gap = ""
        piece = self._before + delta + self._after
        return piece if self._has_begun else self._begun() + piece

    def _begun(self) -> bytes:
        if self._has_begun:
            return b""
        self._has_begun = True
        return self._before + b'{"role":"assistant","content":""}' + self._after

    def _chunk(self, content: dict[str, object]) -> bytes:
        return b"data: " + json_bytes({**self._head, **content}) + b"\n\n"
