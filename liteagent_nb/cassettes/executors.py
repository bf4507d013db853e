"""CassetteExecutor: code whose results come from a recording, or are recorded."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.cassettes.requests import execution_request
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.execution import ExecResult

if TYPE_CHECKING:
    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.core.protocols import Executor

__all__ = ["CassetteExecutor"]


class CassetteExecutor:
    """Runs code on *executor* and records it on *cassette*, or replays what it brought back; nothing runs then."""

    def __init__(self, cassette: Cassette, executor: Executor | None = None) -> None:
        self._cassette = cassette
        self._executor = executor

    async def execute(self, code: str, *, language: str = "python", timeout_s: float = 10.0) -> ExecResult:
        """Return what *code* brought back. Raises `CassetteMiss` where it was not recorded and may not run."""
        request = execution_request(code, language, mask=self._cassette.mask)
        take = self._cassette.recorded(request)
        if take is None:
            result = await self._run(code, language, timeout_s)
            take = cast("dict[str, object]", self._cassette.mask(asdict(result)))
            self._cassette.record(request, take)
        return ExecResult(**cast("Any", take))

    async def _run(self, code: str, language: str, timeout_s: float) -> ExecResult:
        if self._executor is None:
            raise ConfigError(f"there is no executor behind {self._cassette.source}", hint="open it with mode='replay'")
        result = await self._executor.execute(code, language=language, timeout_s=timeout_s)
        return replace(result, t_ms=round(result.t_ms, 1))
