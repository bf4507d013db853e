"""Tab completion for the line of `%parity`: options, models, cores, cassettes, journals and `$names`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.assembly import EMBEDDED_MODEL, choose_model
from liteagent_nb.core.protocols import Model
from liteagent_nb.magics.choosing import EXAMPLES, models_in
from liteagent_nb.magics.matching import line_before, matcher, offered, public_names
from liteagent_nb.magics.parity_arms import CASSETTE, CORE
from liteagent_nb.magics.parity_options import COMPARE_LINE
from liteagent_nb.parity.making_arms import CORES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.completer import CompletionContext, MatcherAPIv2, SimpleMatcherResult
    from IPython.core.interactiveshell import InteractiveShell

    from liteagent_nb.magics.parity_magic import ParityMagics

__all__ = ["known_arms", "parity_matcher"]

_VALUED = [flag for option in COMPARE_LINE.options if option.takes_value for flag in option.flags]


def parity_matcher(magics: ParityMagics) -> MatcherAPIv2:
    """Return a matcher for the shell's completer."""

    def match_parity(context: CompletionContext) -> SimpleMatcherResult:
        if (line := line_before(context, "parity")) is None:
            return offered("", [])
        before, fragment = line
        return offered(fragment, _candidates(before, fragment, magics))

    return matcher(match_parity)


def _candidates(before: list[str], fragment: str, magics: ParityMagics) -> Iterable[str]:
    previous = before[-1] if before else ""
    if previous == "--journal" or before[:1] == ["summarize"]:
        return _files("*.jsonl")
    if previous in _VALUED:
        return []
    if fragment.startswith("-"):
        return COMPARE_LINE.flags
    if fragment.startswith("$"):
        return _variables(magics.ip)
    if fragment.startswith(CASSETTE):
        return _cassettes()
    return [*(() if before else ("summarize", "panel")), CASSETTE, *_named_arms(magics.ip)]


def known_arms(ip: InteractiveShell) -> list[str]:
    """Return what may be compared here, as it is written on the line."""
    return [*_variables(ip), *_named_arms(ip), *_cassettes()]


def _variables(ip: InteractiveShell) -> list[str]:
    return [f"${name}" for name in public_names(ip, _is_arm)]


def _named_arms(ip: InteractiveShell) -> list[str]:
    cores = [f"{CORE}{name}" for name in CORES]
    models = [*models_in(ip.user_ns), choose_model(None).name, EMBEDDED_MODEL, *EXAMPLES]
    return list(dict.fromkeys([*cores, *models]))


def _cassettes() -> list[str]:
    return [f"{CASSETTE}{file}" for file in _files("*.cassette.json")]


def _is_arm(value: object) -> bool:
    return not isinstance(value, type) and (callable(value) or isinstance(value, Model))


def _files(pattern: str) -> list[str]:
    return sorted(path.name for path in Path().glob(pattern))
