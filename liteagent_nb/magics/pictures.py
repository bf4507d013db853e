"""Pictures that go with a task: `--image` names a figure, image or array of the notebook, a file or an address."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.pictures import Picture
from liteagent_nb.magics.references import find_name, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["find_pictures", "picture_names"]

_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def find_pictures(wanted: Iterable[object], names: Mapping[str, object]) -> list[Picture]:
    """Return the pictures that *wanted* names, or is, small enough to send.

    Raises `ConfigError` for a name or a file that is not there, and for what is no picture.
    """
    return [_picture(one, names) for one in wanted]


def _picture(wanted: object, names: Mapping[str, object]) -> Picture:
    from liteagent_nb.extras.images import compressed, fetched  # noqa: PLC0415 - Pillow loads for the first picture

    called = wanted if isinstance(wanted, str) else type(wanted).__name__
    is_address = isinstance(wanted, str) and wanted.lower().startswith(("http://", "https://"))
    try:
        made = fetched(called) if is_address else compressed(_named(wanted, names))
    except ConfigError as error:
        raise ConfigError(f"--image {called}: {error}", hint=error.hint) from None
    return Picture(made.data_url, f"{called}: {made.about}")


def _named(word: object, names: Mapping[str, object]) -> object:
    """Return the variable *word*, else the file of that name; what is no word is what was meant."""
    if not isinstance(word, str):
        return word
    if word.partition(".")[0] in names and _NAME.fullmatch(word):
        return find_name(word, names)
    path = Path(word).expanduser()
    if path.is_file():
        return path
    hint = near(word, picture_names(names)) if _NAME.fullmatch(word) else "check the path"
    raise ConfigError("there is no such variable, and no such file", hint=hint)


def picture_names(names: Mapping[str, object]) -> list[str]:
    """Return the names of the notebook's pictures."""
    from liteagent_nb.extras.images import looks_like_picture  # noqa: PLC0415 - as above

    return [name for name, value in list(names.items()) if not name.startswith("_") and looks_like_picture(value)]
