"""The events of a run, as `POST /agent/run/stream` sends them: named as in `core/steps.py`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from liteagent_nb.core.steps import ReasoningDelta, StepDone, TextDelta, ToolFinished, ToolStarted
from liteagent_nb.services.agent_wire import call_json, invocation_json, run_json, step_json
from liteagent_nb.services.answers import Failure, house_shape
from liteagent_nb.services.event_stream import event_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from liteagent_nb.core.steps import Event, Run

__all__ = ["AGENT_EVENTS", "AgentFrames"]

AGENT_EVENTS = ("TextDelta", "ReasoningDelta", "ToolStarted", "ToolFinished", "StepDone", "RunDone", "dropped", "error")
"""The names of the events."""
_PIECE_HEADS = {
    TextDelta: b'event: TextDelta\ndata: {"text":',
    ReasoningDelta: b'event: ReasoningDelta\ndata: {"text":',
}


class AgentFrames:
    """Events as they come, and `RunDone` or `error` at the end.

    A client that reads too slowly loses events: `dropped` says how many. Its `RunDone` has all of the run.
    """

    def __init__(self, hidden: Callable[[bytes], bytes]) -> None:
        self._hidden = hidden

    def event(self, event: Event) -> bytes:
        """Return *event*; empty for what is told at the end, and for what a client need not know."""
        if isinstance(event, TextDelta | ReasoningDelta):
            return _PIECE_HEADS[type(event)] + json.dumps(event.text).encode() + b"}\n\n"
        if isinstance(event, ToolStarted):
            return self._sent("ToolStarted", {"call_index": event.call_index, "call": call_json(event.call)})
        if isinstance(event, ToolFinished):
            return self._sent("ToolFinished", invocation_json(event.invocation))
        if isinstance(event, StepDone):
            return self._sent("StepDone", step_json(event.step))
        return b""

    def dropped(self, count: int) -> bytes:
        """Return how many events are lost."""
        return event_bytes("dropped", {"count": count})

    def ending(self, result: Run) -> bytes:
        """Return the whole run."""
        return self._sent("RunDone", run_json(result))

    def failure(self, failure: Failure) -> bytes:
        """Return the failure."""
        return self._sent("error", house_shape(failure))

    def _sent(self, name: str, content: object) -> bytes:
        return self._hidden(event_bytes(name, content))
