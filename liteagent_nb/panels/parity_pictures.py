"""The plots of a comparison as pictures in HTML, with what they show in words for those who cannot see them."""

from __future__ import annotations

from base64 import b64encode
from importlib.util import find_spec
from statistics import quantiles
from typing import TYPE_CHECKING

from liteagent_nb.panels.parity_figures import between, milliseconds, percent
from liteagent_nb.panels.render import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from liteagent_nb.panels.parity_figures import Judged

__all__ = ["pictures_html"]

_MISSING = 'The plots need matplotlib: pip install "liteagent_nb[parity]"'


def pictures_html(figures: Sequence[Judged]) -> str:
    """Return three plots for each figure; one line that says so where matplotlib is missing."""
    if not figures:
        return ""
    if find_spec("matplotlib") is None:
        return f'<div class="la-notice">{escaped(_MISSING)}</div>'
    return "".join(map(_figure, figures))


def _figure(one: Judged) -> str:
    drawn = "".join(_picture(svg, words) for svg, words in _plots(one))
    return f'<figure class="la-plots"><figcaption>{escaped(one.name)}</figcaption><div>{drawn}</div></figure>'


def _picture(svg: str, words: str) -> str:
    """Return *svg* as a picture: inside an image, no SVG can run anything, and pages that are not trusted show it."""
    source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    return f'<img class="la-plot" alt="{escaped(words)}" src="{source}">'


def _plots(one: Judged) -> Iterator[tuple[str, str]]:
    """Yield each plot with its words."""
    from liteagent_nb.panels.parity_plot import draw_changes, draw_intervals, draw_spread, svg_of  # noqa: PLC0415 - heavy

    yield svg_of(draw_changes, one), _changes_words(one)
    yield svg_of(draw_spread, one), _spread_words(one)
    yield svg_of(draw_intervals, one), _intervals_words(one)


def _changes_words(one: Judged) -> str:
    changes = [(pair.candidate / pair.baseline - 1) * 100 for pair in one.pairs]
    beyond = sum(change > one.margin_pct for change in changes)
    return (
        f"{one.name}: the change of each of {len(changes)} pairs, from {percent(min(changes))} to "
        f"{percent(max(changes))}; {beyond} beyond the margin of {one.margin_pct:g} %"
    )


def _spread_words(one: Judged) -> str:
    arms = (
        ("A", [pair.baseline for pair in one.pairs]),
        ("B", [pair.candidate for pair in one.pairs]),
    )
    told = (f"{name} half within {_share(values, 5)}, nine in ten within {_share(values, 9)}" for name, values in arms)
    return f"{one.name}: how both arms are spread; {'; '.join(told)}"


def _share(values: Sequence[float], tenths: int) -> str:
    cuts = quantiles(values, n=10, method="inclusive") if len(values) > 1 else [values[0]] * 9
    return milliseconds(cuts[tenths - 1])


def _intervals_words(one: Judged) -> str:
    change, control = between(one.ruling.change_pct), between(one.ruling.control_pct)
    return f"{one.name}: B against A {change}; A against itself {control}; the margin is {one.margin_pct:g} %"
