"""CassetteExecutor: code whose results come from a recording, or are recorded."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.cassettes.requests import execution_request
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.execution import ExecResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.execution import OutputWatcher
    from liteagent_nb.core.protocols import Executor

__all__ = ["CassetteExecutor", "read_result", "written_result"]


class CassetteExecutor:
    """Runs code on *executor* and records it on *cassette*, or replays what it brought back; nothing runs then."""

    def __init__(self, cassette: Cassette, executor: Executor | None = None) -> None:
        self._cassette = cassette
        self._executor = executor

    async def execute(
        self, code: str, *, language: str = "python", timeout_s: float = 10.0, watch: OutputWatcher | None = None
    ) -> ExecResult:
        """Return what *code* brought back; a replay tells *watch* all outputs at once.

        Raises `CassetteMiss` where it was not recorded and may not run.
        """
        request = execution_request(code, language, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        if take is None:
            result = await self._run(code, language, timeout_s, watch)
            take = cast("dict[str, object]", self._cassette.mask(written_result(result)))
            self._cassette.record(request, take)
            return read_result(take)
        result = read_result(take)
        if watch is not None:
            for output in result.outputs:
                watch(output)
        return result

    async def _run(self, code: str, language: str, timeout_s: float, watch: OutputWatcher | None) -> ExecResult:
        if self._executor is None:
            raise ConfigError(f"there is no executor behind {self._cassette.source}", hint="open it with mode='replay'")
        result = await self._executor.execute(code, language=language, timeout_s=timeout_s, watch=watch)
        return replace(result, t_ms=round(result.t_ms, 1))


def written_result(result: ExecResult) -> dict[str, object]:
    """Return what *result* holds beyond its defaults, and nothing twice: a recording is read by people."""
    held = {field.name: (getattr(result, field.name), field.default) for field in fields(result)}
    told = {name: value for name, (value, default) in held.items() if value != default}
    return {name: value for name, value in told.items() if value != _printed(told, name)}


def read_result(take: Mapping[str, object]) -> ExecResult:
    """Return the result that `written_result` wrote."""
    held: Any = dict(take)
    printed = {name: _printed(held, name) for name in ("stdout", "stderr")}
    return ExecResult(**printed | held | {"outputs": tuple(held.get("outputs", ()))})


def _printed(held: Mapping[str, Any], name: str) -> str:
    """Return what the outputs have of the stream *name*."""
    return "".join(str(output.get("text", "")) for output in held.get("outputs", ()) if output.get("name") == name)
