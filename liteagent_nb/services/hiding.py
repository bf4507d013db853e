"""Keeping secrets out of answers, whatever they are nested in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from liteagent_nb import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["hiding", "known_secrets", "words_of"]

_SHORTEST = 8
"""Shorter words are placeholders, or the name of a scheme; hiding them would garble plain text."""


def known_secrets() -> list[str]:
    """Return the keys of the environment, and the headers that it has for tools hosts."""
    try:
        headers = json.loads(environment.text("MINI_AGENT_TOOL_HTTP_HEADERS", "{}"))
    except ValueError:
        headers = None
    values = headers.values() if isinstance(headers, dict) else ()
    return [*environment.key_values(), *map(str, values)]


def words_of(secrets: Iterable[str]) -> list[str]:
    """Return *secrets*, each as a whole and word by word, the longest first."""
    words = {word for secret in secrets for word in (secret, *secret.split()) if len(word) >= _SHORTEST}
    return sorted(words, key=len, reverse=True)


def hiding(secrets: Iterable[str]) -> Callable[[bytes], bytes]:
    """Return what replaces *secrets*, each as a whole and word by word, by `***` in JSON that is sent."""
    written = [json.dumps(word)[1:-1].encode() for word in words_of(secrets)]

    def hidden(sent: bytes) -> bytes:
        for word in written:
            if word in sent:
                sent = sent.replace(word, b"***")
        return sent

    return hidden
