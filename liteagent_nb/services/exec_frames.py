"""The events of an execution, as they are sent: outputs as they come, its result at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.services.answers import Failure, house_shape
from liteagent_nb.services.event_stream import event_bytes
from liteagent_nb.services.exec_wire import as_json

if TYPE_CHECKING:
    from liteagent_nb.core.execution import ExecResult, Output

__all__ = ["ExecFrames"]


class ExecFrames:
    """`output` events, and a `result` or an `error` at the end.

    A client that reads too slowly loses outputs: `dropped` says how many. Its `result` has them all.
    """

    def event(self, event: Output) -> bytes:
        """Return an output."""
        return event_bytes("output", event)

    def dropped(self, count: int) -> bytes:
        """Return how many outputs are lost."""
        return event_bytes("dropped", {"count": count})

    def ending(self, result: ExecResult) -> bytes:
        """Return the result."""
        return event_bytes("result", as_json(result))

    def failure(self, failure: Failure) -> bytes:
        """Return the failure."""
        return event_bytes("error", house_shape(failure))
