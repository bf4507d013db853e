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

__all__ = ["CassetteExecutor"]


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
            take = cast("dict[str, object]", self._cassette.mask(_without_defaults(result)))
            self._cassette.record(request, take)
            return _result_of(take)
        result = _result_of(take)
        if watch is not None:
            for output in result.outputs:
                watch(output)
        return result

    async def _run(self, code: str, language: str, timeout_s: float, watch: OutputWatcher | None) -> ExecResult:
        if self._executor is None:
            raise ConfigError(f"there is no executor behind {self._cassette.source}", hint="open it with mode='replay'")
        result = await self._executor.execute(code, language=language, timeout_s=timeout_s, watch=watch)
        return replace(result, t_ms=round(result.t_ms, 1))


def _without_defaults(result: ExecResult) -> dict[str, object]:
    """Return what *result* holds beyond its defaults: a recording is read by people."""
    held = {field.name: (getattr(result, field.name), field.default) for field in fields(result)}
    return {name: value for name, (value, default) in held.items() if value != default}


def _result_of(take: Mapping[str, object]) -> ExecResult:
    held: Any = dict(take)
    return ExecResult(**held | {"outputs": tuple(held.get("outputs", ()))})
