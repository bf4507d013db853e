"""What a tool returned that is a picture: drawn as PNG, shown to the user and named to the model."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from liteagent_nb.core.drawing import png_of

if TYPE_CHECKING:
    from liteagent_nb.core.execution import Output

__all__ = ["drawn", "told_picture"]


def told_picture(kind: str) -> str:
    """Return what the model is told of a picture in the text of a tool's reply."""
    return f"[a picture ({kind}) is shown to the user]\n"


def drawn(value: object) -> Output | None:
    """Return *value* as an output with a PNG, where it is a figure or shows itself as one."""
    try:
        png = png_of(value)
    except Exception:  # noqa: BLE001 - a user's object may raise anything; its text must do then
        return None
    if not png:
        return None
    return {"output_type": "display_data", "data": {"image/png": base64.b64encode(png).decode()}, "metadata": {}}
