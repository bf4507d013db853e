"""`%agent cache …`: whether answers are kept and given again, and where."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.caching.answers import AnswerCache
from liteagent_nb.magics.counting import counted
from liteagent_nb.panels.lists import note_bundle, rows_bundle

if TYPE_CHECKING:
    from liteagent_nb.magics.agent_magic import AgentMagics

__all__ = ["WORDS", "answer_cache", "cache_command"]

WORDS = ("status", "clear", "on", "off")
"""What may come behind `%agent cache`."""


def answer_cache(magics: AgentMagics) -> AnswerCache:
    """Return the notebook's cache, opened where it is first needed."""
    if magics.answers is None:
        magics.answers = AnswerCache(magics.cache_dir)
    return magics.answers


def cache_command(magics: AgentMagics, words: str) -> dict[str, str]:
    """Do what *words* say and return how it stands. Raises `ConfigError` for words that mean nothing here."""
    word = words.strip() or "status"
    if word not in WORDS:
        near = get_close_matches(word, WORDS, n=1)
        meant = f"did you mean {near[0]}? Else " if near else ""
        hint = f"{meant}one of {', '.join(WORDS)}; `%agent -- cache …` asks the model"
        raise ConfigError(f"%agent cache does not know {word!r}", hint=hint)
    if word == "clear":
        return note_bundle(f"The cache is empty; {counted(answer_cache(magics).clear(), 'answer')} forgotten.")
    if word in {"on", "off"}:
        magics.cache = word == "on"
    return _status(magics)


def _status(magics: AgentMagics) -> dict[str, str]:
    status = answer_cache(magics).status()
    on = "on: what was asked before is answered from it, and costs nothing"
    rows = [
        ("mode", on if magics.cache else "off: `%agent cache on`, or --cache for one task"),
        ("place", status.place if status.is_up else f"{status.place} (does not work just now)"),
        ("holds", "unknown" if status.entries is None else counted(status.entries, "answer")),
        ("this notebook", f"{counted(status.hits, 'hit')}, {counted(status.misses, 'question')} that had to be asked"),
    ]
    return rows_bundle("Cache", rows)
