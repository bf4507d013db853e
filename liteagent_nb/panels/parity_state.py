"""ParityState: all that a panel of comparisons shows, without a view: what happens goes in, what to send comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liteagent_nb.panels.comparison_card import Comparison, body_html, summary_html
from liteagent_nb.panels.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.core.verdict import Verdict
    from liteagent_nb.panels.comparison_card import Request
    from liteagent_nb.parity.events import ParityEvent

__all__ = ["ParityState"]


class ParityState:
    """Comparisons, what may be compared, and what the view was not told yet.

    `patch` is what is new since the last time; `whole` is all, for a view that begins. All HTML in it is escaped.
    """

    def __init__(self, request: Request, *, arms: Iterable[str] = ()) -> None:
        self.comparisons: dict[int, Comparison] = {}
        self._made = 0
        self._gone: list[int] = []
        self._told: dict[int, int] = {}
        """How many points of each the view knows."""
        self._drawn: dict[int, str] = {}
        """What of each it shows below the line."""
        self._changed: dict[int, None] = {}
        self._fields = Fields()
        self._fields["form"] = request.form
        self.show_arms(arms)
        self.notice("")
        self.say("")
        self._refresh()

    # what happens

    def add(self, request: Request) -> Comparison:
        """Let a comparison wait for its turn."""
        self._made += 1
        one = Comparison(self._made, request)
        self.comparisons[one.number] = one
        self._touch(one)
        return one

    def begin(self, one: Comparison, *, now_s: float) -> None:
        """It is measured now."""
        one.stage, one.since_s = "running", now_s
        self._touch(one)

    def take(self, one: Comparison, event: ParityEvent) -> None:
        """Something was measured."""
        if one.stage == "running":
            one.take(event)
            self._touch(one)

    def draw(self, one: Comparison) -> None:
        """All is measured; its plots are drawn."""
        one.stage = "drawing"
        self._touch(one)

    def end(self, one: Comparison, *, html: str = "", fault: str = "") -> None:
        """It ended: *html* shows its verdict; or it could not be measured, and *fault* says why."""
        one.stage, one.found, one.fault = "ended", html, fault
        one.points.clear()  # from now on the plots show them
        self._touch(one)
        self.say(f"{one.request.candidate} against {one.request.baseline}: {one.outcome}.")

    def forget(self, number: int) -> None:
        """Let a comparison that ended go."""
        if number in self.comparisons and self.comparisons[number].stage == "ended":
            del self.comparisons[number]
            for kept in (self._changed, self._told, self._drawn):
                kept.pop(number, None)
            self._gone.append(number)

    def clear(self) -> None:
        """Let all go that ended."""
        for number in list(self.comparisons):
            self.forget(number)

    def show_arms(self, arms: Iterable[str]) -> None:
        """Offer what may be compared."""
        self._fields["arms"] = list(arms)

    def notice(self, message: str) -> None:
        """Show a line of words; an empty one takes it away."""
        self._fields["notice"] = message

    def say(self, words: str) -> None:
        """Tell those who cannot see it."""
        self._fields["say"] = words

    # what follows from it

    @property
    def active(self) -> list[Comparison]:
        """What is measured or waits, the latest first."""
        return [one for one in self.comparisons.values() if one.stage in {"waiting", "running"}][::-1]

    @property
    def ended(self) -> tuple[Comparison, ...]:
        """Those that ended, in the order they were asked for."""
        return tuple(one for one in self.comparisons.values() if one.stage == "ended")

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What came of those that were measured, in order."""
        return tuple(one.verdict for one in self.ended if one.verdict is not None)

    def _touch(self, one: Comparison) -> None:
        self._changed[one.number] = None
        self._refresh()

    def _refresh(self) -> None:
        self._fields["running"] = len(self.active)

    # what the view is sent

    def patch(self, *, now_s: float) -> dict[str, object] | None:
        """Return what is new since the last time; None where nothing is."""
        if not self._fields.has_news and not self._changed and not self._gone:
            return None
        cards = [self._card(one, now_s) for one in map(self.comparisons.get, self._changed) if one]
        gone, self._gone = self._gone, []
        self._changed.clear()
        return {"fields": self._fields.news(), "cards": cards, "gone": gone}

    def whole(self, *, now_s: float) -> dict[str, object]:
        """Return all there is to show."""
        for kept in (self._changed, self._gone, self._told, self._drawn):
            kept.clear()
        cards = [self._card(one, now_s) for one in self.comparisons.values()]
        return {"whole": True, "fields": self._fields.all(), "cards": cards, "gone": []}

    def _card(self, one: Comparison, now_s: float) -> dict[str, object]:
        card = {"n": one.number, "look": one.look, "stage": one.stage, "summary": summary_html(one, now_s=now_s)}
        if one.number not in self._told:
            card["form"] = one.request.form
        if one.stage != "ended":
            known = self._told.get(one.number, 0)
            card |= {"margin": one.terms.margin_pct if one.terms else 0, "points": one.points[known:]}
        self._told[one.number] = len(one.points)
        body = body_html(one)
        if self._drawn.get(one.number) != body:
            self._drawn[one.number] = body
            card["body"] = body
        return card
