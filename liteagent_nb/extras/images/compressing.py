"""compress_image: any picture as a data URL of at most so many kilobytes, as good as they allow."""

from __future__ import annotations

import base64
import math
import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from PIL import Image

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.images.fitting import fitted, pixels_for
from liteagent_nb.extras.images.graphics import graphic_within, is_graphic, png_within
from liteagent_nb.extras.images.keeping import Shelf
from liteagent_nb.extras.images.opening import check_pixels, decoded, frames_of, opened
from liteagent_nb.extras.images.sources import source_of
from liteagent_nb.extras.images.upright import has_private_words, is_upright, orientation_of, plain

if TYPE_CHECKING:
    import os

    from liteagent_nb.extras.images.fitting import Encoded, Lossy
    from liteagent_nb.extras.images.sources import Source

__all__ = ["ALGORITHM", "MAX_PIXELS", "Compressed", "Format", "compress_image", "compressed"]

ALGORITHM = 1
"""Part of every key in a cache: raised when other bytes come out."""

Format: TypeAlias = Literal["auto", "jpeg", "webp", "png"]

_FORMATS = ("auto", "jpeg", "webp", "png")
_SENT_AS_IT_IS = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
"""What every provider reads."""
_PLAIN_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_GRAPHIC_KINDS = {"auto": ("PNG", "WEBP"), "webp": ("WEBP",)}
_ENOUGH_TO_START = 0.85
"""A photo decoded to so much of the pixels that suit its bytes need not be decoded to twice the side and scaled."""
MAX_PIXELS = 100_000_000
"""Looked at before anything is decoded; a photo of 18 megapixels takes 55 MB of memory."""
_MAX_SIDE = 8000
"""Longer sides are refused by some providers."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """A picture that is small enough, and what was done for it."""

    data: bytes
    mime: str
    width: int
    height: int
    source_bytes: int
    """How many bytes the file had that it comes from; 0 for pixels in memory."""
    notes: tuple[str, ...] = ()
    """What is not as it was and may be missed: an animation's other frames, for instance."""
    encodes: int = 0
    """How often it was encoded; 0 where its bytes are as they came."""

    @property
    def data_url(self) -> str:
        """The picture as an address, as chat APIs take it."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}"

    @property
    def about(self) -> str:
        """One line: kind, pixels, bytes before and after."""
        before = f" of {_kb(self.source_bytes)}" if self.source_bytes > len(self.data) else ""
        told = f"{self.mime}, {self.width} x {self.height}, {_kb(len(self.data))}{before}"
        return "; ".join([told, *self.notes])


def _kb(size: int) -> str:
    return f"{max(1, round(size / 1024)):,} KB"


def compress_image(
    path: object,
    *,
    max_kb: float = 256,
    cache_dir: str | os.PathLike[str] | None = None,
    format: Format = "auto",  # noqa: A002 - the word that Pillow's users know
    max_pixels: int = MAX_PIXELS,
) -> str:
    """Return a picture as a data URL whose picture has at most *max_kb* kilobytes (its text is a third longer).

    *path* is a file, bytes, a data URL, a PIL image, a figure or axes, an array, or whatever shows itself as PNG. A
    picture that is small enough, upright and of a kind that everybody reads stays as it is, byte for byte. *format*
    `auto` takes PNG or lossless WebP for plots, JPEG for photos, WebP for photos with holes in them. Where something is
    lost that may be missed, an animation's other frames, a `UserWarning` says so. In *cache_dir* finished pictures
    are kept by content. Raises `ConfigError` for what is no picture, is damaged, has more
    than *max_pixels*, or cannot fit.
    """
    made = compressed(path, max_kb=max_kb, cache_dir=cache_dir, format=format, max_pixels=max_pixels)
    for note in made.notes:
        warnings.warn(note, UserWarning, stacklevel=2)
    return made.data_url


def compressed(
    thing: object,
    *,
    max_kb: float = 256,
    cache_dir: str | os.PathLike[str] | None = None,
    format: Format = "auto",  # noqa: A002
    max_pixels: int = MAX_PIXELS,
) -> Compressed:
    """Return what `compress_image` makes, with what was done for it."""
    if not max_kb > 0:
        raise ConfigError(f"max_kb is {max_kb}", hint="set max_kb above 0")
    if format not in _FORMATS:
        raise ConfigError(f"there is no format {format!r}", hint=f"one of {', '.join(_FORMATS)}")
    source, wish = source_of(thing), _Wish(int(max_kb * 1024), format, max_pixels)
    if cache_dir is None:
        return _made(source, wish)
    shelf = Shelf(cache_dir)
    key = shelf.key("picture", ALGORITHM, source.digest, asdict(wish))
    if found := shelf.find(key):
        words, data = found
        return Compressed(data=data, **{name: _read(value) for name, value in words.items() if name != "bytes"})
    made = _made(source, wish)
    shelf.keep(key, {name: value for name, value in asdict(made).items() if name != "data"}, made.data)
    return made


def _read(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _Wish:
    max_bytes: int
    format: Format
    max_pixels: int = MAX_PIXELS


def _made(source: Source, wish: _Wish) -> Compressed:
    if source.image is None:
        image = opened(source.data, max_pixels=wish.max_pixels)
        if _may_stay(image, source, wish):
            decoded(image)
            mime = f"image/{_SENT_AS_IT_IS[str(image.format)]}"
            return Compressed(source.data, mime, *image.size, source_bytes=source.size)
    else:
        image = source.image.copy()
        image.format = None
        check_pixels(image, max_pixels=wish.max_pixels)
    notes, encoded = _encoded(image, wish)
    return Compressed(
        encoded.data, encoded.mime, *encoded.size, source_bytes=source.size, notes=notes, encodes=encoded.encodes
    )


def _may_stay(image: Image.Image, source: Source, wish: _Wish) -> bool:
    """Whether the bytes may be sent as they are."""
    kind = _SENT_AS_IT_IS.get(str(image.format))
    return (
        source.size <= wish.max_bytes
        and kind is not None
        and wish.format in {"auto", kind}
        and image.mode in _PLAIN_MODES
        and max(image.size) <= _MAX_SIDE
        and frames_of(image) == 1
        and "icc_profile" not in image.info
        and is_upright(image)
        and not has_private_words(image)
    )


def _encoded(image: Image.Image, wish: _Wish) -> tuple[tuple[str, ...], Encoded]:
    """Return what may be missed of *image*, and its bytes."""
    is_photo_file = image.format in {"JPEG", "MPO"}
    turn, profile = orientation_of(image), image.info.get("icc_profile")
    notes = (f"the first of {frames} frames",) if (frames := frames_of(image)) > 1 else ()
    if is_photo_file:  # their decoder can shrink while it decodes, and the rest need not be decoded at all
        _draft(image, wish.max_bytes)
    decoded(image)
    flat = plain(image, turn=turn, profile=profile)
    has_alpha = flat.mode in {"LA", "RGBA"}
    if wish.format == "jpeg" and has_alpha:
        flat, has_alpha = _on_white(flat), False
    encoded = _in_kind(flat, wish, has_alpha=has_alpha, may_be_graphic=not is_photo_file)
    return notes, encoded


def _in_kind(image: Image.Image, wish: _Wish, *, has_alpha: bool, may_be_graphic: bool) -> Encoded:
    if wish.format == "png":
        if found := png_within(image, wish.max_bytes, max_side=_MAX_SIDE):
            return found
        raise ConfigError(f"a PNG of it cannot fit in {wish.max_bytes:,} bytes", hint='format="auto", or raise max_kb')
    spent = 0
    if may_be_graphic and (kinds := _GRAPHIC_KINDS.get(wish.format)) and is_graphic(image):
        if found := graphic_within(image, wish.max_bytes, kinds=kinds, max_side=_MAX_SIDE):
            return found
        spent = len(kinds)
    kind: Lossy = "WEBP" if has_alpha or wish.format == "webp" else "JPEG"
    encoded = fitted(image, wish.max_bytes, kind=kind, max_side=_MAX_SIDE)
    return replace(encoded, encodes=encoded.encodes + spent)


def _draft(image: Image.Image, max_bytes: int) -> None:
    """Have *image* decoded at an eighth, a quarter or half its side, where that is enough for its bytes."""
    shrink = min(1.0, math.sqrt(_ENOUGH_TO_START * pixels_for(max_bytes, "JPEG") / (image.width * image.height)))
    image.draft(image.mode, (round(image.width * shrink), round(image.height * shrink)))


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return white.convert("RGB")
