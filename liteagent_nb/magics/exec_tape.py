"""ExecTape: cells of %exec whose outcomes come from a cassette, or are recorded on it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from liteagent_nb.cassettes.executors import read_result, written_result
from liteagent_nb.cassettes.requests import execution_request
from liteagent_nb.core.errors import ExecError
from liteagent_nb.kernels.crossing import digest, of_plain, plain
from liteagent_nb.kernels.protocol import ContextStatus
from liteagent_nb.magics.exec_cell import ExecCell, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liteagent_nb.cassettes.cassette import Cassette
    from liteagent_nb.cassettes.requests import Request
    from liteagent_nb.cassettes.tracks import Take
    from liteagent_nb.core.execution import OutputWatcher
    from liteagent_nb.kernels.protocol import ContextExecutor

__all__ = ["ExecTape"]

_KEY_CHARS = 12


@dataclass(slots=True)
class _Heard:
    """What the tape knows of a context."""

    language: str
    last: str = ""
    """The fingerprint of what ran there last; it has that of what ran before in it, and so on."""
    executions: int = 0
    behind: list[ExecCell] = field(default_factory=list)
    """The cells that were replayed, and that its kernel has not seen."""
    is_live: bool = False
    """Whether there is a kernel."""


class ExecTape:
    """Runs cells, or replays what *cassette* holds of them.

    What code does in a context depends on all that ran there before: a cell is found again where all of that is the
    same. Where a replayed context must go on live, its kernel runs the replayed cells first.
    """

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self._heard: dict[str, _Heard] = {}

    @property
    def is_replay(self) -> bool:
        """Whether nothing may run."""
        return self.cassette.mode == "replay"

    async def run(self, cell: ExecCell, executor: ContextExecutor, watch: OutputWatcher) -> Outcome:
        """Return what came of a placed cell; a replay tells *watch* nothing, its result has it all.

        Raises `CassetteMiss` where it was not recorded and may not run.
        """
        heard = self._of(cell)
        request = _request(cell, heard.last, self.cassette)
        take = self.cassette.recorded(request)
        if take is None:
            outcome = await self._live(cell, heard, executor, watch)
            if outcome.result.status != "interrupted":  # that was a hand at the keyboard, not the code
                take = cast("Take", self.cassette.mask(_written(outcome)))
                self.cassette.record(request, take)
                outcome = _read(take, cell)
        else:
            outcome = _read(take, cell)
            heard.behind.append(cell)
        heard.last = request.key[:_KEY_CHARS]
        heard.executions += 1 + len(cell.incoming) + len(outcome.brought)
        return outcome

    async def _live(self, cell: ExecCell, heard: _Heard, executor: ContextExecutor, watch: OutputWatcher) -> Outcome:
        heard.is_live = True
        while heard.behind:
            await heard.behind[0].run(executor, None)
            heard.behind.pop(0)
        return await cell.run(executor, watch)

    def _of(self, cell: ExecCell) -> _Heard:
        language = cell.language or "python"
        return self._heard.setdefault(cell.context, _Heard(language)) if cell.context else _Heard(language)

    def forget(self, context: str) -> bool:
        """Begin anew with *context*; whether it was replayed only, so that there is no kernel to be told."""
        heard = self._heard.pop(context, None)
        return heard is not None and not heard.is_live

    def contexts(self, live: Iterable[ContextStatus]) -> list[ContextStatus]:
        """Return the contexts: those that are *live*, and those that were replayed."""
        known = {status.id: status for status in live}
        replayed = {
            name: ContextStatus(name, heard.language, executions=heard.executions)
            for name, heard in self._heard.items()
            if name not in known and not heard.is_live
        }
        return [*known.values(), *replayed.values()]


def _request(cell: ExecCell, after: str, cassette: Cassette) -> Request:
    more = {
        "in": {variable.name: digest(variable) for variable in cell.incoming},
        "out": list(cell.outgoing),
        "after": after,
    }
    said = {name: value for name, value in more.items() if value}
    return execution_request(cell.code, cell.language or "python", said, mask=cassette.mask)


def _written(outcome: Outcome) -> dict[str, object]:
    result = replace(outcome.result, t_ms=round(outcome.result.t_ms, 1), context="")
    take = written_result(result)
    if outcome.brought:
        take["brought"] = {variable.name: plain(variable) for variable in outcome.brought}
    if outcome.fault is not None:
        take["fault"] = [str(outcome.fault), outcome.fault.hint]
    return take


def _read(take: Take, cell: ExecCell) -> Outcome:
    held: Any = dict(take)
    brought: Mapping[str, object] = held.pop("brought", {})
    fault = held.pop("fault", None)
    return Outcome(
        replace(read_result(held), context=cell.context or ""),
        tuple(of_plain(name, value) for name, value in brought.items()),
        ExecError(fault[0], hint=fault[1]) if fault else None,
    )
