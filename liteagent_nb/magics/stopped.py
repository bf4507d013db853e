"""The stop button, said in two lines."""

from __future__ import annotations

__all__ = ["Stopped"]


class Stopped(KeyboardInterrupt):
    """What ran was interrupted; the message says what became of it, *hint* what to do."""

    def __init__(
        self, message: str, *, hint: str = "the conversation goes on with the next %agent; %agent reset forgets it"
    ) -> None:
        super().__init__(message)
        self.hint = hint

    def _render_traceback_(self) -> list[str]:
        """Show two lines instead of a traceback (IPython calls this by name)."""
        return [f"KeyboardInterrupt: stopped; {self}", f"Hint: {self.hint}"]


Stopped.__name__ = KeyboardInterrupt.__name__  # the word that front ends know an interrupt by
