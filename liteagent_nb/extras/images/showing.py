"""What a model is shown of the pictures that code displayed: the first few, a few kilobytes each."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.pictures import PICTURES_A_STEP, Picture
from liteagent_nb.extras.images.compressing import compressed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.core.execution import Output

__all__ = ["SHOWN_KB", "pictures_of"]

SHOWN_KB = 64
"""How large a picture may be that goes to a model beside a tool's reply."""


def pictures_of(outputs: Sequence[Output], *, max_kb: float = SHOWN_KB) -> tuple[Picture, ...]:
    """Return the pictures among *outputs*, small enough to send; those that cannot be sent say why."""
    found = [(kind, body) for output in outputs for kind, body in [_picture_in(output)] if kind]
    sent = [_picture(kind, body, max_kb) for kind, body in found[:PICTURES_A_STEP]]
    more = len(found) - len(sent)
    return (*sent, Picture("", f"{more} more were shown to the user only")) if more > 0 else tuple(sent)


def _picture_in(output: Output) -> tuple[str, str]:
    """Return the picture of one output in base64, the kind of pixels first where it comes in several."""
    data: Any = output.get("data")
    kinds = [kind for kind in data if kind.startswith("image/")] if isinstance(data, dict) else []
    kind = next(iter(sorted(kinds, key=lambda kind: kind.startswith("image/svg"))), "")
    return kind, str(data[kind]) if kind else ""


def _picture(kind: str, body: str, max_kb: float) -> Picture:
    try:
        data = body.encode() if kind.startswith("image/svg") else base64.b64decode(body)
        made = compressed(data, max_kb=max_kb)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a picture must not cost the tool's result
        return Picture("", f"a picture ({kind}) that cannot be sent: {error}")
    return Picture(made.data_url, made.about)
