"""The words that `%exec` answers itself: status, list, languages, restart, interrupt, close."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.magics.counting import counted
from liteagent_nb.magics.executors import Place
from liteagent_nb.panels.lists import note_bundle, rows_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liteagent_nb.kernels.protocol import ContextExecutor, ContextStatus, LanguageStatus
    from liteagent_nb.magics.exec_magic import ExecMagics
    from liteagent_nb.magics.options import Settings

    Bundle: TypeAlias = dict[str, str]
    Command: TypeAlias = Callable[[ExecMagics, Settings], Bundle]

__all__ = ["NAMED", "PLAIN", "command_of"]

_NAME = re.compile(r"[\w.-]+")


def command_of(words: str) -> Command | None:
    """Return what answers *words* if they are a command, alone or with a context's name. None for code."""
    word, _, rest = words.partition(" ")
    if not rest and (word or "status") in PLAIN:
        return PLAIN[word or "status"]
    if word not in NAMED or (rest and not _NAME.fullmatch(rest.strip())):
        return None
    return lambda magics, wanted: NAMED[word](magics, wanted, rest.strip() or _current(wanted))


def _current(wanted: Settings) -> str:
    return str(wanted.context or f"{wanted.main}{Place.of(wanted).mark}")


def _status(magics: ExecMagics, wanted: Settings) -> Bundle:
    place = Place.of(wanted)
    rows = [("runs on", str(place)), *((one.id, _told(one, in_full=True)) for one in magics.contexts(wanted))]
    if (last := magics.last) is not None:
        rows.append(("last result", f"{last.status}, {last.t_ms:,.0f} ms (_exec_result)"))
    if (tape := magics.tape(wanted)) is not None:
        rows.append(("cassette", f"{tape.cassette.mode} · {tape.cassette.source}"))
    rows.append(("time limit", f"{wanted.timeout:g} s"))
    return rows_bundle("%exec", [*rows, ("more", "%exec CODE · %%exec · %exec list · %exec languages · %exec --help")])


def _list(magics: ExecMagics, wanted: Settings) -> Bundle:
    open_ones = magics.contexts(wanted)
    if not open_ones:
        return note_bundle("No context is open; the first %exec opens one.")
    return rows_bundle("Contexts", [(one.id, _told(one)) for one in open_ones])


def _told(one: ContextStatus, *, in_full: bool = False) -> str:
    parts = [one.language, one.state, counted(one.executions, "execution")]
    if one.queued:
        parts.append(f"{one.queued} waiting")
    if in_full and one.pid is not None:
        parts.append(f"process {one.pid}")
    return " · ".join(parts)


def _languages(magics: ExecMagics, wanted: Settings) -> Bundle:
    known: Sequence[LanguageStatus] = magics.ask(magics.executors[Place.of(wanted)].languages())
    return rows_bundle("Languages", [(one.name, _ability(one)) for one in sorted(known, key=_order)])


def _order(one: LanguageStatus) -> tuple[bool, bool, str]:
    return not one.is_installed, not one.keeps_state, one.name


def _ability(one: LanguageStatus) -> str:
    if not one.is_installed:
        return "not on this machine"
    state = "keeps its variables" if one.keeps_state else "each run is a fresh one"
    return " · ".join(part for part in (one.version, state, ", ".join(one.aliases)) if part)


def _restart(magics: ExecMagics, wanted: Settings, name: str) -> Bundle:
    if not _is_only_replayed(magics, wanted, name):
        magics.ask(_used(magics, wanted).restart(name))
    return note_bundle(f"Context {name} begins anew; its variables are gone.")


def _interrupt(magics: ExecMagics, wanted: Settings, name: str) -> Bundle:
    magics.ask(_used(magics, wanted).interrupt(name))
    return note_bundle(f"What ran in context {name} is interrupted; its variables are kept.")


def _close(magics: ExecMagics, wanted: Settings, name: str) -> Bundle:
    if not _is_only_replayed(magics, wanted, name):
        magics.ask(_used(magics, wanted).close(name))
    return note_bundle(f"Context {name} is closed; no kernel of it is left.")


def _is_only_replayed(magics: ExecMagics, wanted: Settings, name: str) -> bool:
    """Let the cassette begin anew with the context; whether there is no kernel of it."""
    tape = magics.tape(wanted)
    return tape is not None and tape.forget(name)


def _used(magics: ExecMagics, wanted: Settings) -> ContextExecutor:
    place = Place.of(wanted)
    if place.is_near and place not in magics.executors.made:
        raise ConfigError("no context is open", hint="the first %exec opens one")
    return magics.executors[place]


PLAIN: dict[str, Command] = {"status": _status, "list": _list, "languages": _languages}
"""Commands that are one word."""

NAMED: dict[str, Callable[[ExecMagics, Settings, str], Bundle]] = {
    "restart": _restart,
    "interrupt": _interrupt,
    "close": _close,
}
"""Commands that may be followed by a context's name."""
