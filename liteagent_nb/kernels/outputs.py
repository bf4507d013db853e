"""Outputs: what an execution shows, taken from the messages of its kernel, bounded while it comes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.text import without_colours
from liteagent_nb.kernels._capped import CappedOutput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.execution import Output, OutputWatcher

__all__ = ["DISPLAY_CAP_MB", "STREAM_CAP", "Outputs"]

STREAM_CAP = 1_000_000
"""How many bytes of stdout, and of stderr, an execution keeps."""

DISPLAY_CAP_MB = 64
"""How much all its displays together may hold; what goes beyond is named, not kept."""

_MANY = 1000
"""From so many outputs on, stdout and stderr are no longer told apart by their order."""


class Outputs:
    """Collects the outputs of one execution and tells a watcher of them."""

    def __init__(self, watch: OutputWatcher | None = None, *, stream_cap: int = STREAM_CAP) -> None:
        self._watch = watch
        self._stream_cap = stream_cap
        self._outputs: list[dict[str, Any] | _Stream] = []
        self._texts = {"stdout": CappedOutput(stream_cap), "stderr": CappedOutput(stream_cap)}
        self._told = {"stdout": 0, "stderr": 0}
        self._display_bytes = 0
        self._is_cleared_by_next = False
        self.dropped_bytes = 0
        """How much of displays was not kept."""
        self.result: str | None = None
        self.exception: dict[str, object] | None = None

    def take_in(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take in a message of the iopub channel."""
        if kind == "stream":
            self._stream(str(content["name"]), str(content["text"]))
        elif kind in {"display_data", "execute_result"}:
            self._display(kind, content)
        elif kind == "update_display_data":
            self._update(content)
        elif kind == "clear_output":
            self._clear(is_later=bool(content.get("wait")))
        elif kind == "error":
            self._error(content)

    def _stream(self, name: str, text: str) -> None:
        self._clear_if_due()
        data = text.encode(errors="replace")
        kept = self._stream_for(name).text
        kept.feed(data)
        if kept is not self._texts[name]:
            self._texts[name].feed(data)
        room = self._stream_cap - self._told[name]
        if room > 0:  # a watcher draws everything it is told
            self._told[name] += len(data)
            shown = text if len(data) <= room else data[:room].decode(errors="ignore") + "\n… [more is not shown] …\n"
            self._tell({"output_type": "stream", "name": name, "text": shown})

    def _stream_for(self, name: str) -> _Stream:
        """Return the stream that is being written: the last output, or beyond some number the last of its name."""
        looked_at = self._outputs[-1:] if len(self._outputs) < _MANY else reversed(self._outputs)
        for output in looked_at:
            if isinstance(output, _Stream) and output.name == name:
                return output
        earlier = [output for output in self._outputs if isinstance(output, _Stream) and output.name == name]
        for stream in earlier[:1]:
            if stream.text is self._texts[name]:  # no longer all of it
                stream.text = copy.deepcopy(stream.text)
        self._outputs.append(stream := _Stream(name, CappedOutput(self._stream_cap) if earlier else self._texts[name]))
        return stream

    def _display(self, kind: str, content: Mapping[str, Any]) -> None:
        self._clear_if_due()
        output = {"output_type": kind, "data": content["data"], "metadata": content.get("metadata", {})}
        if kind == "execute_result":
            output["execution_count"] = content.get("execution_count")
            self.result = content["data"].get("text/plain")
        size = _size(content["data"])
        if self._display_bytes + size > DISPLAY_CAP_MB << 20:
            self.dropped_bytes += size
            kinds = ", ".join(content["data"])
            self._stream("stderr", f"[{kinds}: {size:,} bytes, beyond the {DISPLAY_CAP_MB} MB that are kept]\n")
            return
        self._display_bytes += size
        transient = content.get("transient") or {}
        self._outputs.append({**output, "transient": transient})
        self._tell({**output, "transient": transient})

    def _update(self, content: Mapping[str, Any]) -> None:
        display_id = (content.get("transient") or {}).get("display_id")
        for output in self._outputs:
            if isinstance(output, dict) and display_id and output["transient"].get("display_id") == display_id:
                output.update(data=content["data"], metadata=content.get("metadata", {}))
        self._tell({"output_type": "update_display_data", **content})

    def _clear(self, *, is_later: bool) -> None:
        self._is_cleared_by_next = is_later
        if not is_later:
            self._outputs.clear()
            self._texts = {name: CappedOutput(self._stream_cap) for name in self._texts}
        self._tell({"output_type": "clear_output", "wait": is_later})

    def _clear_if_due(self) -> None:
        if self._is_cleared_by_next:
            self._is_cleared_by_next = False
            self._outputs.clear()
            self._texts = {name: CappedOutput(self._stream_cap) for name in self._texts}

    def _error(self, content: Mapping[str, Any]) -> None:
        self._clear_if_due()
        self.exception = {name: content[name] for name in ("ename", "evalue", "traceback")}
        output = {"output_type": "error", **self.exception}
        self._outputs.append({**output, "transient": {}})
        self._tell(output)

    def _tell(self, output: Output) -> None:
        if self._watch is not None:
            self._watch(output)

    def text(self, name: str) -> str:
        """Return what was printed to *name*, cut in the middle where it was too much."""
        return self._texts[name].finish()

    @property
    def is_truncated(self) -> bool:
        """Whether something was not kept."""
        return self.dropped_bytes > 0 or any(text.is_truncated for text in self._texts.values())

    @property
    def all(self) -> tuple[Output, ...]:
        """All outputs as nbformat writes them."""
        return tuple(
            output.as_output() if isinstance(output, _Stream) else _without_transient(output)
            for output in self._outputs
        )

    @property
    def error_line(self) -> str | None:
        """What the code raised, in one line."""
        if self.exception is None:
            return None
        told = without_colours(f"{self.exception['ename']}: {self.exception['evalue']}")
        return told.removesuffix(": ")


class _Stream:
    """Text that came in one piece after another."""

    def __init__(self, name: str, text: CappedOutput) -> None:
        self.name = name
        self.text = text

    def as_output(self) -> Output:
        return {"output_type": "stream", "name": self.name, "text": self.text.finish()}


def _without_transient(output: dict[str, Any]) -> Output:
    return {name: value for name, value in output.items() if name != "transient"}


def _size(data: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, str) else len(str(value)) for value in data.values())
