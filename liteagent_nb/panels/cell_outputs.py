"""CellOutputs: what code shows in a sidecar kernel becomes the running cell's own output, while it comes."""

from __future__ import annotations

import sys
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.panels.joining import joined
from liteagent_nb.panels.lists import note_bundle

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping

    from IPython.core.displaypub import DisplayPublisher

    from liteagent_nb.core.execution import ExecResult, Output

__all__ = ["CellOutputs"]

_EVERY_S = 0.05
"""Twenty updates a second look continuous; more only cost the browser."""


class CellOutputs:
    """Is told outputs on the executor's loop, and publishes them in the thread of the cell, which waits meanwhile.

    Only there do they belong to the right cell on every ipykernel, and land in what the cell redirects or captures;
    and a slow front end holds up the cell alone, never the loop that other contexts are read by.
    """

    def __init__(self, publisher: DisplayPublisher, *, is_quiet: bool = False) -> None:
        self._publisher = publisher
        self._is_quiet = is_quiet
        self._told: SimpleQueue[Output | None] = SimpleQueue()
        self._left: deque[Output] = deque()
        self._is_over = False
        self._next_s = 0.0
        self._seen: list[Output] = []

    @property
    def seen(self) -> list[Output]:
        """What has been shown, joined."""
        return joined(self._seen)

    def watch(self, output: Output) -> None:
        """Take in an output; called on the executor's loop."""
        self._told.put(output)

    def end(self) -> None:
        """Say that nothing more comes; called on the executor's loop."""
        self._told.put(None)

    def show_until(self, ended: threading.Event) -> None:
        """Show what comes until its end, the first at once, and the rest in batches."""
        while not self._is_over:
            first = self._told.get()
            ended.wait(self._next_s - time.monotonic())
            self._take(first)
            self.show()

    def show(self) -> None:
        """Show what came and is not shown yet."""
        while not self._told.empty():
            try:
                self._take(self._told.get_nowait())
            except Empty:
                break
        batch = joined(self._left)
        self._left = deque(batch)
        while self._left:  # an interrupt loses nothing: what is shown leaves the queue after it
            if not self._is_quiet:
                self._publish(self._left[0])
            self._keep(self._left.popleft())
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self._next_s = time.monotonic() + _EVERY_S

    def finish(self, result: ExecResult) -> None:
        """Show the rest, and where nothing was told while it ran, what *result* holds."""
        self.show()
        if not self._seen:
            for output in result.outputs or _streams(result):
                self.watch(output)
            self.show()
        if result.truncated and not self._is_quiet:
            self._publisher.publish(
                note_bundle("Not all of the output is shown; _exec_result has its beginning and its end.")
            )

    def _take(self, output: Output | None) -> None:
        if output is None:
            self._is_over = True
        else:
            self._left.append(output)

    def _keep(self, output: Output) -> None:
        if output.get("output_type") == "clear_output" and not output.get("wait"):
            self._seen.clear()
        self._seen.append(output)

    def _publish(self, output: Output) -> None:
        match output.get("output_type"):
            case "stream":
                stream = sys.stderr if output.get("name") == "stderr" else sys.stdout
                stream.write(str(output.get("text", "")))
            case "clear_output":
                cast("Any", self._publisher).clear_output(wait=bool(output.get("wait")))
            case "display_data" | "execute_result" | "update_display_data" as kind:
                self._publisher.publish(
                    _bundle(output, "data"),
                    _bundle(output, "metadata"),
                    transient=_bundle(output, "transient") or None,
                    update=kind == "update_display_data",
                )
            case _:  # an error turns the cell red when all is shown
                pass


def _streams(result: ExecResult) -> Iterator[Output]:
    for name, text in (("stdout", result.stdout), ("stderr", result.stderr)):
        if text:
            yield {"output_type": "stream", "name": name, "text": text}


def _bundle(output: Output, name: str) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", output.get(name) or {}))
