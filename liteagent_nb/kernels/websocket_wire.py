"""How a Jupyter server writes a kernel's messages on a websocket: protocol v1, and the JSON one of older servers.

The formats are described in jupyter_server's documentation, "WebSocket kernel wire protocols".
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.kernels.connection import Channel, Message

__all__ = ["V1", "pack_json", "pack_v1", "unpack_json", "unpack_v1"]

V1 = "v1.kernel.websocket.jupyter.org"
"""The subprotocol's name."""

_PARTS = ("header", "parent_header", "metadata", "content")


def pack_v1(channel: Channel, message: Message) -> bytes:
    """Return *message* as a v1 frame: the number of offsets, the offsets, then channel and parts in one piece."""
    pieces = [channel.encode(), *(_json(message.get(part) or {}) for part in _PARTS), *_buffers(message)]
    offsets = _offsets(pieces, start=8 * (len(pieces) + 2))
    return b"".join([*(number.to_bytes(8, "little") for number in (len(offsets), *offsets)), *pieces])


def unpack_v1(frame: bytes) -> tuple[Channel, Message]:
    """Return channel and message of a v1 frame. Raises `ValueError` where it is none."""
    numbers = [int.from_bytes(frame[start : start + 8], "little") for start in range(0, 8 * _count(frame), 8)]
    channel, *parts = [frame[start:end] for start, end in pairwise(numbers[1:])]
    if len(parts) < len(_PARTS):
        raise ValueError(f"{len(parts)} parts are no message")
    told = {name: json.loads(part) for name, part in zip(_PARTS, parts, strict=False)}
    return cast("Channel", channel.decode()), _message(told, parts[len(_PARTS) :])


def _count(frame: bytes) -> int:
    """Return how many numbers the frame begins with; a broken one must not make us count to 2**64."""
    count = int.from_bytes(frame[:8], "little")
    if not 0 < count < len(frame) // 8:
        raise ValueError("not a v1 frame")
    return count + 1


def pack_json(channel: Channel, message: Message) -> str | bytes:
    """Return *message* as the JSON protocol has it; with buffers that is a binary frame."""
    told = {**{part: message.get(part) or {} for part in _PARTS}, "channel": channel}
    buffers = _buffers(message)
    if not buffers:
        return json.dumps({**told, "buffers": []}, default=_as_text)
    pieces = [_json(told), *buffers]
    starts = _offsets(pieces, start=4 * (len(pieces) + 1))[:-1]
    return b"".join([*(number.to_bytes(4, "big") for number in (len(pieces), *starts)), *pieces])


def unpack_json(frame: str | bytes) -> tuple[Channel, Message]:
    """Return channel and message of a frame of the JSON protocol. Raises `ValueError` where it is none."""
    buffers: list[bytes] = []
    if isinstance(frame, bytes):
        count = int.from_bytes(frame[:4], "big")
        if not 0 < count < len(frame) // 4:
            raise ValueError("not a frame of the JSON protocol")
        starts = [int.from_bytes(frame[4 * n : 4 * n + 4], "big") for n in range(1, count + 1)]
        frame, *buffers = [frame[start:end] for start, end in pairwise([*starts, len(frame)])]
    told = json.loads(frame)
    return cast("Channel", told.get("channel", "iopub")), _message(told, buffers)


def _message(told: Mapping[str, object], buffers: Sequence[bytes]) -> Message:
    """Return the message with all its parts; what it must have to be one is the kind in its header."""
    parts = {name: part if isinstance(part := told.get(name), dict) else {} for name in _PARTS}
    if "msg_type" not in parts["header"]:
        raise ValueError("not a message")
    return {**parts, "buffers": buffers}


def _json(value: object) -> bytes:
    return json.dumps(value, default=_as_text, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _as_text(value: object) -> str:
    """Return the date of a header as the protocol writes it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _buffers(message: Mapping[str, object]) -> list[bytes]:
    return [bytes(buffer) for buffer in cast("Sequence[bytes]", message.get("buffers") or ())]


def _offsets(pieces: Sequence[bytes], *, start: int) -> list[int]:
    """Return where each piece starts, and where the last one ends."""
    offsets = [start]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return offsets
