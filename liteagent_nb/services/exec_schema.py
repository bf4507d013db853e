"""The JSON schemas of the exec service's bodies and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from liteagent_nb.core.execution import ExecStatus
from liteagent_nb.kernels.protocol import ContextState
from liteagent_nb.services.exec_wire import CONTEXT_NAME, MAX_TIMEOUT_S
from liteagent_nb.services.schema_words import COUNT, FLAG, SECONDS, TEXT, closed, every, maybe, ref, with_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.kernels.protocol import LanguageStatus

__all__ = ["EVENTS", "schemas"]

_NAME: dict[str, Any] = {"type": "string", "pattern": f"^({CONTEXT_NAME})?$"}
_TIME_LIMIT: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_S, "default": 10.0}
_EXCEPTION: dict[str, Any] = {
    "type": ["object", "null"],
    "required": ["ename", "evalue", "traceback"],
    "properties": {"ename": TEXT, "evalue": TEXT, "traceback": {"type": "array", "items": TEXT}},
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


def schemas(languages: Sequence[LanguageStatus]) -> dict[str, dict[str, object]]:
    """Return the components by name; *languages* are what `language` may be."""
    return {
        "ExecRequest": closed(
            with_fields(
                "code",
                code={"type": "string", "description": "The code to run"},
                language=_language(languages),
                timeout_sec=_TIME_LIMIT,
                context={**_NAME, "default": "", "description": "Run it there and keep its state; fresh where empty"},
            )
        ),
        "ContextRequest": closed(
            with_fields(
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
    "ExecResult": every(
        ok=FLAG,
        rc={"type": "integer", "description": "0, 1 raised, -1 time limit, -2 missing program, 128 + n signal n"},
        stdout=TEXT,
        stderr=TEXT,
        error={**maybe("string"), "description": "What went wrong, in one line"},
        t_ms=SECONDS,
        truncated={**FLAG, "description": "Whether output was cut"},
        status={"enum": list(get_args(ExecStatus))},
        result={**maybe("string"), "description": "The text of the last expression's value"},
        outputs={"type": "array", "items": {"type": "object"}, "description": "Outputs as in nbformat 4"},
        exception=_EXCEPTION,
        execution_count=maybe("integer"),
        context=TEXT,
        state_lost={**FLAG, "description": "Whether the context's variables are gone"},
    ),
    "Context": every(
        id=TEXT,
        language=TEXT,
        state={"enum": list(get_args(ContextState))},
        pid=maybe("integer"),
        created_at=TEXT,
        executions=COUNT,
        queued=COUNT,
        idle_s=SECONDS,
    ),
    "Contexts": every(contexts={"type": "array", "items": ref("Context")}),
    "Language": every(
        name=TEXT,
        is_installed=FLAG,
        version=TEXT,
        keeps_state={**FLAG, "description": "Whether its contexts keep their variables"},
        aliases={"type": "array", "items": TEXT},
    ),
    "Languages": every(languages={"type": "array", "items": ref("Language")}),
    "Health": every(
        ok={"const": True},
        service=TEXT,
        versions={"type": "object", "additionalProperties": TEXT},
        abilities={"type": "array", "items": TEXT},
    ),
    "Ready": every(ok={"const": True}, t_ms=SECONDS),
    "Done": every(ok={"const": True}),
}
