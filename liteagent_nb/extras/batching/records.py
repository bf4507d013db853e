"""Record: what became of one task of a batch, as a row of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias

from liteagent_nb.core.chat import Usage
from liteagent_nb.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from liteagent_nb.core.steps import Run
    from liteagent_nb.extras.batching.tasks import BatchTask

__all__ = ["Record", "Table", "failed_record", "read_record", "record_of", "table_of", "will_be_frame"]

Table: TypeAlias = Any
"""A `pandas.DataFrame`; without pandas a list of mappings, one a row."""


@dataclass(frozen=True, slots=True)
class Record:
    """What became of the task at *index*. A failure is a value: `error` says what, and `ok` is false."""

    index: int
    task: str
    answer: str = ""
    ok: bool = False
    stopped_reason: str = "error"
    error: str | None = None
    model: str = ""
    steps: int = 0
    tool_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = 0.0
    """None where the price is unknown, never 0 for unknown."""
    seconds: float = 0.0
    is_cached: bool = False
    """Whether all answers came out of the cache."""
    is_resumed: bool = False
    """Whether it comes from the checkpoint: it was paid by an earlier start of the batch."""

    @property
    def usage(self) -> Usage:
        """Tokens and money."""
        return Usage(self.prompt_tokens, self.completion_tokens, self.cost_usd)

    def row(self) -> dict[str, object]:
        """Return it as a mapping, without its index."""
        row = asdict(self)
        del row["index"]
        return row


_NAMES = frozenset(field.name for field in fields(Record))


def record_of(run: Run, task: BatchTask) -> Record:
    """Return what *run* came to."""
    usage = run.usage
    return Record(
        index=task.index,
        task=task.text,
        answer=run.final_answer,
        ok=run.stopped_reason == "success",
        stopped_reason=run.stopped_reason,
        error=_told(run),
        model=run.used_model,
        steps=len(run.steps),
        tool_calls=len(run.tool_invocations),
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cost_usd=usage.cost_usd,
        seconds=round(run.ttotal_ms / 1000, 3),
        is_cached=run.is_cached,
    )


def _told(run: Run) -> str | None:
    if run.error is not None:
        return f"{type(run.error).__name__}: {run.error}"
    return None if run.stopped_reason == "success" else run.stop_detail or None


def failed_record(error: BaseException, task: BatchTask) -> Record:
    """Return a task for which nothing was sent, or whose worker was lost."""
    return Record(index=task.index, task=task.text, error=f"{type(error).__name__}: {error}")


def read_record(told: Mapping[str, Any]) -> Record:
    """Return the record that a checkpoint tells. Raises `TypeError` for what is none."""
    known = {name: value for name, value in told.items() if name in _NAMES}
    return Record(**{**known, "index": 0, "is_resumed": True})


def will_be_frame(as_frame: bool | None) -> bool:
    """Whether results come as a DataFrame: where pandas is, unless *as_frame* says it. Raises `ConfigError`."""
    has_pandas = find_spec("pandas") is not None
    if as_frame and not has_pandas:
        hint = 'run `pip install "liteagent_nb[tables]"`, or take a list: as_frame=False'
        raise ConfigError("a DataFrame needs the package pandas", hint=hint)
    return has_pandas if as_frame is None else as_frame


def table_of(records: Sequence[Record], *, as_frame: bool) -> Table:
    """Return *records* in the order of their tasks; of a DataFrame, the index is theirs."""
    ordered = sorted(records, key=lambda record: record.index)
    if not as_frame:
        return [asdict(record) for record in ordered]
    import pandas as pd  # noqa: PLC0415 - a user's own library, and heavy

    columns = [field.name for field in fields(Record) if field.name != "index"]
    index = pd.Index([record.index for record in ordered], dtype="int64")
    return pd.DataFrame([record.row() for record in ordered], index=index, columns=columns)
