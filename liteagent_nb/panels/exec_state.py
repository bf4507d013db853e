"""ExecState: all that a panel of executions shows, without a view: what happens goes in, what to send comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liteagent_nb.panels.exec_view import partial_result
from liteagent_nb.panels.execution_card import Execution, code_html, summary_html
from liteagent_nb.panels.fields import Fields
from liteagent_nb.panels.joining import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.execution import ExecResult, Output
    from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus
    from liteagent_nb.kernels.variables import Variable

__all__ = ["ExecState"]

_MOST_KEPT = 200
"""How many executions are kept; older ones that ended are let go."""


class ExecState:
    """Executions, contexts, variables, and what the view was not told yet.

    `patch` is what is new since the last time; `whole` is all, for a view that begins. Fields are set as they are,
    executions by their number. All HTML in it is escaped or cleaned.
    """

    def __init__(self, *, language: str = "python", context: str = "main") -> None:
        self.executions: dict[int, Execution] = {}
        self.language = language
        """The language of what is run next."""
        self.context = context
        """The context it is run in; empty: a fresh one each time."""
        self.contexts: tuple[ContextStatus, ...] = ()
        self.languages: tuple[LanguageStatus, ...] = ()
        self._seen: dict[int, list[Output]] = {}
        self._made = 0
        self._gone: list[int] = []
        self._fields = Fields()
        self._touched: set[int] = set()
        """Of which more changed than their outputs."""
        self._changed: dict[int, None] = {}
        self.say("")
        self.notice("")
        self.show_variables(None)
        self._refresh()

    # what happens

    def add(self, code: str, language: str, context: str) -> Execution:
        """Let *code* wait for its turn."""
        self._made += 1
        one = Execution(self._made, code, language, context)
        self.executions[one.number] = one
        self._seen[one.number] = []
        for old in self.ended[:-_MOST_KEPT]:
            self.forget(old.number)
        self._touch(one)
        return one

    def begin(self, one: Execution, *, now_s: float) -> None:
        """It runs now."""
        one.stage, one.since_s = "running", now_s
        self._touch(one)

    def take(self, one: Execution, output: Output) -> None:
        """It shows something."""
        if one.stage != "ended":
            self._seen[one.number].append(output)
            one.blocks.take(output)
            self._changed[one.number] = None

    def end(self, one: Execution, result: ExecResult | None = None, *, fault: str = "") -> None:
        """It ended with *result*, was stopped (without one), or could not be run: *fault* says why."""
        seen = joined(self._seen.pop(one.number, []))
        result = result or (None if fault else partial_result(seen, context=one.context))
        if result is not None and not seen:
            for output in result.outputs:
                one.blocks.take(output)
        said = fault or ("" if result is None or result.ok or result.exception else result.error or "")
        if said:
            one.blocks.say(said)
        one.stage, one.result, one.fault = "ended", result, fault
        self._touch(one)
        self.say(f"{one.context or one.language}: {one.outcome or 'done'}.")

    def forget(self, number: int) -> None:
        """Let an execution that ended go."""
        if number in self.executions and self.executions[number].stage == "ended":
            del self.executions[number]
            self._changed.pop(number, None)
            self._gone.append(number)

    def clear(self) -> None:
        """Let all go that ended."""
        for number in list(self.executions):
            self.forget(number)

    def choose(self, *, language: str | None = None, context: str | None = None) -> None:
        """Run in another language or context from now on."""
        self.language = self.language if language is None else language
        self.context = self.context if context is None else context
        self._refresh()

    def show_contexts(self, contexts: Sequence[ContextStatus]) -> None:
        """Show what is open; how long it was idle does not count as news."""
        self.contexts = tuple(replace(context, idle_s=0.0) for context in contexts)
        self._refresh()

    def show_languages(self, languages: Sequence[LanguageStatus]) -> None:
        """Show what can be run; a language that was chosen by another of its names is called by its own."""
        self.languages = tuple(languages)
        self.language = next((one.name for one in languages if self.language in one.aliases), self.language)
        self._refresh()

    def show_variables(self, variables: Sequence[Variable] | None) -> None:
        """Show the variables of the chosen context; None: they are not known."""
        self._fields["variables"] = variables if variables is None else [[v.name, v.kind, v.text] for v in variables]

    def notice(self, message: str) -> None:
        """Show a line of words; an empty one takes it away."""
        self._fields["notice"] = message

    def say(self, words: str) -> None:
        """Tell those who cannot see it."""
        self._fields["say"] = words

    # what follows from it

    def active(self, context: str | None = None) -> list[Execution]:
        """Return what runs or waits, in *context* or anywhere, the latest first."""
        found = [one for one in self.executions.values() if one.stage != "ended" and context in {None, one.context}]
        return found[::-1]

    @property
    def ended(self) -> tuple[Execution, ...]:
        """Those that ended, in the order they were asked for."""
        return tuple(one for one in self.executions.values() if one.stage == "ended")

    def keeps_state(self, language: str) -> bool:
        """Whether a context of *language* keeps its variables."""
        named = {one.name: one for one in self.languages} | {
            name: one for one in self.languages for name in one.aliases
        }
        return named[language].keeps_state if language in named else language == "python"

    @property
    def results(self) -> tuple[ExecResult, ...]:
        """What came of those that ended, in order."""
        return tuple(one.result for one in self.executions.values() if one.result is not None)

    def _touch(self, one: Execution) -> None:
        self._changed[one.number] = None
        self._touched.add(one.number)
        self._refresh()

    def _refresh(self) -> None:
        self._fields["running"] = len(self.active())
        self._fields["here"] = len(self.active(self.context))
        self._fields["contexts"] = [[one.id, one.language, one.state, one.executions] for one in self.contexts]
        known = [[one.name, one.keeps_state, one.version] for one in self.languages if one.is_installed]
        self._fields["languages"] = sorted(known, key=lambda row: (not row[1], row[0]))
        keeps = self.keeps_state(self.language)
        self._fields["target"] = {"language": self.language, "context": self.context, "keeps": keeps}

    # what the view is sent

    def patch(self, *, now_s: float) -> dict[str, object] | None:
        """Return what is new since the last time; None where nothing is."""
        if not self._fields.has_news and not self._changed and not self._gone:
            return None
        cards = [self._card(one, now_s, is_whole=False) for one in map(self.executions.get, self._changed) if one]
        gone, self._gone = self._gone, []
        self._touched.clear()
        self._changed.clear()
        return {"fields": self._fields.news(), "cards": cards, "gone": gone}

    def whole(self, *, now_s: float) -> dict[str, object]:
        """Return all there is to show."""
        for told in (self._touched, self._changed, self._gone):
            told.clear()
        cards = [self._card(one, now_s, is_whole=True) for one in self.executions.values()]
        return {"whole": True, "fields": self._fields.all(), "cards": cards, "gone": []}

    def _card(self, one: Execution, now_s: float, *, is_whole: bool) -> dict[str, object]:
        changes = one.blocks.all() if is_whole else one.blocks.changes()
        card: dict[str, object] = {"n": one.number, "blocks": changes}
        if is_whole or one.number in self._touched:
            about = {"look": one.look, "stage": one.stage, "summary": summary_html(one, now_s=now_s)}
            card |= {**about, "code": code_html(one), "source": one.code}
        return card
