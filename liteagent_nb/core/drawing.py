"""The PNG that an object draws of itself: a figure, axes, or whatever shows itself so in a notebook."""

from __future__ import annotations

import base64
import io

__all__ = ["png_of"]


def png_of(value: object) -> bytes:
    """Return the PNG that *value* draws of itself; nothing where it draws none. Raises whatever drawing raises."""
    for figure in (value, getattr(value, "figure", None)):  # axes and grids know theirs
        if callable(save := getattr(type(figure), "savefig", None)):
            save(figure, buffer := io.BytesIO(), format="png", bbox_inches="tight")
            return buffer.getvalue()
    show = None if isinstance(value, type) else getattr(type(value), "_repr_png_", None)
    shown = show(value) if callable(show) else None
    shown = shown[0] if isinstance(shown, tuple) else shown  # beside its metadata
    if isinstance(shown, str):
        return base64.b64decode(shown)
    return shown if isinstance(shown, bytes) else b""
