"""What a comparison looks like: the change of each pair, how both arms are spread, and the intervals side by side.

Drawn by matplotlib (extra `parity`) without a background and in colours between light and dark, so that a page of
either kind can carry them; the stylesheet makes them a little darker or lighter there.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liteagent_nb.panels.parity_figures import Judged

__all__ = ["draw_changes", "draw_intervals", "draw_spread", "svg_of"]

BASELINE, CANDIDATE, CONTROL, MARGIN, INK = "#3987d6", "#d9722b", "#8a8a8a", "#35a06b", "#7d7d7d"
"""Told apart by those who see no red or no green, too; all have a contrast of 3 and more on black and on white."""
_FAR = 20
"""So many times the least, and only a logarithmic axis shows both."""
_DECIMALS = re.compile(r"(\d\.\d\d)\d+")
_SPACE = re.compile(r"\s+")
_FONTS = re.compile(r"font-family: [^;]*")
_SIZE = (3.45, 2.35)
_PLACE = (0.185, 0.185, 0.765, 0.725)
"""The same in all three, so that they stand in line; finding the best one each time would take as long as drawing."""
_LOOK: dict[Any, Any] = {  # matplotlib's own names, which differ from version to version
    "svg.fonttype": "none",
    "svg.hashsalt": "liteagent",
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 1.1,
    "legend.borderaxespad": 0.2,
}


def svg_of(draw: Callable[[Any, Judged], None], judged: Judged) -> str:
    """Return what *draw* draws of a figure, as SVG that is the same each time."""
    from matplotlib import style  # noqa: PLC0415 - an extra, and heavy
    from matplotlib.figure import Figure  # noqa: PLC0415 - it, too

    with style.context(["default", _LOOK]):  # whatever look the notebook has chosen for its own plots
        picture = Figure(figsize=_SIZE)
        draw(picture.add_axes(_PLACE), judged)
        file = io.StringIO()
        picture.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _light(file.getvalue())


def draw_changes(axes: Any, judged: Judged) -> None:
    """Draw each pair's change in percent in the order of measuring, over the band of the margin."""
    changes = [_change_pct(pair.candidate, pair.baseline) for pair in judged.pairs]
    controls = [_change_pct(pair.control, pair.baseline) for pair in judged.pairs]
    reach = _reach([*changes, *controls], judged.margin_pct)
    _draw_margin(axes.axhspan, axes.axhline, judged.margin_pct)
    _draw_dots(axes, controls, reach, ms=2.8, mfc="none", mec=CONTROL, mew=0.8, label="A again")
    _draw_dots(axes, changes, reach, ms=3.6, mfc=CANDIDATE, mec="none", label="B")
    axes.axhline(judged.ruling.change_pct.estimate, color=CANDIDATE, lw=1.2)
    if judged.ruling.pairs < len(changes):
        axes.axvline(judged.ruling.pairs + 0.5, color=INK, lw=0.8, ls=":")
    axes.set(title="Change of each pair", xlabel="pair", ylim=(-reach * 1.06, reach * 1.4))
    axes.set_xlim(0, len(changes) + 1)
    axes.yaxis.set_major_formatter(_percent)
    axes.legend(loc="upper right", ncols=2, columnspacing=1)


def draw_spread(axes: Any, judged: Judged) -> None:
    """Draw how the figures of both arms are spread: which share of them is at most so large."""
    arms = (
        ([pair.baseline for pair in judged.pairs], BASELINE, "A"),
        ([pair.candidate for pair in judged.pairs], CANDIDATE, "B"),
    )
    for values, colour, name in arms:
        axes.ecdf(values, color=colour, lw=1.6, label=name)
    everything = [value for values, *_ in arms for value in values]
    if max(everything) > _FAR * min(everything):
        axes.set_xscale("log")
    axes.set(title="Share of answers within", xlabel="ms", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(lambda share, _: f"{share * 100:.0f} %")
    axes.legend(loc="lower right")


def draw_intervals(axes: Any, judged: Judged) -> None:
    """Draw the interval of the change above that of the control, over the band of the margin."""
    rows = (("A again", judged.ruling.control_pct, CONTROL), ("B", judged.ruling.change_pct, CANDIDATE))
    ends = [abs(end) for _, one, _ in rows for end in (one.lower, one.estimate, one.upper) if math.isfinite(end)]
    reach = 1.12 * max(1.5 * judged.margin_pct, *ends)
    _draw_margin(axes.axvspan, axes.axvline, judged.margin_pct)
    for height, (_, interval, colour) in enumerate(rows):
        low, high = (max(-2 * reach, min(2 * reach, end)) for end in (interval.lower, interval.upper))
        axes.plot([low, high], [height] * 2, "|-", color=colour, lw=2.2, ms=11, mew=1.6)
        axes.plot(interval.estimate, height, "o", color=colour, ms=5.5)
        axes.annotate(
            _percent(interval.estimate), (interval.estimate, height), (0, 11), textcoords="offset points", ha="center"
        )
    axes.set(title="How sure that is", xlabel="change against A", xlim=(-reach, reach), ylim=(-0.6, 1.7))
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(_percent)


def _draw_margin(span: Any, line: Any, margin_pct: float) -> None:
    span(-margin_pct, margin_pct, color=MARGIN, alpha=0.16, lw=0)
    line(margin_pct, color=MARGIN, lw=1, ls="--")
    line(0, color=INK, lw=0.6)


def _draw_dots(axes: Any, values: Sequence[float], reach: float, *, label: str, **look: Any) -> None:
    """Draw *values*; those beyond *reach* are arrows at the edge."""
    inside = [value if abs(value) <= reach else math.nan for value in values]
    axes.plot(range(1, len(values) + 1), inside, "o", label=label, **look)
    for sign, arrow in ((1, "^"), (-1, "v")):
        beyond = [number for number, value in enumerate(values, 1) if sign * value > reach]
        axes.plot(beyond, [sign * reach] * len(beyond), arrow, **look)


def _change_pct(value: float, baseline: float) -> float:
    return (value / baseline - 1) * 100


def _reach(values: Sequence[float], margin_pct: float) -> float:
    """Return how far the axis goes from zero: beyond the margin, and to where most values are."""
    sizes = sorted(abs(value) for value in values)
    return max(1.6 * margin_pct, 1.15 * sizes[int(0.97 * (len(sizes) - 1))])


def _percent(value: float, _: object = None) -> str:
    told = f"{value:+,.0f} %" if abs(value) >= 10 else f"{value:+.2g} %"  # noqa: PLR2004 (two digits say enough)
    return told.replace("-", "\N{MINUS SIGN}") if value else "0"


def _light(svg: str) -> str:
    """Return *svg* with the page's own letters, coordinates that are exact enough, and no line breaks."""
    svg = _FONTS.sub("font-family: system-ui, sans-serif", svg[svg.index("<svg") :])
    return _SPACE.sub(" ", _DECIMALS.sub(r"\1", svg)).replace("> <", "><")
