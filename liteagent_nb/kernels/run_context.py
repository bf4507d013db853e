"""RunContext: an Executor for one run, whose Python code finds the variables of its earlier code."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import UnknownContext
from liteagent_nb.kernels.languages import find_language

if TYPE_CHECKING:
    from liteagent_nb.core.execution import ExecResult, OutputWatcher
    from liteagent_nb.kernels.protocol import ContextExecutor

__all__ = ["RunContext"]

_SETTLE = "import os as _os\n_os.chdir(_os.path.expanduser('~'))\ndel _os\n%xmode Plain\n%colors NoColor"
"""Its own folder, not the user's; and tracebacks as Python writes them: a model reads, and pays for, every line."""
_SETTLE_WITHIN_S = 10.0


class RunContext:
    """Runs code in a context of *executor*'s that it opens for the first Python code and closes at the end.

    Other languages keep no state; each program runs by itself.
    """

    def __init__(self, executor: ContextExecutor) -> None:
        self._executor = executor
        self._context = ""
        self._opening = asyncio.Lock()

    async def execute(
        self, code: str, *, language: str = "python", timeout_s: float = 10.0, watch: OutputWatcher | None = None
    ) -> ExecResult:
        """Run *code*, Python in the run's own context."""
        found = find_language(language)
        if found is None or found.name != "python":
            return await self._executor.execute(code, language=language, timeout_s=timeout_s, watch=watch)
        context = await self._opened()
        return await self._executor.execute(code, timeout_s=timeout_s, context=context, watch=watch)

    async def aclose(self) -> None:
        """Close the run's context, if it was ever opened."""
        context, self._context = self._context, ""
        if context:
            with contextlib.suppress(UnknownContext):  # somebody was faster
                await self._executor.close(context)

    async def _opened(self) -> str:
        async with self._opening:
            if not self._context:
                self._context = (await self._executor.create()).id
                await self._executor.execute(_SETTLE, timeout_s=_SETTLE_WITHIN_S, context=self._context)
            return self._context
