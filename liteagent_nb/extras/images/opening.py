"""From bytes to an image that is safe to work on: known kinds only, its pixels counted before any is decoded."""

from __future__ import annotations

import io
import re
import threading
import warnings

from PIL import Image

from liteagent_nb.core.errors import ConfigError

__all__ = ["check_pixels", "decoded", "frames_of", "opened"]

_READ = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM", "JPEG2000")
"""Kinds whose decoders do nothing but decode; Pillow knows more, and starts programs for some."""
_HEIC = re.compile(rb".{4}ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", re.DOTALL)
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<", re.DOTALL)
_quiet = threading.Lock()
"""Python's filters of warnings belong to all threads."""


def opened(data: bytes, *, max_pixels: int) -> Image.Image:
    """Return the image in *data*, none of its pixels decoded. Raises `ConfigError` for what is none, or too large."""
    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its own limit on pixels is not ours, and odd metadata is nobody's concern
            Image.init()
            image = Image.open(io.BytesIO(data), formats=[kind for kind in _READ if kind in Image.OPEN])
    except Image.DecompressionBombError as error:
        raise _too_large(str(error), max_pixels) from None
    except Exception:  # noqa: BLE001 - decoders raise anything for broken bytes
        raise _unreadable(data) from None
    check_pixels(image, max_pixels=max_pixels)
    return image


def check_pixels(image: Image.Image, *, max_pixels: int) -> None:
    """Raise `ConfigError` where *image* has more than *max_pixels*."""
    if image.width * image.height > max_pixels:
        raise _too_large(f"{image.width:,} x {image.height:,} pixels", max_pixels)


def _too_large(what: str, max_pixels: int) -> ConfigError:
    return ConfigError(
        f"the picture is too large to decode: {what}, at most {max_pixels / 1e6:g} million",
        hint="make it smaller first, or raise max_pixels if you trust where it comes from",
    )


def _unreadable(data: bytes) -> ConfigError:
    what, hint = _named(data)
    return ConfigError(f"this is no picture that can be read, but {what}", hint=hint)


def _named(data: bytes) -> tuple[str, str]:
    """Return what *data* is instead of a picture, and what to do."""
    head = data[:1024].lower()
    if not data:
        return "nothing: it has no bytes", "check where it comes from"
    if _HEIC.match(data[:16]):
        return "HEIC", "save it as JPEG or PNG first (a phone's setting: most compatible)"
    if _MARKUP.match(head):
        if b"<svg" in head:
            return "SVG, which is a drawing program", "save it as PNG first"
        return ("HTML", "give the address of the picture itself") if b"html" in head else ("XML", "give a picture")
    if head.startswith(b"%pdf"):
        return "PDF", "save the page as PNG first"
    return f"something unknown that begins with {data[:8]!r}", "give a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"


def decoded(image: Image.Image) -> None:
    """Decode the pixels of *image*. Raises `ConfigError` where they are broken or cut off."""
    try:
        image.load()
    except Exception as error:  # noqa: BLE001 - decoders raise anything for broken bytes
        raise _damaged(error) from None


def frames_of(image: Image.Image) -> int:
    """Return how many frames an animation has; 1 for a still picture. Raises `ConfigError` where they are broken."""
    try:
        is_animated = getattr(image, "is_animated", False) and image.format != "MPO"
        return int(getattr(image, "n_frames", 1)) if is_animated else 1
    except Exception as error:  # noqa: BLE001 - decoders raise anything for broken bytes
        raise _damaged(error) from None


def _damaged(error: Exception) -> ConfigError:
    return ConfigError(f"the picture is damaged: {error}", hint="get it again: its end may be missing")
