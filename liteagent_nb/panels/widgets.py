"""The widget of a panel: controls and the live stream. What it shows later, without a kernel, is one constant line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.panels.style import widget_css, widget_esm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["make_widget", "widget_bundle"]


def make_widget(name: str, on_message: Callable[[Mapping[str, Any]], object], *, styles: Sequence[str] = ()) -> Any:
    """Return the widget whose module and rules are `static/NAME.js` and `.css`; *on_message* hears its view.

    *styles* are the files of other rules that it needs. Raises `ConfigError` where the extra `panels` is not installed.
    """
    try:
        import anywidget  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        hint = 'pip install "liteagent_nb[panels]", and load the page anew'
        raise ConfigError(f"panels need the package {error.name}", hint=hint) from None
    files = {"_esm": widget_esm(f"{name}.js"), "_css": widget_css(*styles, f"{name}.css")}
    widget: Any = type(f"{name}_widget", (anywidget.AnyWidget,), files)()
    widget.on_msg(lambda _, message, __: on_message(message))
    return widget


def widget_bundle(widget: Any, text: str) -> dict[str, Any]:
    """Return *widget* for a notebook; *text* is what is shown where there is no kernel, the same each time."""
    bundle = widget._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    return {**data, "text/plain": text, "text/markdown": f"*{text}*"}
