"""Pictures to measure with, the same each time: photo-like ones (dead leaves with texture and noise), and a plot."""

from __future__ import annotations

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_TEXTURE = 24.0
_NOISE = 2.5


def photo(megapixels, *, seed, smoothness=0.5):
    """Return a photo-like image: things that hide one another, of all sizes, textured, lit unevenly, slightly noisy.

    Overlapping discs with radii by a power law ("dead leaves") have the edges and the spectrum that photos have.
    *smoothness* from 0 (foliage) to 1 (sky).
    """
    rng, numbers = random.Random(seed), np.random.default_rng(seed)
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(width * 3 / 4)
    image = _leaves(width, height, rng, count=int(1500 - 1200 * smoothness))
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(width / 1600)), dtype=np.float32)
    texture = _octaves(width, height, numbers) * (_TEXTURE * (1 - 0.7 * smoothness))
    noise = _soft(numbers.standard_normal((height, width), dtype=np.float32)) * _NOISE
    pixels = pixels + (texture + noise)[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _leaves(width, height, rng, *, count):
    image = _light(width, height, rng)
    draw = ImageDraw.Draw(image)
    for number in range(count):
        radius = width * 0.25 * (1 - number / count) ** 1.5 * rng.uniform(0.3, 1) + width * 0.004
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        colour = tuple(int(rng.gauss(110, 55)) % 256 for _ in range(3))
        grey = sum(colour) // 3
        colour = tuple((part + grey) // 2 for part in colour)  # nature is less colourful than chance
        shape = draw.ellipse if rng.random() < 0.7 else draw.rectangle
        shape((x - radius, y - radius * rng.uniform(0.4, 1), x + radius, y + radius * rng.uniform(0.4, 1)), fill=colour)
    return image


def _light(width, height, rng):
    corners = Image.new("RGB", (3, 3))
    corners.putdata([tuple(rng.randrange(60, 230) for _ in range(3)) for _ in range(9)])
    return corners.resize((width, height), Image.Resampling.BICUBIC)


def _octaves(width, height, numbers):
    """Return texture in [-1, 1] or so whose strength falls with its fineness, as in photos."""
    total = np.zeros((height, width), dtype=np.float32)
    side, strength = 8, 1.0
    while side < width // 2:
        grid = numbers.standard_normal((max(2, side * height // width), side), dtype=np.float32)
        total += strength * np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BILINEAR))
        side, strength = side * 2, strength * 0.62
    return total / 2


def _soft(noise):
    """Return noise as cameras leave it: neighbours share theirs."""
    return (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, 1, (0, 1))) / 2


def as_jpeg(image, *, quality=92):
    """Return the file that a camera would write."""
    image.save(buffer := io.BytesIO(), "JPEG", quality=quality)
    return buffer.getvalue()


def plot(*, width=1600, height=1200):
    """Return a plot as PNG: curves, points and words."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib.figure import Figure

    numbers = np.random.default_rng(1)
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    upper, lower = figure.subplots(2)
    x = np.linspace(0, 12, 400)
    for n in range(6):
        upper.plot(x, np.sin(x + n / 2) * np.exp(-x / 9) + n / 5, label=f"series {n}")
    upper.legend()
    upper.set_title("damped oscillations")
    lower.scatter(*numbers.standard_normal((2, 400)), c=numbers.random(400), alpha=0.6)
    lower.set_xlabel("one thing")
    lower.set_ylabel("another")
    figure.savefig(buffer := io.BytesIO(), format="png")
    return buffer.getvalue()
