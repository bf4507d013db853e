"""The token of our own services: made once, kept in a file that nobody else can read."""

from __future__ import annotations

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from liteagent_nb.core.errors import ConfigError

__all__ = ["KeptToken", "default_token_file", "keep_token", "read_token"]

_NOBODY_ELSE = 0o600


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token and its file."""

    text: str = field(repr=False)
    file: Path
    is_new: bool


def default_token_file() -> Path:
    """Return where the token of this user's services is kept: beside the connection files of their kernels."""
    from jupyter_core.paths import jupyter_runtime_dir  # noqa: PLC0415 - the services do without

    return Path(jupyter_runtime_dir()) / "liteagent-token"


def keep_token(file: Path) -> KeptToken:
    """Return the token in *file*, made where there is none. Raises `ConfigError` where others can read it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # O_EXCL: of two who start at once, one makes it; and no link that somebody put there is followed.
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NOBODY_ELSE)
    except FileExistsError:
        return KeptToken(read_token(file), file, is_new=False)
    except OSError as error:
        raise ConfigError(f"the token cannot be kept: {error}", hint="name another --token-file") from None
    token = secrets.token_urlsafe(32)
    with os.fdopen(number, "w", encoding="ascii") as opened:
        opened.write(token + "\n")
    return KeptToken(token, file, is_new=True)


def read_token(file: Path) -> str:
    """Return the token in *file*. Raises `ConfigError` where there is none, or others can read it."""
    try:
        mode = file.stat().st_mode
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"the token cannot be read: {error}", hint="name another --token-file") from None
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"others can read {file}", hint=f"chmod 600 {file}")
    if not token:
        raise ConfigError(f"{file} holds no token", hint="remove it, or name another --token-file")
    return token
