"""Bounded looks at tables, arrays, plots and images, for types that are recognised without importing them."""

from __future__ import annotations

from typing import Any

__all__ = ["MAX_ITEMS", "MAX_LINE_CHARS", "array", "axes", "cut", "figure", "frame", "image", "line", "series"]

MAX_ITEMS = 12
MAX_LINE_CHARS = 200
_HEAD_ROWS = 5
_MAX_COLUMNS = 30


def line(text: str) -> str:
    """Return *text* as one line that is not too long."""
    return cut(text.replace("\n", " "), MAX_LINE_CHARS)


def cut(text: str, max_chars: int) -> str:
    """Return *text*, or its beginning with an ellipsis."""
    return text if len(text) <= max_chars else text[: max(0, max_chars - 1)] + "…"


def frame(frame: Any) -> str:
    """Return a table's shape, columns with their types and gaps, first rows and key figures."""
    rows, columns = frame.shape
    shown = frame.iloc[:_HEAD_ROWS, :_MAX_COLUMNS]
    missing = frame.iloc[:, :_MAX_COLUMNS].isna().sum()
    types = [
        f"{column} {kind}{f' ({gaps:,} missing)' if gaps else ''}"
        for column, kind, gaps in zip(shown.columns, shown.dtypes, missing, strict=True)
    ]
    more = f", … {columns - _MAX_COLUMNS} more" if columns > _MAX_COLUMNS else ""
    head = f"DataFrame, {rows:,} rows x {columns:,} columns: {', '.join(types)}{more}"
    lines = [head, f"index: {_index(frame.index)}", "first rows:", shown.to_csv(index=False).strip()]
    numbers = frame.iloc[:, :_MAX_COLUMNS].select_dtypes("number")
    if rows > _HEAD_ROWS and len(numbers.columns):
        lines += ["numbers:", numbers.describe().loc[["mean", "std", "min", "max"]].to_csv(float_format="%.6g").strip()]
    return "\n".join(lines)


def _index(index: Any) -> str:
    return line(f"{type(index).__name__} {index[0]} … {index[-1]}" if len(index) else f"{type(index).__name__}, empty")


def series(series: Any) -> str:
    """Return a column's type, gaps, first values and key figures."""
    head = f"Series {series.name!r}, {len(series):,} values, {series.dtype}, {int(series.isna().sum()):,} missing"
    lines = [head, f"first: {line(str(series.iloc[:MAX_ITEMS].tolist()))}"]
    if getattr(series.dtype, "kind", "") in "iuf" and len(series):
        lines.append(_figures(series))
    elif len(series):
        lines.append(f"most frequent: {line(str(series.value_counts().head(5).to_dict()))}")
    return "\n".join(lines)


def array(array: Any) -> str:
    """Return an array's shape, type, first values and key figures."""
    head = f"ndarray, shape {array.shape}, {array.dtype}"
    if not array.size:
        return f"{head}, empty"
    lines = [head, f"first: {line(str(array.reshape(-1)[:MAX_ITEMS].tolist()))}"]
    if array.dtype.kind in "iuf":
        lines.append(_figures(array))
    return "\n".join(lines)


def figure(figure: Any) -> str:
    """Return what is drawn on a figure, axes by axes."""
    width, height = figure.get_size_inches()
    lines = [f"matplotlib Figure, {width:g} x {height:g} inches, {len(figure.axes)} axes"]
    return "\n".join([*lines, *(_axes_line(number, axes) for number, axes in enumerate(figure.axes[:MAX_ITEMS], 1))])


def axes(axes: Any) -> str:
    """Return what is drawn on one pair of axes."""
    return f"matplotlib {_axes_line(1, axes)}"


def _axes_line(number: int, axes: Any) -> str:
    words = {"title": axes.get_title(), "x": axes.get_xlabel(), "y": axes.get_ylabel()}
    labels = [f"{kind} {text!r}" for kind, text in words.items() if text]
    ranges = "x {:g} to {:g}, y {:g} to {:g}".format(*axes.get_xlim(), *axes.get_ylim())
    marks = {"lines": axes.lines, "patches": axes.patches, "collections": axes.collections, "images": axes.images}
    drawn = [f"{len(found)} {kind}" for kind, found in marks.items() if len(found)]
    names = [
        str(drawn_line.get_label())
        for drawn_line in axes.lines[:MAX_ITEMS]
        if not str(drawn_line.get_label()).startswith("_")
    ]
    legend = f"; lines {names}" if names else ""
    return line(f"axes {number}: {', '.join([*labels, ranges, *drawn])}{legend}")


def image(image: Any) -> str:
    """Return an image's size and mode."""
    kind = f", {image.format}" if getattr(image, "format", None) else ""
    return f"PIL image, {image.width} x {image.height} pixels, mode {image.mode}{kind}"


def _figures(numbers: Any) -> str:
    return f"mean {numbers.mean():.6g}, std {numbers.std():.6g}, min {numbers.min():.6g}, max {numbers.max():.6g}"
