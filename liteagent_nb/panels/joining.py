"""Outputs that came in quick succession, as the fewest that look the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.core.execution import Output

__all__ = ["joined"]


def joined(outputs: Iterable[Output]) -> list[Output]:
    """Return *outputs* with pieces of a stream put together, and without what a later one clears or draws anew."""
    return _with_last_updates(_since_clear(_streams_joined(list(outputs))))


def _streams_joined(outputs: list[Output]) -> list[Output]:
    pieces: list[tuple[Output, list[str]]] = []
    for output in outputs:
        text = [str(output.get("text", ""))] if output.get("output_type") == "stream" else []
        if text and pieces and pieces[-1][1] and pieces[-1][0].get("name") == output.get("name"):
            pieces[-1][1].extend(text)
        else:
            pieces.append((output, text))
    return [{**output, "text": "".join(text)} if text else output for output, text in pieces]


def _since_clear(outputs: list[Output]) -> list[Output]:
    """Leave out what is cleared: at once, or where the clearing waits, when something comes after it."""
    for position in range(len(outputs) - 1, -1, -1):
        output = outputs[position]
        if output.get("output_type") == "clear_output" and (not output.get("wait") or position < len(outputs) - 1):
            return outputs[position:]
    return outputs


def _with_last_updates(outputs: list[Output]) -> list[Output]:
    """Leave out an update of a display that is followed by another of the same."""
    last = {_updated(output): position for position, output in enumerate(outputs)}
    return [
        output
        for position, output in enumerate(outputs)
        if _updated(output) is None or last[_updated(output)] == position
    ]


def _updated(output: Output) -> object:
    transient = output.get("transient")
    if output.get("output_type") == "update_display_data" and isinstance(transient, Mapping):
        return transient.get("display_id")
    return None
