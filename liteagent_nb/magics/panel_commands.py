"""What the view of a chat asks for: each word with what it does."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from liteagent_nb.panels.chat_export import cells_of, code_of, markdown_of, notebook_of
from liteagent_nb.panels.chat_turns import Question, turn_html

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from liteagent_nb.magics.panel_backing import PanelBacking
    from liteagent_nb.panels.chat import Chat
    from liteagent_nb.panels.chat_turns import Turn

__all__ = ["PanelCommands"]


class PanelCommands:
    """Does what a view's messages say: `{"do": word, …}`; words that nobody knows do nothing."""

    def __init__(
        self,
        chat: Chat,
        backing: PanelBacking,
        *,
        ask: Callable[[Question], object],
        answer: Callable[[dict[str, object]], object],
    ) -> None:
        self._chat = chat
        self._backing = backing
        self._ask = ask
        self._answer = answer
        self._words: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
            "hello": self._hello,
            "ask": self._new_question,
            "retry": self._again,
            "stop": lambda _: chat.stop(),
            "drop": lambda message: chat.drop(int(message["place"])),
            "decide": self._decide,
            "model": self._choose,
            "names": lambda _: answer({"names": backing.names()}),
            "turn": self._on_turn(lambda turn: {"turn": {"n": turn.number, "html": turn_html(turn)}}),
            "copy": self._on_turn(lambda turn: {"copy": turn.run.final_answer}),
            "edit": self._on_turn(lambda turn: {"edit": {"n": turn.number, "text": turn.question.text}}),
            "code": self._on_turn(lambda turn: {"cells": [_code(source) for source in code_of(turn.run)]}),
            "cells": lambda _: answer({"cells": [asdict(cell) for cell in cells_of(chat.state.turns)]}),
            "markdown": lambda _: self._file("chat.md", markdown_of(chat.state.turns)),
            "notebook": lambda _: self._file("chat.ipynb", json.dumps(notebook_of(chat.state.turns), indent=1)),
            "next": self._next_cell,
        }

    def __call__(self, message: Mapping[str, Any]) -> None:
        """Do what *message* says."""
        if (do := self._words.get(str(message.get("do")))) is not None:
            do(message)

    def _hello(self, _: Mapping[str, Any]) -> None:
        self._chat.set(**self._backing.fields())
        self._chat.show_whole()

    def _new_question(self, message: Mapping[str, Any]) -> None:
        self._ask(
            Question(
                str(message["text"]),
                str(message.get("model") or ""),
                tuple(str(name) for name in message.get("names", ())),
                tuple(filter(None, (_bytes_of(url) for url in message.get("pictures", ())))),
                int(message.get("replaces") or 0),
            )
        )

    def _again(self, message: Mapping[str, Any]) -> None:
        turn = self._turn(message)
        if turn is not None:
            self._ask(replace(turn.question, model=str(message.get("model") or ""), replaces=turn.number))

    def _decide(self, message: Mapping[str, Any]) -> None:
        verdict = message["verdict"]
        is_allowed = verdict in {"yes", "always"}
        self._chat.decide(int(message["number"]), is_allowed=is_allowed, is_for_all=verdict == "always")

    def _choose(self, message: Mapping[str, Any]) -> None:
        self._backing.model = str(message["name"])
        self._chat.set(**self._backing.fields())

    def _file(self, name: str, text: str) -> None:
        self._answer({"file": {"name": name, "text": text}})

    def _next_cell(self, message: Mapping[str, Any]) -> None:
        """Let the cells come as one with the next cell that is run: this page knows no better way."""
        self._backing.insert("\n\n".join(str(cell["source"]) for cell in message["cells"] if cell["kind"] == "code"))
        self._chat.set(notice="The code comes as a new cell with the next cell that you run.")

    def _on_turn(self, told: Callable[[Turn], dict[str, object]]) -> Callable[[Mapping[str, Any]], object]:
        def do(message: Mapping[str, Any]) -> None:
            turn = self._turn(message)
            if turn is not None:
                self._answer(told(turn))

        return do

    def _turn(self, message: Mapping[str, Any]) -> Turn | None:
        return next((turn for turn in self._chat.state.turns if turn.number == message.get("n")), None)


def _code(source: str) -> dict[str, str]:
    return {"kind": "code", "source": source}


def _bytes_of(url: object) -> bytes:
    """Return the picture in a data URL; nothing where it is none."""
    try:
        return base64.b64decode(str(url).partition(",")[2], validate=True)
    except binascii.Error:
        return b""
