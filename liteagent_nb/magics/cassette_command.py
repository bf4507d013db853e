"""`%agent cassette …`: which recording is used, and how; carrying it inside the notebook."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from liteagent_nb import environment
from liteagent_nb.cassettes.cassette import MODES, Cassette
from liteagent_nb.cassettes.opening import VARIABLE, choose_cassette, open_cassette, read_choice
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.magics.counting import counted
from liteagent_nb.magics.notebook_file import cassette_file
from liteagent_nb.panels.lists import note_bundle, rows_bundle

if TYPE_CHECKING:
    from liteagent_nb.magics.agent_magic import AgentMagics

__all__ = ["WORDS", "cassette_command", "find_cassette"]

WORDS = (*MODES, "embed", "trim", "timed")
"""What may come behind `%agent cassette`."""


def find_cassette(magics: AgentMagics, named: str | None) -> Cassette | None:
    """Return the cassette that a run uses: the option's, the trait's, the environment's; or none."""
    default = magics.carried or cassette_file(magics.ip.user_ns)
    return choose_cassette(named or magics.cassette or None, default=default)


def cassette_command(magics: AgentMagics, words: str, body: str = "") -> dict[str, str]:
    """Do what *words* say (`replay first.cassette.json`) and return how it stands. *body* is a cassette itself.

    Raises `ConfigError` for words that mean nothing here.
    """
    first, *rest = words.split() or [""]
    if body.strip():
        magics.carried = Cassette.of_text(body)
        magics.cassette = read_choice(first or "replay")[0]
    elif first == "embed":
        return _embed(magics)
    elif first == "trim":
        return _trim(magics)
    elif first:
        _use(magics, first, rest)
    return _status(magics)


def _use(magics: AgentMagics, first: str, rest: list[str]) -> None:
    """Use the cassette of these words from now on; it is read anew, and its counts begin anew."""
    is_timed = "timed" in rest
    files = [word for word in rest if word != "timed"]
    if (first not in MODES and not first.endswith(".json")) or len(files) > 1:
        near = get_close_matches(first, WORDS, n=1)
        meant = f"did you mean {near[0]}? Else " if near else ""
        hint = f"{meant}one of {', '.join(WORDS)}, and a file; `%agent -- cassette …` asks the model"
        raise ConfigError(f"%agent cassette does not know {' '.join([first, *rest])!r}", hint=hint)
    choice = ":".join([first, *files])
    mode, file = read_choice(choice)
    path = file or (None if magics.carried else cassette_file(magics.ip.user_ns))
    if path and mode != "off":
        open_cassette(path, mode, anew=True)
    if (cassette := find_cassette(magics, choice)) is not None:
        cassette.real_time = is_timed
    magics.cassette = choice


def _status(magics: AgentMagics) -> dict[str, str]:
    cassette = find_cassette(magics, None)
    if cassette is None:
        return note_bundle("No cassette: models and tools are asked. `%agent cassette auto` records and replays them.")
    tracks = list(cassette.tracks)
    unused = sum(track.is_unused for track in tracks)
    by_trait = "%agent cassette" if magics.cassette else environment.text(VARIABLE) and VARIABLE
    rows = [
        ("mode", f"{cassette.mode}{' in real time' if cassette.real_time else ''} · set by {by_trait}"),
        ("file", cassette.source),
        ("holds", f"{counted(len(tracks), 'track')}: {_kinds(cassette)}"),
        ("since opened", f"{sum(t.played for t in tracks)} replayed, {sum(t.recorded for t in tracks)} recorded"),
        ("not asked for", f"{counted(unused, 'track')}; `%agent cassette trim` drops what the notebook no longer asks"),
    ]
    return rows_bundle("Cassette", rows if 0 < unused < len(tracks) else rows[:-1])


def _kinds(cassette: Cassette) -> str:
    kinds = {"model": "question", "tool": "tool call", "execution": "execution", "listing": "tool list"}
    held = ((len(cassette.tracks.of(kind)), word) for kind, word in kinds.items())  # type: ignore[arg-type]  # the keys are Kinds
    return ", ".join(counted(number, word) for number, word in held if number) or "nothing yet"


def _trim(magics: AgentMagics) -> dict[str, str]:
    cassette = _needed(magics)
    dropped = cassette.tracks.trim()
    if dropped:
        cassette.save()
    return note_bundle(f"{counted(dropped, 'track')} that nobody asked for dropped from {cassette.source}.")


def _embed(magics: AgentMagics) -> dict[str, str]:
    """Put a cell below that carries the cassette: the notebook then needs no other file."""
    cassette = _needed(magics)
    magics.ip.set_next_input(f"%%agent cassette replay\n{cassette.text}")
    return note_bundle(
        f"The cell below carries {cassette.source} ({counted(len(cassette.tracks), 'track')}): move it above the first "
        "%agent, and this notebook replays anywhere, without another file."
    )


def _needed(magics: AgentMagics) -> Cassette:
    cassette = find_cassette(magics, None)
    if cassette is None:
        raise ConfigError("no cassette is in use", hint="begin with %agent cassette auto")
    return cassette
