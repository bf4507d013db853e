"""Variables cross into a context and back as data, never as code."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import pickle
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from liteagent_nb.core.errors import ConfigError, ExecError
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels import crossing, crossing_codec
from liteagent_nb.kernels.crossing import Packed, fetch, packed, send, unpacked


class Context:
    """Executes code in names of its own, as a context does."""

    def __init__(self):
        self.names = {"__builtins__": __builtins__}
        self.executions = 0

    async def run(self, code):
        self.executions += 1
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                exec(code, self.names)
        except Exception as error:  # noqa: BLE001 - as a kernel does
            return ExecResult(ok=False, rc=1, error=f"{type(error).__name__}: {error}")
        return ExecResult(ok=True, rc=0, stdout=printed.getvalue())

    async def there_and_back(self, value):
        await send(packed("x", value), self.run)
        return unpacked(await fetch("x", self.run))


@pytest.fixture
def context():
    return Context()


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        5,
        -(10**400),
        0.1,
        float("inf"),
        1 + 2j,
        "naïve \ud800 🎈",
        b"\x00\xff",
        bytearray(b"ab"),
        [1, [2, (3, {4})], "[]"],
        {"a": 1, 2: ("b",), (1, 2): None, None: frozenset({1})},
        dt.datetime(2026, 3, 1, 12, 5, 0, 7),  # noqa: DTZ001 - a naive one, too
        dt.datetime(2026, 3, 1, 12, tzinfo=ZoneInfo("Europe/Berlin")),
        dt.date(2026, 3, 1),
        dt.time(1, 2, 3),
        dt.timedelta(days=-1, microseconds=5),
        [],
        {},
    ],
)
async def test_plain_values_come_back_equal_and_of_the_same_type(context, value):
    back = await context.there_and_back(value)

    assert back == value
    assert type(back) is type(value)


async def test_nothing_but_the_named_variable_is_defined_in_the_context(context):
    before = set(context.names)

    await context.there_and_back([1])

    assert set(context.names) - before == {"x"}


async def test_not_a_number_and_the_zone_of_a_time_survive(context):
    assert np.isnan(await context.there_and_back(float("nan")))
    back = await context.there_and_back(dt.datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Tokyo")))
    assert back.tzinfo.key == "Asia/Tokyo"


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4),
        np.array(5),
        np.zeros((0, 3), dtype="int8"),
        np.array(["a", "bcd"]),
        np.array(["2026-01-01", "NaT"], dtype="datetime64[s]"),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([None, "a", {"b": [1]}], dtype=object),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
    ],
    ids=lambda array: str(array.dtype),
)
async def test_arrays_come_back_with_type_and_shape(context, array):
    back = await context.there_and_back(array)

    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)


async def test_scalars_of_numpy_keep_their_type(context):
    for value in (np.float32(0.5), np.int8(3), np.array(["x"])[0], np.datetime64("2026-01-01")):
        back = await context.there_and_back(value)
        assert (back, type(back)) == (value, type(value))


def frames():
    zoned = pd.date_range("2026-01-01", periods=3, freq="D", tz="Europe/Berlin")
    yield pd.DataFrame(
        {
            "n": [1, 2, 3],
            "f": [0.1, np.nan, np.inf],
            "b": [True, False, True],
            "s": ["a", None, "c"],
            "when": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "zoned": zoned,
            "span": pd.to_timedelta([1, 2, None], unit="s"),
            "kind": pd.Categorical(["x", "y", "x"], categories=["y", "x"], ordered=True),
            "gaps": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "text": pd.array(["a", None, "c"], dtype="string"),
            "mixed": pd.Series([1, "a", (2, 3)], dtype=object),
        }
    )
    yield pd.DataFrame({"v": [1, 2, 3]}, index=zoned)
    yield pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"], index=pd.Index(["r", "q"], name="row"))
    yield pd.DataFrame(
        np.eye(2), columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["l", None]), index=[5, 7]
    )
    yield pd.DataFrame()
    yield pd.DataFrame(index=pd.RangeIndex(2, 8, 2, name="i"))
    yield pd.DataFrame({"o": pd.Series([dt.date(2026, 1, 1), None, pd.Timestamp("2026-01-02")], dtype=object)})


@pytest.mark.parametrize("frame", list(frames()), ids=lambda frame: "-".join(map(str, frame.columns)) or "empty")
async def test_frames_come_back_without_loss(context, frame):
    back = await context.there_and_back(frame)

    pd.testing.assert_frame_equal(back, frame, check_freq=True)
    assert list(back.dtypes) == list(frame.dtypes)


async def test_series_and_moments_come_back(context):
    series = pd.Series(["a", "b"], index=[3, 4], name=("x", 1), dtype="category")

    pd.testing.assert_series_equal(await context.there_and_back(series), series)
    assert await context.there_and_back([pd.Timestamp("2026-01-01", tz="UTC"), pd.Timedelta("1s")]) == [
        pd.Timestamp("2026-01-01", tz="UTC"),
        pd.Timedelta("1s"),
    ]
    assert await context.there_and_back(pd.NA) is pd.NA


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
async def test_pictures_come_back_to_the_pixel(context, mode):
    picture = Image.linear_gradient("L").resize((9, 5)).convert(mode)

    back = await context.there_and_back(picture)

    assert (back.mode, back.size, back.tobytes()) == (mode, (9, 5), picture.tobytes())


async def test_what_has_no_safe_form_goes_in_by_pickle_but_does_not_come_back(context):
    await send(packed("x", [Decimal("1.5")]), context.run)

    assert context.names["x"] == [Decimal("1.5")]
    with pytest.raises(ExecError, match="x cannot come back: it is of type Decimal") as caught:
        await fetch("x", context.run)
    assert "pandas DataFrame" in caught.value.hint


async def test_a_class_of_the_notebook_that_is_missing_there_is_said_clearly(context):
    fake = type("Point", (), {"__module__": "pandas_of_the_notebook"})
    import sys

    module = sys.modules["pandas_of_the_notebook"] = type(sys)("pandas_of_the_notebook")
    module.Point = fake
    one = packed("x", fake())
    del sys.modules["pandas_of_the_notebook"]

    with pytest.raises(ExecError, match="x did not arrive: ModuleNotFoundError") as caught:
        await send(one, context.run)
    assert "defined in the context first" in caught.value.hint


def test_what_cannot_be_pickled_is_refused_before_anything_is_sent():
    with pytest.raises(ConfigError, match="x cannot cross: it cannot be pickled"):
        packed("x", lambda: 1)


async def test_a_list_in_itself_is_refused(context):
    context.names["x"] = loop = []
    loop.append(loop)
    await context.run(crossing._INSTALLED)

    with pytest.raises(ExecError, match="x cannot come back"):
        await fetch("x", context.run)


async def test_a_missing_name_is_told_with_near_ones(context):
    context.names["result"] = 1

    with pytest.raises(ExecError, match="there is no reslut in the context") as caught:
        await fetch("reslut", context.run)
    assert caught.value.hint == "did you mean result?"


async def test_megabytes_cross_in_pieces(context):
    noise = np.random.default_rng(0).bytes(2_000_000)

    assert await context.there_and_back(noise) == noise
    assert context.executions > 10


async def test_what_is_too_large_is_refused_on_both_sides(context):
    with pytest.raises(ConfigError, match="x is too large to cross: 60 MB, more than 50 MB"):
        packed("x", bytes(60_000_000))
    context.names["x"] = bytes(60_000_000)
    with pytest.raises(ExecError, match="x is too large to cross: 60 MB"):
        await fetch("x", context.run)


async def test_other_threads_may_print_meanwhile(context):
    async def noisy(code):
        result = await context.run(code)
        return ExecResult(ok=True, rc=0, stdout=f"noise\n{result.stdout}more noise")

    context.names["x"] = [1, 2]

    assert unpacked(await fetch("x", noisy)) == [1, 2]


class Evil:
    def __reduce__(self):
        return os.system, ("touch pwned",)


def evil_documents():
    evil = crossing_codec._base64(pickle.dumps(Evil()))
    objects = io.BytesIO()
    np.save(objects, np.array([Evil()], dtype=object), allow_pickle=True)
    array = crossing_codec._base64(objects.getvalue())
    yield ["pickle", evil]
    yield ["list", [["pickle", evil]]]
    yield ["ndarray", array]
    yield ["Series", ["ndarray", array], ["range", 0, 1, 1, None], None]
    yield ["nullable", "object", ["pickle", evil]]
    yield ["Image", evil]
    yield ["__import__", "os"]
    yield ["datetime", "x", "../../etc/passwd"]
    yield []
    yield [[]]
    yield ["ndarray", crossing_codec._base64(b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'shape': (10**15,), }")]


@pytest.mark.parametrize("document", list(evil_documents()), ids=lambda document: str(document)[:24])
def test_what_a_hostile_context_sends_runs_nothing_here(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ExecError, match="x came back as nonsense"):
        unpacked(Packed("x", crossing_codec.pack(json.dumps(document))))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["", "%", "AAAA", crossing_codec.pack("[" * 100_000), crossing_codec.pack("{")])
def test_broken_bytes_are_nonsense_too(text):
    with pytest.raises(ExecError, match="x came back as nonsense"):
        unpacked(Packed("x", text))


def test_a_compressed_bomb_is_not_unfolded():
    with pytest.raises(ExecError, match="too large"):
        unpacked(Packed("x", crossing_codec.pack(" " * 80_000_000)))


async def test_a_context_that_never_ends_its_text_is_left():
    async def endless(code):
        ticket = code.partition("'x', '")[2][:16]
        return ExecResult(
            ok=True, rc=0, stdout=json.dumps({"ticket": ticket, "error": "", "size": 10**12, "text": "A"})
        )

    with pytest.raises(ExecError, match="did not come back whole"):
        await fetch("x", endless)
