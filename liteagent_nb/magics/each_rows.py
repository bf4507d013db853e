"""A task for each row of a table: the rows, and the template that they are filled into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from liteagent_nb.core.errors import ConfigError
from liteagent_nb.extras.batching.records import table_of
from liteagent_nb.magics.references import find_name, with_references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liteagent_nb.extras.batching.records import Record

__all__ = ["ITEM", "filled", "find_rows", "joined"]

ITEM = "item"
"""What an element of a list is called, where it has no fields of its own."""
_FIELD = re.compile(r"\{\{|\}\}|\{([^{}\n]*)\}")
_MARK = re.compile("\x00(\\d+)\x00")


def find_rows(named: object, names: Mapping[str, object]) -> tuple[object, list[Mapping[str, object]]]:
    """Return the table that is meant, and its rows as mappings. Raises `ConfigError` for what has no rows."""
    table: Any = find_name(named, names) if isinstance(named, str) else named
    if hasattr(table, "columns") and hasattr(table, "to_dict"):
        columns = [str(column) for column in table.columns]
        return table, [dict(zip(columns, row, strict=True)) for row in table.itertuples(index=False, name=None)]
    if isinstance(table, str | bytes | Mapping) or not isinstance(table, Iterable):
        hint = "name a DataFrame, a list of mappings, or a list"
        raise ConfigError(f"--each: a {type(table).__name__} has no rows", hint=hint)
    return table, [_row(element) for element in table]


def _row(element: object) -> Mapping[str, object]:
    return {str(name): value for name, value in element.items()} if isinstance(element, Mapping) else {ITEM: element}


def filled(template: str, rows: Sequence[Mapping[str, object]], names: Mapping[str, object]) -> list[str]:
    """Return *template* for each of *rows*: its `{column}` says what that row has there; `{{` and `}}` are braces.

    `` $`x` `` tells what the variable x is, in the template alone: what comes out of a row is never read. Raises
    `ConfigError` for a column that a row does not have, and for a template without any.
    """
    fields: list[str] = []

    def mark(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        fields.append(found[1].strip())
        return f"\x00{len(fields) - 1}\x00"

    marked = _FIELD.sub(mark, template.replace("\x00", ""))
    _check(fields, rows)
    told = with_references(marked, names)
    return [_with_row(told, fields, row) for row in rows]


def _with_row(told: str, fields: Sequence[str], row: Mapping[str, object]) -> str:
    return _MARK.sub(lambda found: str(row[fields[int(found[1])]]), told)


def _check(fields: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    known = list(rows[0]) if rows else []
    if not fields:
        offered = ", ".join(f"{{{name}}}" for name in known[:5]) or "{column}"
        raise ConfigError("the task is the same for each row", hint=f"write what a row has into it: {offered}")
    for number, row in enumerate(rows):
        for field in fields:
            if field not in row:
                hint = f"{_offer(field, list(row))}; braces themselves are written {{{{ and }}}}"
                raise ConfigError(f"row {number} has no {{{field}}}", hint=hint)


def _offer(field: str, known: list[str]) -> str:
    found = get_close_matches(field, known, n=3)
    return f"did you mean {' or '.join(found)}?" if found else f"it has {', '.join(known)}"


def joined(table: Any, records: Sequence[Record], *, as_frame: bool) -> Any:
    """Return *table* with what became of its rows beside them: of a DataFrame, with its own index.

    A column of the results that the table has already is called `run_…` then.
    """
    results = table_of(records, as_frame=as_frame)
    if not as_frame or not hasattr(table, "iloc") or not hasattr(table, "columns"):
        return results
    import pandas as pd  # noqa: PLC0415 - a user's own library, and heavy

    own = table.iloc[results.index]
    results = results.drop(columns="task").set_axis(own.index)
    taken = {name: f"run_{name}" for name in results.columns if name in set(own.columns)}
    return pd.concat([own, results.rename(columns=taken)], axis=1)
