"""What a model wrote becomes what a function is called with, or a sentence the model can act on."""

import dataclasses
import datetime as dt
import decimal
import enum
import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, TypedDict

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liteagent_nb.core.arguments import bind_arguments, call_with, read_arguments
from liteagent_nb.core.converting import convert
from liteagent_nb.core.signatures import read_signature


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


class City(TypedDict, total=False):
    name: str
    people: int


class Person(pydantic.BaseModel):
    name: str
    age: int


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        ' {"a": 1}\n',
        '```json\n{"a": 1}\n```',
        '{"a": 1} and that is it',
        '{"a": 1}}',
        '{"a": 1,}',
        'Here you are: {"a": 1}',
        '"{\\"a\\": 1}"',
        {"a": 1},
    ],
)
def test_arguments_are_read_and_mended_where_that_is_cheap(text):
    assert read_arguments(text) == ({"a": 1}, "")


def test_line_breaks_inside_text_are_what_small_models_write():
    assert read_arguments('{"code": "a = 1\nprint(a)"}') == ({"code": "a = 1\nprint(a)"}, "")


@pytest.mark.parametrize("text", ["", "  ", "null", "{}", None])
def test_nothing_is_no_arguments(text):
    assert read_arguments(text) == ({}, "")


@pytest.mark.parametrize("text", ["[1]", "3", '[{"a": 1}]', '{"a": ', "print(1)", "{'a': 1}", "9" * 5000, '"text"'])
def test_what_is_no_object_is_told_in_a_sentence(text):
    arguments, complaint = read_arguments(text)

    assert arguments == {}
    assert complaint.startswith("the arguments must be a JSON object; they ")
    assert len(complaint) < 400


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, '{"a":' * 200_000, '{"a": "' + "x" * 10_000_000, "```" + " " * 190_000 + "x", "{" + " , " * 60_000],
)
def test_deep_and_huge_arguments_are_told_too_and_fast(text):
    started = time.monotonic()

    assert read_arguments(text)[1]

    assert time.monotonic() - started < 2.0


@given(st.text())
def test_reading_never_raises(text):
    arguments, complaint = read_arguments(text)

    assert isinstance(arguments, dict)
    assert isinstance(complaint, str)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.booleans())))
def test_every_json_object_is_read_as_it_is(value):
    assert read_arguments(json.dumps(value)) == (value, "")


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("3", int, 3),
        (3.0, int, 3),
        ("3.0", int, 3),
        (" 4 ", int, 4),
        ("2.5", float, 2.5),
        (2, float, 2.0),
        ("true", bool, True),
        ("No", bool, False),
        (1, bool, True),
        (3, str, "3"),
        (["a"], str, '["a"]'),
        ("[1, 2]", list[int], [1, 2]),
        (["1", 2.0], list[int], [1, 2]),
        ("5", list[int], [5]),
        ("word", list[str], ["word"]),
        ([1, 1], set[int], {1}),
        ([1, "2"], tuple[int, int], (1, 2)),
        ('{"a": "1"}', dict[str, int], {"a": 1}),
        ({"1": 2}, dict[int, int], {1: 2}),
        ("blue", Colour, Colour.BLUE),
        ("BLUE", Colour, Colour.BLUE),
        ("Blue", Colour, Colour.BLUE),
        (2, Level, Level.HIGH),
        ("2", Level, Level.HIGH),
        ("LOW", Level, Level.LOW),
        ("A", Literal["a", 3], "a"),
        ("3", Literal["a", 3], 3),
        (None, int | None, None),
        ("null", int | None, None),
        ("3", Optional[int], 3),  # noqa: UP045 - as older code writes it
        ("3", int | str, "3"),
        (3, str | float, 3.0),
        (True, int | bool, True),
        ("[1]", list[int] | None, [1]),
        ({"x": "1"}, Point, Point(1)),
        ('{"x": 1, "y": 2}', Point, Point(1, 2.0)),
        ([{"x": 1}], list[Point], [Point(1)]),
        ({"name": "Rome", "people": "3"}, City, {"name": "Rome", "people": 3}),
        ({"name": "Ada", "age": "36"}, Person, Person(name="Ada", age=36)),
        ('{"name": "Ada", "age": 36}', Person, Person(name="Ada", age=36)),
        ("2024-02-29", dt.date, dt.date(2024, 2, 29)),
        ("/tmp", Path, Path("/tmp")),
        ("1.10", decimal.Decimal, decimal.Decimal("1.10")),
        ("3", Annotated[int, "text"], 3),
        ({"any": [1]}, Any, {"any": [1]}),
        ("as it is", complex, "as it is"),
    ],
)
def test_a_value_is_read_as_its_type(value, annotation, expected):
    converted = convert(value, annotation)

    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value", "annotation", "complaint"),
    [
        ("abc", int, 'expected a whole number, got "abc"'),
        (1.5, int, "expected a whole number, got 1.5"),
        (True, int, "expected a whole number, got true"),
        ("abc", float, 'expected a number, got "abc"'),
        (10**400, float, "expected a number"),
        ("maybe", bool, 'expected true or false, got "maybe"'),
        (None, str, "expected text, got null"),
        ({"a": 1}, list[int], 'expected a list, got {"a": 1}'),
        ([1, "x"], list[int], 'item 1: expected a whole number, got "x"'),
        ([1], tuple[int, int], "expected a list of 2, got [1]"),
        ("x", dict[str, int], 'expected an object, got "x"'),
        ({"a": "x"}, dict[str, int], 'a: expected a whole number, got "x"'),
        ("green", Colour, 'expected one of "red", "blue", got "green"'),
        ("x", Literal["a", 3], 'expected one of "a", 3, got "x"'),
        ("x", int | None, 'expected a whole number or null, got "x"'),
        ({"y": 1}, Point, "expected an object with x, y, but x is missing"),
        ({"x": 1, "z": 1}, Point, "expected an object with x, y, got z too"),
        ({"x": "q"}, Point, 'x: expected a whole number, got "q"'),
        (3, Point, "expected an object with x, y, got 3"),
        ({"name": "Ada"}, Person, "age: Field required"),
        ("2024-02-30", dt.date, 'expected a date as text, got "2024-02-30"'),
        ("z" * 1000, int, "…"),
    ],
)
def test_what_cannot_be_read_says_what_was_expected_and_what_came(value, annotation, complaint):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        convert(value, annotation)

    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 300


def forecast(city: str, days: int = 3, *, exact=False, unit: Literal["c", "f"] | None = None): ...


def test_arguments_are_bound_to_a_function():
    assert bind_arguments(read_signature(forecast), {"city": "Rome", "days": "2"}) == {"city": "Rome", "days": 2}
    assert bind_arguments(read_signature(forecast), {"city": "Rome", "exact": "yes", "unit": None}) == {
        "city": "Rome",
        "exact": True,
        "unit": None,
    }


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        bind_arguments(read_signature(forecast), {"cty": "Rome", "days": "soon"})

    assert str(caught.value) == (
        "argument 'city' is missing; unknown argument 'cty'; did you mean 'city'? (it takes city, days, exact, unit); "
        "argument 'days': expected a whole number, got \"soon\""
    )


def test_a_default_is_a_hint_not_a_promise():
    def scale(by=2): ...

    assert bind_arguments(read_signature(scale), {"by": "3"}) == {"by": 3}
    assert bind_arguments(read_signature(scale), {"by": 2.5}) == {"by": 2.5}
    assert bind_arguments(read_signature(scale), {"by": "much"}) == {"by": "much"}


def test_a_function_may_take_anything_else():
    def anything(first: int, **rest: int): ...

    assert bind_arguments(read_signature(anything), {"first": 1, "more": "2"}) == {"first": 1, "more": 2}


def test_none_is_fine_where_it_is_the_default():
    def search(limit: int = None): ...  # noqa: RUF013 - as people write it

    assert bind_arguments(read_signature(search), {"limit": None}) == {"limit": None}


def test_hidden_parameters_cannot_be_filled_in_by_the_model():
    def search(query, key): ...

    with pytest.raises(ValueError, match="unknown argument 'key'"):
        bind_arguments(read_signature(search, hidden=["key"]), {"query": 1, "key": 2})


def test_positional_only_parameters_are_handed_over_by_position():
    def divide(a: int, b: int = 2, /, *, digits: int = 0):
        return round(a / b, digits)

    assert call_with(divide, bind_arguments(read_signature(divide), {"digits": 1, "a": "5"})) == 2.5
