"""Checks of what is installed: Python, the packages, and those of each extra. Imports little, for it must not fail."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from liteagent_nb.checks.check import Skipped
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from liteagent_nb.checks.check import Bench

__all__ = ["extra", "packages", "python"]

_DISTRIBUTION = "liteagent_nb"


def python(_bench: Bench) -> str:
    """Look at the version of Python."""
    wanted = metadata.metadata(_DISTRIBUTION)["Requires-Python"]
    here = platform.python_version()
    if not SpecifierSet(wanted).contains(here, prereleases=True):
        raise ConfigError(f"Python {here} is not {wanted}", hint=f"make an environment with Python {wanted}")
    return f"{platform.python_implementation()} {here} on {platform.system()} {platform.machine()}"


def packages(_bench: Bench) -> str:
    """Look at what the package itself needs."""
    wrong = [said for said in map(_fault, _requirements()) if said]
    if wrong:
        raise ConfigError("; ".join(wrong), hint="pip install --upgrade liteagent_nb")
    known = ", ".join(f"{name} {metadata.version(name)}" for name in ("litellm", "ipython", "ipykernel"))
    return f"liteagent_nb {metadata.version(_DISTRIBUTION)} with {known}"


def extra(_bench: Bench, name: str) -> str:
    """Look at what the extra *name* needs; where nothing of it is there, nobody asked for it."""
    wanted = list(_requirements(name))
    remedy = f'pip install "liteagent_nb[{name}]"'
    wrong = [said for said in map(_fault, wanted) if said]
    if wanted and all(_version(one.name) is None for one in wanted):
        raise Skipped(f"not installed: {_names(wanted)}", remedy=remedy)
    if wrong:
        raise ConfigError("; ".join(wrong), hint=remedy)
    return ", ".join(f"{one.name} {_version(one.name)}" for one in wanted)


def _requirements(extra: str = "") -> Iterable[Requirement]:
    """Yield what the package needs, or what it needs for *extra* alone; extras that are made of others left out."""
    for line in metadata.requires(_DISTRIBUTION) or ():
        wanted = Requirement(line)
        is_ours = wanted.marker is None or wanted.marker.evaluate({"extra": extra})
        is_always = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
        if is_ours and is_always != bool(extra) and wanted.name != _DISTRIBUTION:
            yield wanted


def _fault(wanted: Requirement) -> str:
    """Say what is wrong with the installed version; empty where nothing is."""
    found = _version(wanted.name)
    if found is None:
        return f"{wanted.name} is missing"
    fits = wanted.specifier.contains(found, prereleases=True)
    return "" if fits else f"{wanted.name} {found} is not {wanted.specifier}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _names(wanted: Iterable[Requirement]) -> str:
    return ", ".join(one.name for one in wanted)
