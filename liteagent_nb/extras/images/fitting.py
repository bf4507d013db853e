"""A photo within a number of bytes: the side length from the budget, then one to four encodes by the secant method."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from PIL import Image

from liteagent_nb.core.errors import ConfigError

__all__ = ["Encoded", "encode", "fitted", "pixels_for", "scaled"]

Lossy: TypeAlias = Literal["JPEG", "WEBP"]

_BITS_A_PIXEL = {"JPEG": 0.56, "WEBP": 0.45}
"""Where a photo looks best within its bytes: more pixels would be blurred by the encoder, fewer by the reader."""
_FIRST, _MIDDLE, _LOWEST, _HIGHEST = 76, 45, 36, 95
"""Qualities: the first tried, that of a photo made smaller, and those between which the quality alone is changed."""
_AIM, _LATE_AIM, _ENOUGH = 0.98, 0.975, 0.95
"""Which share of the bytes is aimed at, at first and in the end, and which is enough."""
_ALMOST = 0.01
_FLATTEST = -0.2
_OPTIMISED = 0.967
"""What tables made to measure leave of a JPEG; they take as long as the rest, so that the first try goes without."""
_STEEPNESS = -0.62
"""How the size of a photo follows from the coarseness of its quality (both as logarithms), until two encodes tell."""
_GROWTH = 0.85
"""How it follows from its pixels."""
_ENCODES = 4
_LAST_RESORT = 12
"""More encodes than these are for pictures like noise, and for budgets near nothing."""
_NOT_WORTH_SCALING = 1.35
"""Scaling takes longer than a few encodes: so many times too many pixels are left as they are at first."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture as bytes of one kind."""

    data: bytes
    kind: str
    size: tuple[int, int]
    encodes: int = 1

    @property
    def mime(self) -> str:
        """Its media type."""
        return f"image/{self.kind.lower()}"


@dataclass(frozen=True, slots=True)
class _Try:
    pixels: float
    coarseness: float
    log_bytes: float
    encoded: Encoded


def pixels_for(max_bytes: int, kind: Lossy) -> float:
    """Return how many pixels a photo of so many bytes should have."""
    return max_bytes * 8 / _BITS_A_PIXEL[kind]


def scaled(
    image: Image.Image, pixels: float, *, max_side: int, by: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """Return *image* with so many pixels, no side longer than *max_side*; never larger than it is."""
    factor = min(1.0, math.sqrt(pixels / (image.width * image.height)), max_side / max(image.size))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image if size == image.size else image.resize(size, by)


def fitted(image: Image.Image, max_bytes: int, *, kind: Lossy, max_side: int) -> Encoded:
    """Return *image* in at most *max_bytes*, most of them used. Raises `ConfigError` where even a dot is too large."""
    search = _Search(image, max_bytes, kind, max_side)
    pixels, coarseness = pixels_for(max_bytes, kind), _coarseness(_FIRST)
    if search.most_pixels <= pixels * _NOT_WORTH_SCALING:
        pixels = search.most_pixels
    for _ in range(_LAST_RESORT):
        last = search.take(pixels, coarseness)
        if search.is_done(last):
            break
        pixels, coarseness = search.next_after(last)
        if search.was_tried(pixels, coarseness):  # qualities are whole numbers
            coarseness = search.next_to(last)
            if search.was_tried(pixels, coarseness):
                break
    return search.best()


class _Search:
    def __init__(self, image: Image.Image, max_bytes: int, kind: Lossy, max_side: int) -> None:
        self._image, self._max_bytes, self._kind = image, max_bytes, kind
        self._max_side = max_side
        self._tries: list[_Try] = []
        shrink = min(1.0, max_side / max(image.size))
        self.most_pixels = image.width * image.height * shrink * shrink
        self._small: tuple[float, Image.Image] = (0.0, image)
        self._full = self.most_pixels * (1 - _ALMOST)

    def take(self, pixels: float, coarseness: float) -> _Try:
        """Encode once."""
        small = self._scaled(pixels)
        is_probe = self._has_probe and not self._tries
        how = {"optimize": False} if is_probe else {}
        quality = _quality(coarseness)
        data = encode(small, self._kind, quality=quality, **how)
        pixels = small.width * small.height
        log_bytes = math.log(len(data) * (_OPTIMISED if is_probe else 1))
        taken = _Try(pixels, _coarseness(quality), log_bytes, Encoded(data, self._kind, small.size))
        self._tries.append(taken)
        return taken

    def _scaled(self, pixels: float) -> Image.Image:
        if pixels != self._small[0]:
            small = scaled(self._image, pixels, max_side=self._max_side, by=Image.Resampling.HAMMING)
            self._small = (small.width * small.height, small)
        return self._small[1]

    def is_done(self, last: _Try) -> bool:
        if len(last.encoded.data) > self._max_bytes or (self._has_probe and len(self._tries) == 1):
            return False
        is_best = last.pixels >= self._full and _quality(last.coarseness) >= _HIGHEST
        return is_best or len(last.encoded.data) >= _ENOUGH * self._max_bytes or len(self._tries) >= _ENCODES

    def next_after(self, last: _Try) -> tuple[float, float]:
        """Return the pixels and the coarseness that should come to the bytes aimed at."""
        base = self._nearest(last)
        wanted = self._aim - base.log_bytes
        steepness = self._steepness(base)
        coarseness = base.coarseness + wanted / steepness
        kept = min(max(coarseness, _coarseness(_HIGHEST)), _coarseness(_LOWEST))
        rest = wanted - (kept - base.coarseness) * steepness
        if abs(rest) < _ALMOST or (rest > 0 and base.pixels >= self._full):
            return base.pixels, kept
        # What quality cannot do, pixels do; at a quality in the middle, where both can still be changed.
        kept = _coarseness(_FIRST if rest > 0 else _MIDDLE)
        rest = wanted - (kept - base.coarseness) * steepness
        return min(base.pixels * math.exp(rest / _GROWTH), self.most_pixels), kept

    def was_tried(self, pixels: float, coarseness: float) -> bool:
        """Whether this would be an encode that was made, the probe aside."""
        wanted = (pixels, _quality(coarseness))
        return any((one.pixels, _quality(one.coarseness)) == wanted for one in self._tries[self._has_probe :])

    def next_to(self, last: _Try) -> float:
        """Return the coarseness of the next quality, towards the budget."""
        base = self._nearest(last)
        step = -1 if len(base.encoded.data) > self._max_bytes else 1
        return _coarseness(max(1, _quality(base.coarseness) + step))

    @property
    def _has_probe(self) -> bool:
        return self._kind == "JPEG"

    @property
    def _aim(self) -> float:
        """The bytes aimed at, as a logarithm: lower where it is the last encode that counts."""
        return math.log(self._max_bytes * (_AIM if len(self._tries) < _ENCODES - 1 else _LATE_AIM))

    def _nearest(self, last: _Try) -> _Try:
        """Return the encode of this size that came nearest to the aim."""
        same = [one for one in self._tries if one.pixels == last.pixels]
        return min(same, key=lambda one: abs(one.log_bytes - self._aim))

    def _steepness(self, base: _Try) -> float:
        """Return the slope to the nearest encode on the budget's other side, else to any, else the usual one."""
        others = [one for one in self._tries if one.pixels == base.pixels and one.coarseness != base.coarseness]
        across = [one for one in others if (one.log_bytes > self._aim) != (base.log_bytes > self._aim)]
        if not others:
            return _STEEPNESS
        near = min(across or others, key=lambda one: abs(one.coarseness - base.coarseness))
        return min((near.log_bytes - base.log_bytes) / (near.coarseness - base.coarseness), _FLATTEST)

    def best(self) -> Encoded:
        """Return the largest that fits."""
        fitting = [one.encoded for one in self._tries if len(one.encoded.data) <= self._max_bytes]
        if not fitting:
            least = min(len(one.encoded.data) for one in self._tries)
            raise ConfigError(
                f"the picture cannot be made to fit in {self._max_bytes:,} bytes (the smallest was {least:,})",
                hint="raise max_kb",
            )
        found = max(fitting, key=lambda one: len(one.data))
        return Encoded(found.data, found.kind, found.size, len(self._tries))


def encode(image: Image.Image, kind: str, **how: object) -> bytes:
    """Return *image* as the bytes of a file, without metadata."""
    options: dict[str, object] = {"method": 2} if kind == "WEBP" else {"optimize": True}
    buffer = io.BytesIO()
    image.save(buffer, kind, **{**options, "exif": b"", "icc_profile": None, **how})
    return buffer.getvalue()


def _coarseness(quality: float) -> float:
    """Return the logarithm of libjpeg's scale of its tables, against which sizes are nearly straight."""
    return math.log(5000 / quality if quality < 50 else 200 - 2 * quality)  # noqa: PLR2004 - libjpeg's


def _quality(coarseness: float) -> int:
    scale = math.exp(coarseness)
    return round(min(95, max(1, 5000 / scale if scale > 100 else (200 - scale) / 2)))  # noqa: PLR2004 - libjpeg's
