"""The words of the services' JSON schemas: what every one of them says in the same way."""

from __future__ import annotations

from typing import Any

__all__ = ["COUNT", "FLAG", "SECONDS", "TEXT", "closed", "every", "maybe", "ref", "with_fields"]

TEXT: dict[str, Any] = {"type": "string"}
FLAG: dict[str, Any] = {"type": "boolean"}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
SECONDS: dict[str, Any] = {"type": "number", "minimum": 0}


def ref(name: str) -> dict[str, str]:
    """Return a reference to the schema *name*."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(kind: str) -> dict[str, Any]:
    """Return the schema of a *kind* that may be null."""
    return {"type": [kind, "null"]}


def with_fields(required: str, /, **properties: object) -> dict[str, object]:
    """Return the schema of an object; *required* are the names that it always has, with spaces between."""
    return {"type": "object", "required": required.split(), "properties": properties}


def every(**properties: object) -> dict[str, object]:
    """Return the schema of an object that has all of *properties*."""
    return with_fields(" ".join(properties), **properties)


def closed(schema: dict[str, object]) -> dict[str, object]:
    """Return *schema* for an object that has nothing else."""
    return {**schema, "additionalProperties": False}
