"""Template: what all pieces of a server look like but for their text, read off one of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Template", "template_of"]

_FIELD = b"data:"
_CONTENT = "content"
_FIXED = frozenset({"id", "object", "created", "model", "service_tier", "system_fingerprint", "provider"})
"""Words at the top of a chunk that stay the same in a reply; others may be new in each, as `obfuscation` is."""
_NOT_IN_IT = frozenset({"error", _CONTENT})
_STRING = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\.)*+')
_PROBE = '\N{REPLACEMENT CHARACTER}"\\{}'

_string_at = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Template:
    """One server's event around its words: the content first, then the *extras* of the chunk by their names."""

    fixed: tuple[bytes, ...]
    """What stands around the words, their quotes included: before the first, between them, and behind the last."""
    order: tuple[int, ...]
    """Which of the strings in the event each word is."""
    extras: tuple[str, ...]

    def words_of(self, event: bytes) -> list[str] | None:
        """Return the words of *event*; None where it is another kind of event, or has no content."""
        if not event.startswith(self.fixed[0]):
            return None
        found, start = [], len(self.fixed[0])
        try:
            for behind in self.fixed[1:]:  # a pattern of all of it would have to be made anew for each reply
                end = event.index(behind, start)
                word = event[start:end].decode()
                if "\\" in word or '"' in word or not word.isprintable():
                    word, end = _read(event, start, behind)
                found.append(word)
                start = end + len(behind)
        except ValueError:  # another kind of event, bytes that are no UTF-8, an escape that is none
            return None
        if start != len(event):
            return None
        words = [found[place] for place in self.order]
        return words if words[0] else None


def _read(event: bytes, start: int, behind: bytes) -> tuple[str, int]:
    """Return the string at *start*, and where it ends. Raises `ValueError` where *behind* does not follow."""
    string = _STRING.match(event, start)
    if string is None or not event.startswith(behind, string.end()):
        raise ValueError("another kind of event")
    return str(json.loads(b'"%b"' % string[0])), string.end()


def template_of(event: bytes) -> Template | None:
    """Return the template that *event* is of; None unless it is one choice with content and nothing else in it.

    It is proven that nothing but the words hangs on the places where they stand.
    """
    if not event.startswith(_FIELD) or b"\n" in event:
        return None
    try:
        text = event.decode()
        chunk = json.loads(text[len(_FIELD) :])
    except ValueError:
        return None
    if not _is_content_alone(chunk):
        return None
    names = (_CONTENT, *(name for name, value in chunk.items() if isinstance(value, str) and name not in _FIXED))
    return _made(text, chunk, names)


def _is_content_alone(chunk: Any) -> bool:
    if not isinstance(chunk, dict) or chunk.get("usage") is not None or not _NOT_IN_IT.isdisjoint(chunk):
        return False
    choices = chunk.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return False
    delta = choices[0].get("delta")
    content = delta.get(_CONTENT) if isinstance(delta, dict) else None
    return isinstance(content, str) and bool(content) and choices[0].get("finish_reason") is None


def _made(text: str, chunk: Any, names: tuple[str, ...]) -> Template | None:
    spans = [_span(text, name) for name in names]
    if None in spans:
        return None
    places = sorted((span, name) for span, name in zip(spans, names, strict=True) if span)
    edges = [0, *(edge for span, _ in places for edge in span), len(text)]
    fixed = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    if not _is_proven(fixed, chunk, [name for _, name in places]):
        return None
    standing = [name for _, name in places]
    return Template(
        fixed=tuple(part.encode() for part in fixed),
        order=tuple(standing.index(name) for name in names),
        extras=names[1:],
    )


def _span(text: str, name: str) -> tuple[int, int] | None:
    """Return where the string of *name* stands, its quotes left out."""
    found = re.search(rf'"{re.escape(name)}":\s*(?=")', text)
    return (found.end() + 1, _string_at(text, found.end())[1] - 1) if found else None


def _is_proven(fixed: list[str], chunk: Any, standing: list[str]) -> bool:
    """Whether *chunk* with other words is the JSON of the event with those words."""
    probes = {name: _PROBE.format(name) for name in standing}
    probed = "".join(
        part + word
        for part, word in zip(fixed, [*(json.dumps(probe)[1:-1] for probe in probes.values()), ""], strict=True)
    )
    told = {name: probes.get(name, value) for name, value in chunk.items()}
    choice = chunk["choices"][0]
    told["choices"] = [{**choice, "delta": {**choice["delta"], _CONTENT: probes[_CONTENT]}}]
    try:
        return bool(json.loads(probed[len(_FIELD) :]) == told)
    except ValueError:
        return False
