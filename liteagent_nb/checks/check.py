"""Check, Bench and Finding: a question to this installation, what the questions share, and the answer."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from liteagent_nb import environment
from liteagent_nb.core.errors import LiteAgentError
from liteagent_nb.core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["Bench", "Check", "Finding", "Skipped", "Status"]

T = TypeVar("T")
Status: TypeAlias = Literal["pass", "fail", "skip"]


class Skipped(Exception):
    """What cannot be found out here, and need not be. *remedy* says what would make it possible."""

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class Bench(ExitStack):
    """What checks share, the servers they ask for instance: opened when the first needs it, closed at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, Any] = {}

    def keep(self, name: str, open_it: Callable[[], AbstractContextManager[T]]) -> T:
        """Return what is open under that *name*, the first time what *open_it* opens."""
        if name not in self._kept:
            self._kept[name] = self.enter_context(open_it())
        kept: T = self._kept[name]
        return kept


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; *remedy* says what to do where it failed."""

    check: str
    title: str
    status: Status
    said: str
    remedy: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and the function `module:name` that answers it: returns what it saw, or raises what is wrong.

    The function is imported when it is asked: what is broken in this installation must not break the other checks.
    """

    name: str
    title: str
    home: str
    words: tuple[str, ...] = ()
    """What the function is given behind the bench."""
    is_thorough: bool = False
    """Whether it takes long, so that it is asked only where everything is."""

    def run(self, bench: Bench, *, is_strict: bool = False) -> Finding:
        """Ask, and say what was found; where *is_strict*, what cannot be found out counts as failed."""
        started_s = time.monotonic()
        status, said, remedy = self._answer(bench)
        status = "fail" if is_strict and status == "skip" else status
        seconds = round(time.monotonic() - started_s, 2)
        secrets = environment.secret_values()
        return Finding(self.name, self.title, status, redact(said, secrets), redact(remedy, secrets), seconds)

    def _answer(self, bench: Bench) -> tuple[Status, str, str]:
        module, _, name = self.home.partition(":")
        try:
            return "pass", str(getattr(import_module(module), name)(bench, *self.words)), ""
        except Skipped as reason:
            return "skip", str(reason), reason.remedy
        except LiteAgentError as error:
            return "fail", f"{error}", error.hint
        except ImportError as error:
            missing = error.name or "a module"
            return "fail", f"{missing} cannot be imported: {error}", "pip install --force-reinstall liteagent_nb"
        except Exception as error:  # noqa: BLE001 - whatever a broken installation raises is what is looked for
            return "fail", f"{type(error).__name__}: {error}", "report it, with the file of --json"
