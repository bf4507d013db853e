"""Plots and screenshots: few colours, sharp edges. Lossless kinds are smaller and better for them than JPEG."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from liteagent_nb.extras.images.fitting import Encoded, encode, scaled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["graphic_within", "is_graphic", "png_within"]

_SAMPLE = 256
_MOST_COLOURS = 4096
_COMMON = 16
_COMMON_SHARE = 0.6
"""A graphic has few colours, and a handful of them cover most of it; a photo in grey has few, too, but spread out."""
_PALETTE, _SMALL_PALETTE = 256, 64
_LEAST_SHARE = 0.25
"""Words are legible down to half the side, or so."""
_LOSSLESS_WEBP_PIXELS = 2_000_000
"""Beyond it lossless WebP takes seconds."""
_SHRINKS = 12


def is_graphic(image: Image.Image) -> bool:
    """Whether *image* looks like a plot or a screenshot rather than a photo."""
    sample = image.resize((min(_SAMPLE, image.width), min(_SAMPLE, image.height)), Image.Resampling.NEAREST)
    colours = sample.getcolors(_MOST_COLOURS)
    if colours is None:
        return False
    common = sorted((count for count, _ in colours), reverse=True)[:_COMMON]
    return sum(common) >= _COMMON_SHARE * sample.width * sample.height


def graphic_within(image: Image.Image, max_bytes: int, *, kinds: Collection[str], max_side: int) -> Encoded | None:
    """Return *image* as palette PNG or lossless WebP, whichever of *kinds* fits, made smaller where it must be.

    None where it would have to become too small to be read.
    """
    image = scaled(image, image.width * image.height, max_side=max_side)
    encodes = 0
    for encodes, one in enumerate(_at_full_size(image, kinds), start=1):
        if len(one.data) <= max_bytes:
            return replace(one, encodes=encodes)
    found = png_within(image, max_bytes, max_side=max_side, least=_LEAST_SHARE) if "PNG" in kinds else None
    return found and replace(found, encodes=found.encodes + encodes)


def _at_full_size(image: Image.Image, kinds: Collection[str]) -> Iterator[Encoded]:
    has_few = image.getcolors(_PALETTE) is not None
    if "PNG" in kinds:
        yield Encoded(encode(_with_palette(image, _PALETTE), "PNG"), "PNG", image.size)
    if "PNG" in kinds and not has_few:
        yield Encoded(encode(_with_palette(image, _SMALL_PALETTE), "PNG"), "PNG", image.size)
    if "WEBP" in kinds and (has_few or "PNG" not in kinds) and image.width * image.height <= _LOSSLESS_WEBP_PIXELS:
        yield Encoded(encode(image, "WEBP", lossless=True, quality=50), "WEBP", image.size)


def _with_palette(image: Image.Image, colours: int) -> Image.Image:
    """Return *image* with so many colours at the most; exactly as it is where it has no more."""
    if image.mode in {"L", "LA"}:
        return image
    if image.getcolors(colours) is not None:
        return image.quantize(colours, method=Image.Quantize.MEDIANCUT) if image.mode == "RGB" else image
    return image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def png_within(image: Image.Image, max_bytes: int, *, max_side: int, least: float = 0.0) -> Encoded | None:
    """Return *image* as palette PNG, made smaller until it fits; None where it never does.

    *least* is the share of its pixels that must be left.
    """
    image = scaled(image, image.width * image.height, max_side=max_side)
    full = pixels = float(image.width * image.height)
    for number in range(1, _SHRINKS + 1):
        small = scaled(image, pixels, max_side=max_side)
        data = encode(_with_palette(small, _PALETTE), "PNG")
        if len(data) <= max_bytes:
            return Encoded(data, "PNG", small.size, number)
        pixels = small.width * small.height * min(0.9, 0.95 * max_bytes / len(data))
        if pixels < least * full:
            return None
    return None
