"""The JSON schemas of the exec service's bodies and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from liteagent_nb.core.execution import ExecStatus
from liteagent_nb.kernels.protocol import ContextState
from liteagent_nb.services.wire import CONTEXT_NAME, MAX_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.kernels.protocol import LanguageStatus

__all__ = ["EVENTS", "ref", "schemas"]

_TEXT: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_SECONDS: dict[str, Any] = {"type": "number", "minimum": 0}
_NAME: dict[str, Any] = {"type": "string", "pattern": f"^({CONTEXT_NAME})?$"}
_TIME_LIMIT: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_S, "default": 10.0}
_EXCEPTION: dict[str, Any] = {
    "type": ["object", "null"],
    "required": ["ename", "evalue", "traceback"],
    "properties": {"ename": _TEXT, "evalue": _TEXT, "traceback": {"type": "array", "items": _TEXT}},
}


EVENTS: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["output", "dropped", "result", "error"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
"""The events of a stream; their data is an output, `{"count": n}`, an ExecResult, or an Error."""


def ref(name: str) -> dict[str, str]:
    """Return a reference to the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def _maybe(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


def _object(required: str, /, **properties: object) -> dict[str, object]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _every(**properties: object) -> dict[str, object]:
    return _object(" ".join(properties), **properties)


def _closed(schema: dict[str, object]) -> dict[str, object]:
    return {**schema, "additionalProperties": False}


def schemas(languages: Sequence[LanguageStatus]) -> dict[str, dict[str, object]]:
    """Return the components by name; *languages* are what `language` may be."""
    return {
        "ExecRequest": _closed(
            _object(
                "code",
                code={"type": "string", "description": "The code to run"},
                language=_language(languages),
                timeout_sec=_TIME_LIMIT,
                context={**_NAME, "default": "", "description": "Run it there and keep its state; fresh where empty"},
            )
        ),
        "ContextRequest": _closed(
            _object(
                "",
                language=_language([language for language in languages if language.keeps_state]),
                name={**_NAME, "default": ""},
            )
        ),
        **_ANSWERS,
    }


def _language(languages: Sequence[LanguageStatus]) -> dict[str, object]:
    names = sorted({name for language in languages for name in (language.name, *language.aliases)})
    return {"type": "string", "default": "python", "enum": names} if names else {"type": "string"}


_ANSWERS: dict[str, dict[str, object]] = {
    "ExecResult": _every(
        ok=_FLAG,
        rc={"type": "integer", "description": "0, 1 raised, -1 time limit, -2 missing program, 128 + n signal n"},
        stdout=_TEXT,
        stderr=_TEXT,
        error={**_maybe("string"), "description": "What went wrong, in one line"},
        t_ms=_SECONDS,
        truncated={**_FLAG, "description": "Whether output was cut"},
        status={"enum": list(get_args(ExecStatus))},
        result={**_maybe("string"), "description": "The text of the last expression's value"},
        outputs={"type": "array", "items": {"type": "object"}, "description": "Outputs as in nbformat 4"},
        exception=_EXCEPTION,
        execution_count=_maybe("integer"),
        context=_TEXT,
        state_lost={**_FLAG, "description": "Whether the context's variables are gone"},
    ),
    "Context": _every(
        id=_TEXT,
        language=_TEXT,
        state={"enum": list(get_args(ContextState))},
        pid=_maybe("integer"),
        created_at=_TEXT,
        executions=_COUNT,
        queued=_COUNT,
        idle_s=_SECONDS,
    ),
    "Contexts": _every(contexts={"type": "array", "items": ref("Context")}),
    "Language": _every(
        name=_TEXT,
        is_installed=_FLAG,
        version=_TEXT,
        keeps_state={**_FLAG, "description": "Whether its contexts keep their variables"},
        aliases={"type": "array", "items": _TEXT},
    ),
    "Languages": _every(languages={"type": "array", "items": ref("Language")}),
    "Health": _every(
        ok={"const": True},
        service=_TEXT,
        versions={"type": "object", "additionalProperties": _TEXT},
        abilities={"type": "array", "items": _TEXT},
    ),
    "Ready": _every(ok={"const": True}, t_ms=_SECONDS),
    "Done": _every(ok={"const": True}),
}
