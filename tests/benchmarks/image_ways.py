"""The ways of getting a photo under a number of bytes, and how alike the result is: SSIM at the size that is looked at."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from liteagent_nb.extras.images import compressed

LOOKED_AT = 1024
"""The long side at which pictures are compared: about what a model is shown."""
WINDOW = 8


@dataclass(frozen=True)
class Made:
    data: bytes
    encodes: int


class Counting:
    """Encodes, and counts."""

    def __init__(self):
        self.encodes = 0

    def jpeg(self, image, quality):
        self.encodes += 1
        image.save(buffer := io.BytesIO(), "JPEG", quality=quality, optimize=True)
        return buffer.getvalue()

    def made(self, data):
        return Made(data, self.encodes)


def opened(data):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def naive(data, max_bytes):
    """Quality 95, 90, … 30 at full size, then nine tenths of the side and all over again."""
    image, count = opened(data), Counting()
    while True:
        for quality in range(95, 25, -5):
            if len(found := count.jpeg(image, quality)) <= max_bytes:
                return count.made(found)
        image = image.resize((image.width * 9 // 10, image.height * 9 // 10), Image.Resampling.LANCZOS)


def binary(data, max_bytes):
    """Search the best quality by halves at full size; where none fits, three quarters of the side and again."""
    image, count = opened(data), Counting()
    while True:
        low, high, best = 1, 95, b""
        while low <= high:
            middle = (low + high) // 2
            if len(found := count.jpeg(image, middle)) <= max_bytes:
                low, best = middle + 1, found
            else:
                high = middle - 1
        if best:
            return count.made(best)
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.LANCZOS)


def ours(data, max_bytes, **how):
    made = compressed(data, max_kb=max_bytes / 1024, **how)
    return Made(made.data, made.encodes)


def ours_as_webp(data, max_bytes):
    return ours(data, max_bytes, format="webp")


WAYS = {"naive": naive, "binary": binary, "ours": ours, "ours, as WebP": ours_as_webp}


def looked_at(data):
    image = opened(data)
    factor = min(1.0, LOOKED_AT / max(image.size))
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0) if size != image.size else image


def ssim(original, other):
    """Return the mean structural similarity of two files' brightness (Wang and others 2004; windows of 8 x 8)."""
    first = looked_at(original).convert("L")
    second = looked_at(other).convert("L")
    if second.size != first.size:
        second = second.resize(first.size, Image.Resampling.LANCZOS)
    a, b = (np.asarray(image, dtype=np.float64) for image in (first, second))
    mean_a, mean_b = _means(a), _means(b)
    var_a, var_b = _means(a * a) - mean_a**2, _means(b * b) - mean_b**2
    shared = _means(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(
        np.mean((2 * mean_a * mean_b + c1) * (2 * shared + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
    )


def _means(values):
    """Return the mean of every window."""
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    n = WINDOW
    return (sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / n**2
