"""What the line and the cell of `%parity` name: two arms, what they are asked, and journals."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.magics.choosing import models_in
from liteagent_nb.magics.references import find_name, with_references
from liteagent_nb.parity.making_arms import CORES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from typing import TypeAlias

    from liteagent_nb.parity.arms import Arm
    from liteagent_nb.parity.summary import Summary

    Make: TypeAlias = Callable[[object], Arm]

__all__ = ["CASSETTE", "CORE", "Named", "find_arms", "find_prompts", "joined_prompts", "opened", "summarized"]

CASSETTE, CORE = "cassette:", "core:"
"""What stands before a file, and before a core of the Router that asks a server of this machine."""
_LINE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_GAP = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Named:
    """What a word of the line names: a value of the notebook, else what the word itself says."""

    name: str
    value: object = None

    @property
    def core(self) -> str:
        """The core of the Router that is meant, where one is."""
        return self.name.removeprefix(CORE) if self.value is None and self.name.startswith(CORE) else ""

    def made(self, make: Make, make_core: Make | None) -> Arm:
        """Return it as an arm, which may take seconds. Raises `ConfigError` for what cannot be one."""
        if self.value is not None:
            return replace(make(self.value), name=self.name)
        if make_core and self.core:
            return make_core(self.core)
        is_file = self.name.startswith(CASSETTE)
        return make(Path(self.name.removeprefix(CASSETTE)) if is_file else self.name)


def find_arms(words: Sequence[str], names: Mapping[str, object]) -> list[Named]:
    """Return what the two *words* name. Raises `ConfigError` for more or fewer, and for an unknown variable or core."""
    if len(words) != 2:  # noqa: PLR2004 (A and B)
        message = f"two are compared, and the line names {len(words)}"
        raise ConfigError(message, hint="%parity A B; %parity alone says what they can be")
    named = [_named(word, names) for word in words]
    for one in named:
        if one.core and one.core not in CORES:
            raise ConfigError(f"the Router has no core {one.core}", hint=f"it has {', '.join(CORES)}")
    return named


def _named(word: str, names: Mapping[str, object]) -> Named:
    if word.startswith("$"):
        return Named(word[1:], find_name(word[1:], names))
    return Named(word, models_in(names).get(word))


@asynccontextmanager
async def opened(named: Sequence[Named], make: Make) -> AsyncIterator[list[Arm]]:
    """Make the arms, beside the loop, since that loads much; a server of this machine runs where a core wants one."""
    async with _server() if any(one.core for one in named) else nullcontext() as make_core:
        yield [await asyncio.to_thread(one.made, make, make_core) for one in named]


@asynccontextmanager
async def _server() -> AsyncIterator[Make]:
    from liteagent_nb.parity.replaying import replaying  # noqa: PLC0415 - it is for cores, and loads httpx

    async with replaying() as server:
        yield lambda core: server.core(str(core))


def find_prompts(given: Sequence[str], cell: str | None, names: Mapping[str, object]) -> list[str]:
    """Return the prompts of the line and of the cell, with the variables that they refer to."""
    prompts = [*given, *_prompts_in(cell or "")]
    if cell is not None and not prompts:
        hint = "write them below %%parity, with an empty line or --- between them"
        raise ConfigError("there are no prompts", hint=hint)
    return [with_references(prompt, names) for prompt in prompts]


def _prompts_in(cell: str) -> list[str]:
    """Return what stands between lines of `---`; without any, each paragraph."""
    between = _LINE if _LINE.search(cell) else _GAP
    return [prompt.strip() for prompt in between.split(cell) if prompt.strip()]


def joined_prompts(prompts: Sequence[str]) -> str:
    """Return *prompts* as one text that `find_prompts` takes apart again."""
    return ("\n---\n" if any(_GAP.search(prompt) for prompt in prompts) else "\n\n").join(prompts)


def summarized(files: Sequence[str], names: Mapping[str, object], *, thresh_pct: float | None) -> Summary:
    """Return what the journals come to; `*` in a name means several. Raises `ConfigError` where none is found."""
    from liteagent_nb.parity.summary import summarize  # noqa: PLC0415 - only where one is asked for

    found = [path for file in files for path in _paths(file, names)]
    if not found:
        raise ConfigError("no journal is named", hint="%parity summarize FILE …, as --journal FILE wrote it")
    return summarize(found, thresh_pct=thresh_pct)


def _paths(file: str, names: Mapping[str, object]) -> list[Path]:
    path = Path(str(find_name(file[1:], names)) if file.startswith("$") else file).expanduser()
    return sorted(path.parent.glob(path.name)) if "*" in path.name else [path]
