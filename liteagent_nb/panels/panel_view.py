"""PanelView: the widget of a panel in the cell that shows it: what is said to it, and what stands beside it."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from liteagent_nb.panels.chat_widget import make_widget, widget_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.displaypub import DisplayPublisher

__all__ = ["PanelView"]

_EMPTY = {"text/plain": ""}


class PanelView:
    """Shows `static/NAME.js`, tells it messages, and keeps one output beside it for readers without a kernel.

    That output is empty first, as nbval wants it. *fallback* is what stands in the widget's place without a kernel.
    """

    def __init__(
        self, name: str, publisher: DisplayPublisher, *, hear: Callable[[Mapping[str, Any]], object], fallback: str
    ) -> None:
        self._publisher = publisher
        self._hear = hear
        self._fallback = fallback
        self._widget = make_widget(name, self._on_message)
        self._context = contextvars.copy_context()
        """Of the cell that shows the panel: what is published in it belongs there."""
        self._heard: contextvars.Context | None = None
        """Of the view's last hello."""

    def show(self) -> None:
        """Show it as an output of the cell that runs now."""
        self._context = contextvars.copy_context()
        self._publisher.publish(widget_bundle(self._widget, self._fallback))
        self._publisher.publish(_EMPTY, transient=self._transient)

    def send(self, message: dict[str, object], *, is_busy: bool) -> None:
        """Tell the view.

        ipykernel 7.4 lets a view answer where the kernel last spoke from. While something goes on, that is the subshell
        that the view itself speaks to, so that a stop is heard even while a cell is busy.
        """
        context = self._heard if is_busy and self._heard is not None else self._context
        context.copy().run(self._widget.send, message)

    def keep(self, bundle: Mapping[str, str]) -> None:
        """Draw the output beside the widget anew."""
        self._context.copy().run(self._publisher.publish, {**_EMPTY, **bundle}, transient=self._transient, update=True)

    def close(self) -> None:
        """End it; the output beside it stays."""
        self._widget.close()

    @property
    def _transient(self) -> dict[str, str]:
        return {"display_id": f"{self._widget.model_id}-kept"}

    def _on_message(self, message: Mapping[str, Any]) -> None:
        if message.get("do") == "hello":
            self._heard = contextvars.copy_context()
        self._hear(message)
