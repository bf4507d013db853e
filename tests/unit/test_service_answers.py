"""What the services' answers promise without a server: JSON that every reader takes, and a schema that is true."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from liteagent_nb import environment
from liteagent_nb.core import errors
from liteagent_nb.core.execution import ExecResult
from liteagent_nb.kernels.http_wire import error_of, read_result
from liteagent_nb.kernels.protocol import ContextStatus, LanguageStatus
from liteagent_nb.services.answers import house_error_answer, json_bytes
from liteagent_nb.services.exec_schema import schemas
from liteagent_nb.services.exec_wire import as_json
from liteagent_nb.services.json_pieces import json_pieces


def test_what_json_does_not_know_becomes_null():
    content = {"a": [float("nan"), {"b": float("inf")}, 1.5], "c": (float("-inf"),)}

    assert json.loads(json_bytes(content)) == {"a": [None, {"b": None}, 1.5], "c": [None]}


def test_half_a_character_of_a_kernel_does_not_break_the_answer():
    assert json.loads(json_bytes({"stdout": "\ud800"})) == {"stdout": "\ud800"}


@pytest.mark.parametrize(
    ("name", "kind"), [("ExecResult", ExecResult), ("Context", ContextStatus), ("Language", LanguageStatus)]
)
def test_the_schema_names_every_field(name, kind):
    schema = schemas([])[name]
    names = [field.name for field in fields(kind)]

    assert list(schema["properties"]) == names
    assert schema["required"] == names


def test_a_result_is_the_same_after_the_way_over_http():
    result = ExecResult(
        ok=False,
        rc=1,
        stdout="ä\n",
        error="ValueError: no",
        t_ms=1.5,
        status="error",
        outputs=({"output_type": "stream", "name": "stdout", "text": "ä\n"},),
        exception={"ename": "ValueError", "evalue": "no", "traceback": ["…"]},
        execution_count=3,
        context="plot",
    )

    assert read_result(json.loads(json_bytes(as_json(result)))) == result


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (errors.ConfigError, 400),
        (errors.UnknownContext, 404),
        (errors.ExecBusy, 429),
        (errors.ExecError, 503),
        (errors.DeadKernel, 503),
        (errors.ExecTimeout, 504),
    ],
)
def test_an_error_is_the_same_after_the_way_over_http(kind, status):
    answer = house_error_answer(kind("what is wrong", hint="what to do"))
    again = error_of(answer.status_code, answer.body, answer.headers.get("retry-after", ""))

    assert answer.status_code == status
    assert (type(again), str(again), again.hint) == (kind, "what is wrong", "what to do")


def test_the_services_own_key_is_hidden_but_is_no_models(monkeypatch):
    monkeypatch.setenv("MINI_AGENT_API_KEY", "of-the-services")

    assert "MINI_AGENT_API_KEY" not in environment.key_names()
    assert "of-the-services" in environment.key_values()
    assert "of-the-services" not in str(environment.child_environment())


@pytest.mark.parametrize(
    "content",
    [
        {"a": "x" * 200_000, "b": [1, 2.5, None, True], "c": {}, "d": [], "e": {"f": ["ü€🎈" * 50_000, float("nan")]}},
        {"only": '"\\\n' * 100_000},
        {},
    ],
)
def test_an_answer_in_pieces_is_the_same_json(content):
    pieces = list(json_pieces(content))

    assert json.loads(b"".join(pieces)) == json.loads(json_bytes(content))
    assert max(map(len, pieces)) < 1_000_000
