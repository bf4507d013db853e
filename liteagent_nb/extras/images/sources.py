"""From whatever shows a picture to its bytes, or to pixels: paths, data URLs, PIL images, figures, arrays."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from liteagent_nb.core.drawing import png_of
from liteagent_nb.core.errors import ConfigError

__all__ = ["Source", "looks_like_picture", "source_of"]

_SUFFIXES = frozenset(".png .jpg .jpeg .webp .gif .bmp .tif .tiff .avif .jp2".split())
_KINDS = (
    ("PIL.Image", "Image"),
    ("matplotlib.figure", "Figure"),
    ("matplotlib.axes", "Axes"),
    ("numpy", "ndarray"),
)
_HINT = "give a path, bytes, a PIL image, a matplotlib figure or an array of numbers"
_GREY_AXES = 2


@dataclass(frozen=True, slots=True)
class Source:
    """A picture as it came: the bytes of a file, or pixels in memory."""

    data: bytes = b""
    image: Image.Image | None = None

    @property
    def digest(self) -> str:
        """The sha256 of its content."""
        if self.image is None:
            return hashlib.sha256(self.data).hexdigest()
        head = (self.image.mode, self.image.size, self.image.getpalette(), self.image.info.get("transparency"))
        return hashlib.sha256(repr(head).encode() + self.image.tobytes()).hexdigest()

    @property
    def size(self) -> int:
        """How many bytes it had when it came; 0 for pixels."""
        return len(self.data)


def looks_like_picture(value: object) -> bool:
    """Whether *value* is one of the objects that show a picture, or the path of one; imports nothing to find out."""
    if isinstance(value, Path):
        return value.suffix.lower() in _SUFFIXES
    return _is_known(value) or callable(getattr(type(value), "_repr_png_", None))


def _is_known(value: object) -> bool:
    kinds = (getattr(sys.modules.get(module), name, None) for module, name in _KINDS)
    return any(isinstance(kind, type) and isinstance(value, kind) for kind in kinds)


def source_of(thing: object) -> Source:
    """Return the picture that *thing* is, or shows. Raises `ConfigError` where it shows none."""
    if isinstance(thing, bytes | bytearray | memoryview):
        return Source(bytes(thing))
    if isinstance(thing, str) and thing[:5].lower() == "data:":
        return Source(_of_data_url(thing))
    if isinstance(thing, str | os.PathLike):
        return Source(_of_path(thing))
    if isinstance(thing, Image.Image):
        return Source(image=thing)
    if hasattr(thing, "__array_interface__"):
        return Source(image=_of_array(thing))
    if data := png_of(thing):
        return Source(data)
    raise ConfigError(f"a {type(thing).__name__} is no picture", hint=_HINT)


def _of_path(path: str | os.PathLike[str]) -> bytes:
    if str(path)[:8].lower().startswith(("http://", "https://")):
        raise ConfigError(f"{path} is an address, not a file", hint="use fetch_remote_image for it")
    try:
        return Path(path).expanduser().read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{path} cannot be read: {why}", hint="check the path") from None


def _of_data_url(url: str) -> bytes:
    _, _, body = url.partition(";base64,")
    try:
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error):
        raise ConfigError(f"{url[:40]}… is no data URL in base64", hint="data:image/png;base64,…") from None


def _of_array(array: Any) -> Image.Image:
    """Return an array of numbers as an image: grey, RGB or RGBA; from 0 to 255, 0.0 to 1.0, or 16 bits."""
    if array.ndim < _GREY_AXES or array.shape[_GREY_AXES:] not in {(), (1,), (3,), (4,)}:
        raise ConfigError(f"an array of shape {array.shape} is no picture", hint="height x width, or x 3 (RGB), x 4")
    if not array.size:
        raise ConfigError(f"an array of shape {array.shape} has no pixels", hint="give one that is not empty")
    return Image.fromarray(_in_bytes(array[..., 0] if array.shape[_GREY_AXES:] == (1,) else array))


def _in_bytes(array: Any) -> Any:
    kind, low, high = array.dtype.kind, array.min(), array.max()
    if kind == "b":
        return array.astype("uint8") * 255
    if kind == "f" and 0 <= low <= high <= 1:
        return (array * 255).round().astype("uint8")
    if kind in "iuf" and 0 <= low <= high <= 255:  # noqa: PLR2004 - a byte
        return array.astype("uint8")
    if array.dtype == "uint16":
        return (array >> 8).astype("uint8")
    raise ConfigError(
        f"an array of {array.dtype} from {low} to {high} is no picture", hint="scale it to 0…1, or to 0…255 as uint8"
    )
