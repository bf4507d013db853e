"""Tab completion for the line of `%exec`: options, languages, contexts, variables and commands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from liteagent_nb.cassettes.cassette import MODES
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.magics.exec_commands import NAMED, PLAIN
from liteagent_nb.magics.exec_options import EXEC_LINE
from liteagent_nb.magics.matching import line_before, matcher, offered, public_names

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from IPython.core.completer import CompletionContext, MatcherAPIv2, SimpleMatcherResult

    from liteagent_nb.kernels.protocol import ContextExecutor
    from liteagent_nb.magics.exec_magic import ExecMagics

__all__ = ["exec_matcher"]

_PATIENCE_S = 1.0
"""A key that was pressed waits for an answer; a server far away may be slow."""


def exec_matcher(magics: ExecMagics) -> MatcherAPIv2:
    """Return a matcher for the shell's completer."""

    def match_exec(context: CompletionContext) -> SimpleMatcherResult:
        if (line := line_before(context, "exec")) is None:
            return offered("", [])
        before, fragment = line
        return offered(fragment, _candidates(before, fragment, magics))

    return matcher(match_exec)


def _candidates(before: list[str], fragment: str, magics: ExecMagics) -> Iterable[str]:
    previous = before[-1] if before else ""
    if previous in {"-l", "--lang"}:
        return _languages(magics)
    if previous in {"-c", "--context"} or (previous in NAMED and len(before) == 1):
        return dict.fromkeys([magics.main, *_asked(magics, _contexts)])
    if previous == "--cassette":
        return MODES
    if previous == "--in":
        return public_names(magics.ip)
    if fragment.startswith("-"):
        return EXEC_LINE.flags
    return [*PLAIN, *NAMED, "panel"] if not before and fragment else public_names(magics.ip)


def _languages(magics: ExecMagics) -> list[str]:
    from liteagent_nb.kernels.languages import LANGUAGES  # noqa: PLC0415 - %load_ext needs no table of compilers

    return _asked(magics, _installed) or [language.name for language in LANGUAGES]


async def _installed(executor: ContextExecutor) -> list[str]:
    return [language.name for language in await executor.languages() if language.is_installed]


async def _contexts(executor: ContextExecutor) -> list[str]:
    return [context.id for context in await executor.contexts()]


def _asked(magics: ExecMagics, question: Callable[[ContextExecutor], Coroutine[None, None, list[str]]]) -> list[str]:
    """Return what the executors in use answer; none is made for it."""
    found = []
    for executor in magics.executors.made.values():
        try:
            found += magics.portal.wait_for(_soon(question(executor)))
        except (LiteAgentError, OSError, TimeoutError):
            continue
    return found


async def _soon(answer: Coroutine[None, None, list[str]]) -> list[str]:
    return await asyncio.wait_for(answer, _PATIENCE_S)
