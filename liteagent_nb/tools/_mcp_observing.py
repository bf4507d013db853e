"""From what an MCP tool answered to what the model is told of it, and what people are shown beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from liteagent_nb.core.text import shorten
from liteagent_nb.core.tools import Observation
from liteagent_nb.tools._rendering import RESULT_CHARS, observed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp_types import CallToolResult
    from mcp_types import ContentBlock as Block

    from liteagent_nb.core.execution import Output

__all__ = ["observed_result"]

_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")
"""What panels draw; SVG is a program."""
_PICTURE_CHARS = 4_000_000
"""How large a picture may be, in base64."""


def observed_result(result: CallToolResult) -> Observation:
    """Return *result* as an observation: its texts, notes of what is no text, and its pictures for people."""
    text = "\n".join(filter(None, map(_told, result.content)))
    outputs = tuple(_pictures(result.content))
    if result.is_error:
        return Observation(ok=False, error=shorten(text, RESULT_CHARS) or "the tool failed", outputs=outputs)
    told = observed(text if text or result.structured_content is None else result.structured_content)
    return Observation(ok=True, result=told.result, outputs=outputs)


def _told(block: Block) -> str:
    """Return what the model is told of a piece of content."""
    match block:
        case TextContent():
            return block.text
        case ResourceLink():
            about = ": ".join(filter(None, (block.title or block.name, block.description)))
            return f"[a resource, {block.uri}: {about}]"
        case EmbeddedResource():
            return _resource(block.resource)
        case ImageContent() | AudioContent():
            return _noted(block.mime_type, block.data)


def _resource(resource: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(resource, TextResourceContents):
        return f"[the resource {resource.uri}]\n{resource.text}"
    return _noted(resource.mime_type or "binary", resource.blob, f"{resource.uri}, ")


def _noted(kind: str, data: str, name: str = "") -> str:
    """Return what stands for what is no text."""
    if _is_picture(kind, data):
        return f"[{name}a picture ({kind}), is shown to the user]"
    return f"[{name}{kind}, {len(data) * 3 // 4:,} bytes, left out]"


def _pictures(content: list[Block]) -> Iterator[Output]:
    for kind, data in filter(None, map(_bytes_of, content)):
        if _is_picture(kind, data):
            yield {"output_type": "display_data", "data": {kind: data}, "metadata": {}}


def _bytes_of(block: Block) -> tuple[str, str] | None:
    match block:
        case ImageContent(mime_type=kind, data=data):
            return kind, data
        case EmbeddedResource(resource=BlobResourceContents(mime_type=str(kind), blob=data)):
            return kind, data
    return None


def _is_picture(kind: str, data: str) -> bool:
    return kind in _PICTURES and len(data) <= _PICTURE_CHARS
