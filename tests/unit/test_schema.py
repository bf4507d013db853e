"""Any plain function becomes a tool."""

import dataclasses
import datetime as dt
import enum
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, NotRequired, Optional, TypedDict, Union

import numpy as np
import pydantic
import pytest

from liteagent_nb.core.docstrings import read_docstring
from liteagent_nb.core.errors import ConfigError
from liteagent_nb.core.schema import schema_of, tool_from_function


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Shape(enum.Enum):
    ROUND = (1, 1)
    SQUARE = (1, 2)


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass
class Node:
    name: str
    children: "list[Node]" = dataclasses.field(default_factory=list)


class City(TypedDict):
    name: str
    people: NotRequired[int]


class Address(pydantic.BaseModel):
    street: str = pydantic.Field(description="with the number")


class Person(pydantic.BaseModel):
    name: str
    home: Address
    friend: "Person | None" = None


UserId = NewType("UserId", int)


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (object, {}),
        (UserId, {"type": "integer"}),
        (Path, {"type": "string", "format": "path"}),
        (dt.datetime, {"type": "string", "format": "date-time"}),
        (dt.date, {"type": "string", "format": "date"}),
        (list, {"type": "array", "items": {}}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[list[str]], {"type": "array", "items": {"type": "array", "items": {"type": "string"}}}),
        (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, int], {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
        (
            tuple[int, str],
            {
                "type": "array",
                "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (dict, {"type": "object", "additionalProperties": True}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Colour, {"type": "string", "enum": ["red", "blue"]}),
        (Shape, {"type": "string", "enum": ["ROUND", "SQUARE"]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP045 - as older code writes it
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Union[int, None], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),  # noqa: UP007
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (Annotated[int, pydantic.Field(description="how many")], {"type": "integer", "description": "how many"}),
        (
            Point,
            {
                "type": "object",
                "properties": {"x": {"type": "integer"}, "y": {"type": "number"}},
                "additionalProperties": False,
                "required": ["x"],
            },
        ),
        (
            City,
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "people": {"type": "integer"}},
                "additionalProperties": False,
                "required": ["name"],
            },
        ),
    ],
)
def test_a_type_has_its_schema(annotation, schema):
    assert schema_of(annotation) == schema


def test_a_type_that_contains_itself_is_referred_to():
    schema = schema_of(list[Node])

    assert schema["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_every_reference_into_a_pydantic_model_leads_somewhere():
    def greet(person: Person, other: Address): ...

    parameters = tool_from_function(greet).parameters

    references = [part.split('"')[0] for part in str(parameters).replace("'", '"').split("#/$defs/")[1:]]
    assert references
    assert set(references) <= set(parameters["$defs"])
    assert parameters["properties"]["other"]["properties"]["street"]["description"] == "with the number"


def test_a_function_becomes_a_tool():
    def weather(city: str, days: int = 3, unit: Literal["c", "f"] = "c") -> str:
        """Tell the weather.

        It is always good.
        """

    tool = tool_from_function(weather)

    assert tool.name == "weather"
    assert tool.description == "Tell the weather.\n\nIt is always good."
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "default": 3},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_a_function_that_says_nothing_is_not_refused():
    def mystery(a, b=2, c="x", *rest, d=None, **more): ...

    parameters = tool_from_function(mystery).parameters

    assert parameters["properties"] == {
        "a": {},
        "b": {"type": "integer", "default": 2},
        "c": {"type": "string", "default": "x"},
        "d": {},
    }
    assert parameters["required"] == ["a"]
    assert parameters["additionalProperties"] is True


def test_what_is_none_by_default_need_not_be_nullable():
    def search(limit: int | None = None): ...

    assert tool_from_function(search).parameters["properties"] == {"limit": {"type": "integer"}}


def test_annotations_that_cannot_be_resolved_break_nothing():
    def puzzle(a: "NoSuchType", b: "int", c: "list[NoSuchType]"): ...  # noqa: F821

    properties = tool_from_function(puzzle).parameters["properties"]

    assert properties == {"a": {}, "b": {"type": "integer"}, "c": {}}


def test_a_type_that_json_does_not_know_may_be_anything():
    class Frame:
        def __len__(self): ...
        def __iter__(self): ...
        def __contains__(self, _): ...

    assert schema_of(Frame) == {}
    assert schema_of([1, 2]) == {}
    assert schema_of(np.arange(3)) == {}
    assert schema_of("text") == {}


class Counter:
    """A counter."""

    def add(self, by: int):
        """Add to it."""

    def __call__(self, to: "int"):
        """Count up to a number."""


def test_methods_objects_partials_and_builtins_become_tools():
    method = tool_from_function(Counter().add)
    instance = tool_from_function(Counter())
    partial = tool_from_function(functools.partial(Counter().add))
    builtin = tool_from_function(abs)

    assert (method.name, list(method.parameters["properties"])) == ("add", ["by"])
    assert (instance.name, instance.description) == ("Counter", "Count up to a number.")
    assert instance.parameters["properties"] == {"to": {"type": "integer"}}
    assert (partial.name, partial.description) == ("add", "Add to it.")
    assert (builtin.name, builtin.parameters["properties"]) == ("abs", {"x": {}})
    assert tool_from_function(dict).parameters["additionalProperties"] is True


def test_a_wrapped_function_shows_what_it_wraps():
    def plain(n: "Point"):
        """Do it."""

    @functools.wraps(plain)
    def wrapper(*args, **kwargs): ...

    assert tool_from_function(wrapper).parameters["required"] == ["n"]


def test_a_lambda_needs_a_name():
    with pytest.raises(ConfigError, match="lambda") as caught:
        tool_from_function(lambda x: x)

    assert "Toolbox" in caught.value.hint
    assert tool_from_function(lambda x: x, name="same").name == "same"


def test_a_name_that_providers_refuse_is_made_one_they_take():
    def größe(): ...  # noqa: PLC2401 - that is the point

    assert tool_from_function(größe).name == "gr__e"
    assert tool_from_function(print, name="my.tool " + "x" * 80).name == "my_tool_" + "x" * 56


def test_hints_ride_on_the_function():
    def lookup(q): ...

    lookup.__x_liteagent__ = {"topic": "library", "run_alone": True, "timeout_s": 3}

    tool = tool_from_function(lookup)

    assert tool.hints == {"topic": "library"}
    assert tool.run_alone
    assert tool.timeout_s == 3.0


def test_hidden_parameters_are_not_the_models_business():
    def search(query: str, key): ...

    assert list(tool_from_function(search, hidden=["key"]).parameters["properties"]) == ["query"]


def test_comments_beside_parameters_describe_them():
    def area(
        width: float,  # in metres
        height: float = 2.0,  # in metres too
        *,
        unit: str = "m#2",  # how to print it
    ):  # not a parameter
        """Return the area."""
        # nor this

    said = {name: p.get("description") for name, p in tool_from_function(area).parameters["properties"].items()}

    assert said == {"width": "in metres", "height": "in metres too", "unit": "how to print it"}


GOOGLE = """Search the web.

    Slowly.

    Args:
        query (str): what to look for,
            in plain words: not a formula
        *limit: how many
        kind (Callable[[int], str], optional): which

    Returns:
        query: not this one
    """
NUMPY = """Search the web.

    Slowly.

    Parameters
    ----------
    query : str
        what to look for,
        in plain words: not a formula
    limit, kind : int, optional
        how many

    Returns
    -------
    query : str
        not this one
    """
SPHINX = """Search the web.

    Slowly.

    :param str query: what to look for,
        in plain words: not a formula
    :param limit: how many
    :type limit: int
    :arg kind: which
    :returns: not this one
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_docstrings_of_all_styles_are_read(text):
    said = read_docstring(text)

    assert said.prose == "Search the web.\n\nSlowly."
    assert said.parameters["query"] == "what to look for, in plain words: not a formula"
    assert said.parameters["limit"] == "how many"
    assert set(said.parameters) == {"query", "limit", "kind"}


@pytest.mark.parametrize("text", [None, "", "One line.", "Args:", "Parameters\n----------", ":param", "Args:\n\n\n  x"])
def test_docstrings_that_say_little_are_read_too(text):
    assert read_docstring(text).parameters == {}
