"""ChatState: all that a chat panel shows, without a view: events and decisions go in, what to send comes out."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from liteagent_nb.core.arguments import read_arguments
from liteagent_nb.core.chat import ToolCall, Usage
from liteagent_nb.core.steps import (
    ModelAsked,
    ReasoningDelta,
    StepDone,
    TextDelta,
    ToolFinished,
    ToolStarted,
)
from liteagent_nb.panels.cards import asking_card_html, card_html, duration, running_card_html
from liteagent_nb.panels.chat_blocks import Blocks
from liteagent_nb.panels.chat_export import code_of
from liteagent_nb.panels.chat_turns import Question, Turn, question_html
from liteagent_nb.panels.fields import Fields
from liteagent_nb.panels.render import answer_html
from liteagent_nb.panels.run_view import money, tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liteagent_nb.core.chat import Transcript
    from liteagent_nb.core.steps import Event, Run

__all__ = ["ChatState"]

_THOUGHT_CHARS = 300
_LABEL_CHARS = 60


class ChatState:
    """One chat: its turns, the run that goes on, what waits, and what the view was not told yet.

    `patch` is what is new since the last time, in few words; `whole` is all, for a view that begins. Fields are set
    as they are, changes of blocks are applied in order. All text in HTML is escaped or rendered by `panels.render`.
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.queue: list[Question] = []
        self.number = 0
        """Of the turn that goes on, or went on last."""
        self.is_running = False
        self._blocks = Blocks(0)
        self._running: dict[str, tuple[ToolCall, float]] = {}
        self._asked: dict[int, ToolCall] = {}
        self._ids = count(1)
        self._status, self._since_s, self._thought = "", 0.0, ""
        self._spent = Usage()
        self._fields = Fields()
        self.set(say="", notice="", status={"text": "", "thought": ""})
        self._refresh()

    # what happens

    def begin(self, question: Question, *, now_s: float) -> None:
        """Begin the run that answers *question*."""
        self.number += 1
        self.is_running = True
        self._blocks = Blocks(self.number)
        self._blocks.put("you", question_html(question))
        self._spent = Usage()
        self.notice("")
        self.status("getting ready", now_s=now_s)
        self._refresh()

    def take(self, event: Event, *, now_s: float) -> None:
        """Take in one event of the run."""
        match event:
            case ModelAsked(model):
                self._settle_text()
                self.status(f"{model} is thinking", now_s=now_s)
            case TextDelta(text):
                self._blocks.write(text)
                self.status("", now_s=now_s)
            case ReasoningDelta(text):
                self._thought = (self._thought + text)[-_THOUGHT_CHARS:]
                self._show_status()
            case ToolStarted(_, call):
                self._settle_text()
                self._running[call.id] = (call, now_s)
                self._blocks.put(_card(call.id), running_card_html(call))
                self.status("", now_s=now_s)
            case ToolFinished(invocation):
                self._running.pop(invocation.tool_call_id, None)
                self._blocks.put(_card(invocation.tool_call_id), card_html(invocation))
            case StepDone(step):
                self._spent += step.reply.usage
                self._refresh()
            case _:
                self.status("", now_s=now_s)

    def end(self, question: Question, run: Run, before: Transcript) -> tuple[Turn, list[Turn]]:
        """End the run; return its turn, and the turns that it takes the place of."""
        turn = Turn(self.number, question, run, before)
        replaced = [one for one in self.turns if question.replaces and one.number >= question.replaces]
        replaced = [replace(one, is_replaced=True) for one in replaced if not one.is_replaced]
        by_number = {one.number: one for one in replaced}
        self.turns = [*(by_number.get(one.number, one) for one in self.turns), turn]
        self._over()
        self._say("Stopped." if run.stopped_reason == "cancelled" else "The answer is there.")
        return turn, replaced

    def fail(self, message: str) -> None:
        """End a run that could not begin; *message* says why."""
        self._over()
        self.notice(message)
        self._say(message)
        self._fields["dropped"] = self.number

    def _over(self) -> None:
        self.is_running = False
        self._running.clear()
        self._asked.clear()
        self._spent = Usage()
        self.status("", now_s=0.0)
        self._refresh()

    # approvals

    def ask_leave(self, name: str, arguments: Mapping[str, object]) -> int:
        """Ask whether a call may run; return the question's number. Its card shows what would run."""
        number = next(self._ids)
        call = ToolCall.of(self._id_of(name, arguments) or f"asks-{number}", name, arguments)
        self._asked[number] = call
        self._blocks.put(_card(call.id), asking_card_html(call))
        self._say(f"{name} asks whether it may run.")
        self._refresh()
        return number

    def _id_of(self, name: str, arguments: Mapping[str, object]) -> str:
        """Return the id of the call that began with these arguments, and does not ask yet."""
        waiting = (call for call, _ in self._running.values() if call.name == name and call.id not in self._asked_ids)
        return next((call.id for call in waiting if read_arguments(call.arguments)[0] == arguments), "")

    def decided(self, number: int, *, now_s: float) -> None:
        """A call may run, or not: it is no longer asked for."""
        call = self._asked.pop(number, None)
        if call is not None:
            self._running[call.id] = (call, now_s)
            self._blocks.put(_card(call.id), running_card_html(call))
        self._refresh()

    def asked_name(self, number: int) -> str:
        """Return the name of the tool that question *number* is about."""
        return self._asked[number].name

    @property
    def _asked_ids(self) -> set[str]:
        return {call.id for call in self._asked.values()}

    # what is shown

    def status(self, text: str, *, now_s: float) -> None:
        """Show that something goes on, beside a spinner that counts seconds; an empty one shows nothing."""
        if text != self._status or not text:
            self._since_s = now_s
        if text != self._status or self._thought:
            self._status, self._thought = text, ""
            self._show_status()

    def notice(self, message: str) -> None:
        """Show a line of words; an empty one takes it away."""
        self._fields["notice"] = message

    def set(self, **fields: object) -> None:
        """Show what the panel was told from outside: models, the chosen one, tools that are asked for."""
        for name, value in fields.items():
            self._fields[name] = value

    def add(self, question: Question) -> None:
        """Let *question* wait for its turn."""
        self.queue.append(question)
        self._refresh()

    def next(self) -> Question:
        """Take the question that waited longest."""
        question = self.queue.pop(0)
        self._refresh()
        return question

    def drop(self, place: int) -> None:
        """Take back the question at *place* of the queue."""
        if 0 <= place < len(self.queue):
            del self.queue[place]
        self._refresh()

    @property
    def spent(self) -> Usage:
        """Tokens and money of all turns."""
        return sum((turn.run.usage for turn in self.turns), self._spent)

    def transcript(self, replaces: int, start: Transcript) -> Transcript:
        """Return what was said before a question that takes the place of turn *replaces*, or is new."""
        if replaces:
            return next((turn.before for turn in self.turns if turn.number == replaces), start)
        return self.turns[-1].run.transcript if self.turns else start

    def _settle_text(self) -> None:
        if text := self._blocks.text:
            self._blocks.end_text(f'<div class="la-run">{answer_html(text)}</div>' if text.strip() else "")

    def _refresh(self) -> None:
        """Write down what follows from the rest."""
        self._fields["running"] = self.number if self.is_running else 0
        self._fields["queue"] = [_label(question.text) for question in self.queue]
        self._fields["turns"] = [_about(turn) for turn in self.turns]
        self._fields["asks"] = [[number, _card(call.id), call.name] for number, call in self._asked.items()]
        self._fields["line"] = self._line()

    def _line(self) -> list[str]:
        count_, spent = len(self.turns), self.spent
        if not count_ and not spent.total_tokens:
            return []
        took = duration(sum(turn.run.ttotal_ms for turn in self.turns))
        turns = f"{count_} question{'' if count_ == 1 else 's'}"
        return [turns, tokens(spent), money(spent.cost_usd), took]

    def _show_status(self) -> None:
        self._fields["status"] = {"text": self._status, "thought": self._thought}

    def _say(self, words: str) -> None:
        """Tell those who cannot see it."""
        self._fields["say"] = words

    # what the view is sent

    def patch(self, *, now_s: float) -> dict[str, object] | None:
        """Return what is new since the last time; None where nothing is."""
        changes = self._blocks.changes()
        if not changes and not self._fields.has_news:
            return None
        fields = self._sent(self._fields.news(), now_s)
        return {"fields": fields, **({"blocks": changes} if changes else {})}

    def whole(self, *, now_s: float) -> dict[str, object]:
        """Return all there is to show."""
        for call, since_s in self._running.values():
            if call.id not in self._asked_ids:
                self._blocks.put(_card(call.id), running_card_html(call, for_s=now_s - since_s))
        blocks = self._blocks.all()
        fields = self._sent(self._fields.all(), now_s)
        return {"whole": True, "fields": fields, "blocks": blocks if self.is_running else []}

    def _sent(self, fields: dict[str, object], now_s: float) -> dict[str, object]:
        """Return *fields* as they are now: how long something goes on is no news."""
        status = fields.get("status")
        if isinstance(status, dict):
            fields["status"] = {**status, "for_s": round(max(0.0, now_s - self._since_s), 1)}
        return fields


def _card(call_id: str) -> str:
    return f"call-{call_id}"


def _label(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LABEL_CHARS else line[: _LABEL_CHARS - 1] + "…"


def _about(turn: Turn) -> dict[str, object]:
    return {
        "n": turn.number,
        "label": _label(turn.question.text),
        "replaced": turn.is_replaced,
        "codes": len(code_of(turn.run)),
    }
