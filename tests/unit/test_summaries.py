"""What a model is told of a Python object."""

from __future__ import annotations

import subprocess
import sys
import types

import matplotlib as mpl
import numpy as np
import pandas as pd
import PIL.Image
import pytest

from liteagent_nb.extras.summaries import summarize


class Plain:
    """A plain thing."""

    def __init__(self):
        self.size = 3
        self._hidden = 4


class Broken:
    def __repr__(self):
        raise RuntimeError("no")

    @property
    def __dict__(self):
        raise RuntimeError("no")


class Speaks:
    def _liteagent_summary_(self):
        return "I am the March report"


class SpeaksBadly:
    def _liteagent_summary_(self):
        raise RuntimeError("no")


class EndlessRepr:
    def __repr__(self):
        return "x" * 1_000_000


def figure():
    mpl.use("agg")
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots()
    axes.plot([1, 2, 3], label="sales")
    axes.set_title("Sales")
    axes.set_xlabel("month")
    plt.close(fig)
    return fig


def frame():
    return pd.DataFrame({"city": ["Ulm", "Bonn"] * 50, "sales": range(100), "gap": [None, 1.5] * 50})


async def later(n: int) -> int:
    """Return n later."""
    return n


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (frame(), ["DataFrame, 100 rows x 3 columns", "gap float64 (50 missing)", "Ulm", "49.5"]),
        (frame()["sales"], ["Series 'sales'", "mean 49.5"]),
        (frame()["city"], ["most frequent", "Ulm"]),
        (pd.DataFrame(), ["0 rows"]),
        (np.arange(12.0).reshape(3, 4), ["shape (3, 4)", "float64", "mean 5.5"]),
        (np.array([]), ["empty"]),
        (figure(), ["Figure", "'Sales'", "'month'", "sales", "1 lines"]),
        (PIL.Image.new("RGB", (30, 20)), ["30 x 20 pixels", "RGB"]),
        ({"a": 1, "b": [1, 2]}, ["dict, 2 keys", "'a': 1", "'b': list, 2 items"]),
        ([1, 2, 3], ["list, 3 items: [1, 2, 3]"]),
        (list(range(10_000)), ["10,000 items", "9,988 more"]),
        ("hello", ["str: 'hello'"]),
        ("line\n" * 900, ["4,500 characters", "901 lines"]),
        (3.5, ["float: 3.5"]),
        (None, ["NoneType: None"]),
        (10**4000, ["int: 1000"]),
        (later, ["async function later(n: 'int') -> 'int'", "Return n later."]),
        (len, ["function len"]),
        (Plain, ["class Plain", "A plain thing."]),
        (Plain(), ["Plain", ".size = 3"]),
        (types.ModuleType("mine", "My own."), ["module mine", "My own."]),
        (Speaks(), ["I am the March report"]),
    ],
)
def test_a_summary_says_type_shape_and_content(value, words):
    summary = summarize(value)

    for word in words:
        assert word in summary


@pytest.mark.parametrize(
    "value",
    [Broken(), [Broken()], {"b": Broken()}, SpeaksBadly(), EndlessRepr(), [[[[[1] * 99] * 99] * 99]], Broken, Speaks],
)
def test_no_object_breaks_it_or_the_bound(value):
    assert len(summarize(value, max_chars=300)) <= 300


def test_a_list_that_holds_itself_ends():
    loop: list[object] = [1]
    loop.append(loop)

    assert "list, 2 items" in summarize(loop)


def test_hidden_fields_and_addresses_are_not_told():
    assert "_hidden" not in summarize(Plain())
    assert "0x" not in summarize(Plain())


@pytest.mark.parametrize("max_chars", [1, 10, 100, 1000])
def test_the_bound_holds(max_chars):
    assert len(summarize(frame(), max_chars=max_chars)) <= max_chars


def test_nothing_heavy_is_imported():
    code = "import sys; from liteagent_nb.extras.summaries import summarize; summarize([1]); print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert not [name for name in ("pandas", "numpy", "matplotlib", "PIL") if f"'{name}'" in modules]
