"""Any image as a plain one: upright, eight bits, grey or RGB (with alpha where it shows), colours as on a screen."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from PIL import ImageCms

__all__ = ["has_private_words", "is_upright", "orientation_of", "plain"]

_ORIENTATION = 0x0112
_GPS = 0x8825
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF's orientations, and what puts them upright."""
_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
_OPAQUE = 255


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's orientation: 1 where the image is upright, or does not say."""
    turn = _exif(image).get(_ORIENTATION, 1)
    return turn if turn in _TURNS else 1


def is_upright(image: Image.Image) -> bool:
    """Whether the image is as it is to be seen."""
    return orientation_of(image) == 1


def has_private_words(image: Image.Image) -> bool:
    """Whether its metadata tell where it was taken."""
    texts = (image.info.get(name, b"") for name in ("xmp", "XML:com.adobe.xmp"))
    return _GPS in _exif(image) or any(("GPS" if isinstance(text, str) else b"GPS") in text for text in texts)


def _exif(image: Image.Image) -> Any:
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - broken metadata are as good as none
        return {}


def plain(image: Image.Image, *, turn: int, profile: bytes | None) -> Image.Image:
    """Return *image* as L, RGB, LA or RGBA; *turn* is its EXIF orientation, *profile* its ICC profile."""
    image = _in_srgb(_eight_bits(image), profile)
    if image.mode in _ALPHA or "transparency" in image.info:
        image = _without_idle_alpha(image)
    if image.mode not in {"L", "RGB", "LA", "RGBA"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return sixteen bits and floating point as eight: a plain conversion would clip at 255."""
    if image.mode.startswith("I;16"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode not in {"I", "F"}:
        return image
    low, high = (float(bound) for bound in image.getextrema())  # type: ignore[arg-type]
    if image.mode == "I" and low >= 0:
        scale = 1.0 if high <= _OPAQUE else 1 / 256 if high < 1 << 16 else _OPAQUE / high
        return image.point(lambda value: value * scale + 0).convert("L")
    span = (high - low) or 1.0
    return image.point(lambda value: value * (_OPAQUE / span) + (-low * _OPAQUE / span)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    from PIL import ImageCms  # noqa: PLC0415 - few pictures have a profile of their own

    try:
        theirs = ImageCms.getOpenProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(theirs):
            return image
        return _converted(image, theirs, ImageCms)
    except (ImageCms.PyCMSError, OSError, ValueError):  # a profile that fits another kind of picture
        return image


def _converted(image: Image.Image, theirs: ImageCms.ImageCmsProfile, cms: Any) -> Image.Image:
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha else image
    changed: Image.Image = cms.profileToProfile(colours, theirs, cms.createProfile("sRGB"), outputMode="RGB")
    if image.mode == "L":
        return changed.convert("L")
    if alpha:
        changed.putalpha(alpha)
    return changed


def _without_idle_alpha(image: Image.Image) -> Image.Image:
    """Return the image as RGBA or LA; without its alpha where that hides nothing."""
    image = image.convert("LA" if image.mode in {"L", "LA", "La"} else "RGBA")
    low, _ = image.getchannel("A").getextrema()
    return image if low < _OPAQUE else image.convert(image.mode.removesuffix("A"))  # type: ignore[operator]
