"""PanelView: the widget of a panel in the cell that shows it: what is said to it, and what stands beside it."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING, Any

from liteagent_nb.panels.widgets import make_widget, widget_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from IPython.core.displaypub import DisplayPublisher

__all__ = ["PanelView"]


class PanelView:
    """Shows `static/NAME.js`, tells it messages, and puts outputs beside it for readers without a kernel.

    *hear* is called with what the view says, *fallback* is what stands in the widget's place without a kernel.
    """

    def __init__(
        self,
        name: str,
        publisher: DisplayPublisher,
        *,
        hear: Callable[[Mapping[str, Any]], object],
        fallback: str,
        styles: Sequence[str] = (),
    ) -> None:
        self._publisher = publisher
        self._hear = hear
        self._fallback = fallback
        self._widget = make_widget(name, self._on_message, styles=styles)
        self._context = contextvars.copy_context()
        self._heard: contextvars.Context | None = None
        """Of what the view said last."""
        self._put: set[str] = set()

    @property
    def context(self) -> contextvars.Context:
        """A copy of that of the cell that shows the panel: what is published in it belongs there."""
        return self._context.copy()

    def show(self) -> None:
        """Show it as an output of the cell that runs now."""
        self._context = contextvars.copy_context()
        self._put.clear()
        self._publisher.publish(widget_bundle(self._widget, self._fallback))

    def put(self, mark: str, bundle: Mapping[str, str]) -> None:
        """Show *bundle* as an output of that cell; anew where it has one of that *mark* already."""
        self.context.run(self._publish, mark, dict(bundle))

    def send(self, message: dict[str, object], *, is_busy: bool) -> None:
        """Tell the view.

        ipykernel 7.4 lets a view answer where the kernel last spoke from. While something goes on, that is the subshell
        that the view itself speaks to, so that a stop is heard even while a cell is busy.
        """
        context = self._heard if is_busy and self._heard is not None else self._context
        context.copy().run(self._widget.send, message)

    def answer(self, message: dict[str, object]) -> None:
        """Tell the view, from the thread that heard it."""
        self._widget.send(message)

    def close(self) -> None:
        """End it; the outputs beside it stay."""
        self._widget.close()

    def _publish(self, mark: str, bundle: dict[str, str]) -> None:
        is_update = mark in self._put
        self._put.add(mark)
        transient = {"display_id": f"{self._widget.model_id}-{mark}"}
        self._publisher.publish(bundle, transient=transient, update=is_update)

    def _on_message(self, message: Mapping[str, Any]) -> None:
        self._heard = contextvars.copy_context()  # each time: JupyterLab's first words come without its subshell
        self._hear(message)
