"""Fields: named values that a view shows, and which of them it was not told yet."""

from __future__ import annotations

__all__ = ["Fields"]


class Fields:
    """Values by name; a value that is set again as it was is no news."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}
        self._news: set[str] = set()

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __setitem__(self, name: str, value: object) -> None:
        if name not in self._values or self._values[name] != value:
            self._values[name] = value
            self._news.add(name)

    @property
    def has_news(self) -> bool:
        """Whether the view was not told of something."""
        return bool(self._news)

    def news(self) -> dict[str, object]:
        """Return what is new since the last time, sorted by name."""
        told = {name: self._values[name] for name in sorted(self._news)}
        self._news.clear()
        return told

    def all(self) -> dict[str, object]:
        """Return all, sorted by name; nothing is new then."""
        self._news.clear()
        return dict(sorted(self._values.items()))
