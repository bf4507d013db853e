"""What runs a language on this machine, as it says itself."""

from __future__ import annotations

import re
from shutil import which
from typing import TYPE_CHECKING

from liteagent_nb.kernels.processes import run_process

if TYPE_CHECKING:
    from liteagent_nb.kernels.languages import Language

__all__ = ["version_of"]

_ASKED = {"go": ("version",), "java": ("-version",)}
_VERSION = re.compile(r"\d+\.\d+")
_WITHIN_S = 5.0


async def version_of(language: Language) -> str | None:
    """Return the first line that its program says of its version, None where there is no such program here."""
    program = _program_of(language)
    return None if program is None else await _asked(program)


def _program_of(language: Language) -> str | None:
    names = [argv[0] for argv in (language.compile or language.run)]
    return next((found for name in names if (found := which(name))), None)


_known: dict[str, str] = {}


async def _asked(program: str) -> str:
    """Ask once in the life of this process: java takes half a second to say it."""
    if program not in _known:
        name = program.rpartition("/")[2]
        result = await run_process([program, *_ASKED.get(name, ("--version",))], timeout_s=_WITHIN_S)
        lines = (result.stdout or result.stderr).splitlines() or [""]
        _known[program] = next((line.strip() for line in lines if _VERSION.search(line)), name)
    return _known[program]
