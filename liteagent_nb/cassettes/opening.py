"""Which cassette is meant, and the ones that are open in this process."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from liteagent_nb import environment
from liteagent_nb.cassettes.cassette import MODES, SUFFIX, Cassette, Mode
from liteagent_nb.core.errors import ConfigError

__all__ = ["VARIABLE", "choose_cassette", "open_cassette", "read_choice"]

VARIABLE = "LITEAGENT_CASSETTE"
"""The variable that names a cassette where nothing else does: `MODE`, `FILE` or `MODE:FILE`."""

_open: dict[Path, Cassette] = {}
"""One for each file: what was played and recorded is counted from run to run."""


def open_cassette(path: Path | str, mode: Mode, *, anew: bool = False) -> Cassette:
    """Return the cassette in *path*, in that mode; the one that is open, unless it is to be read *anew*."""
    place = Path(path).resolve()
    if anew or place not in _open:
        _open[place] = Cassette(place, mode)
    _open[place].mode = mode
    return _open[place]


def choose_cassette(choice: str | None = None, *, default: Cassette | Path | None = None) -> Cassette | None:
    """Return the cassette of *choice* (`MODE`, `FILE` or `MODE:FILE`), else of LITEAGENT_CASSETTE; None for `off`.

    *default* is the cassette, or its file, where only a mode is named. Raises `ConfigError` where there is none then.
    """
    words = choice or environment.text(VARIABLE)
    mode, file = read_choice(words) if words else ("off", "")
    if mode == "off":
        return None
    if file:
        return open_cassette(file, mode)
    if isinstance(default, Cassette):
        default.mode = mode
        return default
    if default is None:
        raise ConfigError(f"{mode}: the name of a cassette is missing", hint=f"write {mode}:NAME{SUFFIX}")
    return open_cassette(default, mode)


def read_choice(text: str) -> tuple[Mode, str]:
    """Read `MODE`, `FILE` or `MODE:FILE`; a file alone means `auto`. Raises `ConfigError` for anything else."""
    word, _, file = text.strip().partition(":")
    if word in MODES:
        return word, file.strip()
    if text.strip().endswith(".json"):
        return "auto", text.strip()
    near = get_close_matches(word, MODES, n=1)
    meant = f"did you mean {near[0]}? Else " if near else ""
    raise ConfigError(
        f"{text!r} names no cassette", hint=f"{meant}write {', '.join(MODES)}, NAME{SUFFIX}, or replay:NAME{SUFFIX}"
    )
