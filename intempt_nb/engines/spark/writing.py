"""Rows that Spark writes into a collection: each partition is uploaded by the task that has it."""

from __future__ import annotations

import secrets
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql.datasource import DataSourceArrowWriter, DataSourceStreamArrowWriter, WriterCommitMessage

from intempt_nb.engines.keys import column_for, keys_of, lot_of
from intempt_nb.engines.outcomes import COUNTS, EngineReport, Outcome, lost, outcome_of
from intempt_nb.engines.partitions import Order
from intempt_nb.engines.spark.telling import tell
from intempt_nb.engines.spark.types import given_schema
from intempt_nb.errors import ConfigurationError, DataError
from intempt_nb.transfer.upload import upload

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyspark.sql.types import StructType

    from intempt_nb.engines.desk import DeskAddress
    from intempt_nb.engines.spark.settings import Settings

__all__ = ["BatchWriter", "StreamWriter", "Writing"]


@dataclass(frozen=True)
class _Message(WriterCommitMessage):
    """What a task answers: the outcome of its partition, and when it began, in seconds since the epoch."""

    outcome: Outcome
    begun: float


@dataclass(frozen=True, slots=True)
class Writing:
    """A write; pickled, and so without a key.

    Parameters
    ----------
    order
        What each task does.
    desk
        The driver's; None if the data source was not registered.
    rejects_fail
        Whether the write fails if rows were rejected.
    """

    order: Order
    desk: DeskAddress | None
    rejects_fail: bool

    @classmethod
    def of(cls, settings: Settings, given: StructType | pa.Schema, *, overwrite: bool) -> Writing:
        """Plan a write, asking the server what the collection is.

        Raises
        ------
        ConfigurationError
            If it is to replace what is there, or rows have no keys that are theirs in any partition.
        DataError
            If the rows lack a column for a required field, or cannot be keyed as the options say.
        """
        if overwrite:
            raise ConfigurationError(
                "a collection is not emptied by a write; use mode('append') (of a stream: outputMode('append')), with "
                "which a row overwrites the item that has its key"
            )
        target = settings.find()._target()
        try:
            lot = lot_of(
                target,
                given_schema(given).empty_table(),
                settings.upload,
                whole_files=False,
                at_least_once=settings.at_least_once,
            )
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error}. In Spark: .option('key', 'content'), .option('key', 'column,column') or "
                ".option('atLeastOnce', 'true')"
            ) from None
        except DataError as error:
            raise replace(error, message=error.message.replace(_MAP, _RENAME)) from None
        order = Order(settings.place, target, settings.upload, settings.pace, lot)
        desk = None if settings.pace is None else settings.pace.desk
        return cls(order, desk, settings.rejects_fail)

    def send(self, batches: Iterator[pa.RecordBatch]) -> _Message:
        """Upload a partition; what ends it before its end is raised, so that Spark runs the task again.

        The rows go to a temporary file first: they are not held in memory, and rejected ones can be had again.
        """
        begun, number = time.time(), 0  # Spark says which partition it is with the messages
        first = next(batches, None)
        if first is None:
            return _Message(Outcome(number, _origin(number), dict.fromkeys(COUNTS, 0), 0.0), begun)
        options, column = self.order.options, None
        if self.order.lot is not None:
            column = column_for(first.schema.names)
            options = replace(options, columns={column: self.order.target.key[0]})
        with tempfile.TemporaryDirectory(prefix="intempt-nb-") as folder:
            path = Path(folder) / "rows.arrows"
            _spool(path, first, batches, column)
            transport, target, pace = self.order.place.connect(), self.order.target, self.order.pace
            report = upload(transport, target, path, options, kept=False, pace=pace)
            return _Message(outcome_of(report, number, _origin(number)), begun)

    def end(self, messages: Sequence[_Message | None]) -> None:
        """Tell what became of the rows; all tasks came to their end.

        Raises
        ------
        DataError
            If rows were rejected, and that is a failure.
        """
        report = self._report(messages)
        tell(self.desk, secrets.token_hex(8), report)
        if self.rejects_fail:
            try:
                report.raise_for_rejects()
            except DataError as error:
                raise replace(error, message=f"{error.message}. {_REJECTED}") from None

    def give_up(self, messages: Sequence[_Message | None]) -> None:
        """Tell what became of the rows, some tasks having failed; what was accepted stays."""
        if not all(messages):  # else all was told before the write failed for its rejects
            tell(self.desk, secrets.token_hex(8), self._report(messages))

    def _report(self, messages: Sequence[_Message | None]) -> EngineReport:
        outcomes = tuple(
            lost("its task failed; Spark says with what", number, _origin(number))
            if each is None
            else replace(each.outcome, number=number, origin=_origin(number))
            for number, each in enumerate(messages)
        )
        now = time.time()
        begun = min((each.begun for each in messages if each is not None), default=now)
        return EngineReport(self.order.target.collection, outcomes, max(now - begun, 0.0))  # clocks may differ


def _origin(number: int) -> str:
    return f"partition {number}"


def _spool(path: Path, first: pa.RecordBatch, others: Iterator[pa.RecordBatch], column: str | None) -> None:
    """Write batches to a file, with keys in a column more if they need some.

    The keys are this attempt's own: Spark may run a task twice at once, with its rows in another order, and of keys by
    place one attempt would overwrite other rows of the other.
    """
    lot, count, batch = secrets.token_hex(16), 0, first
    keyed = batch.schema if column is None else batch.schema.append(pa.field(column, pa.string()))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, keyed) as stream:
        while batch is not None:
            if column is not None:
                batch = batch.append_column(column, keys_of(lot, 0, count, len(batch)))
            stream.write_batch(batch)
            count += len(batch)
            batch = next(others, None)


_MAP = "map them by hand with columns={'column': 'field'}"
_RENAME = "in Spark with df.withColumnRenamed('column', 'field')"
_REJECTED = (
    "The rows that were accepted stay. The report is the last_report of what inb.engines.spark.register returned, or "
    "in the log; with .option('onRejects', 'report') rejects are no failure"
)


class BatchWriter(DataSourceArrowWriter):
    """Writes rows once."""

    def __init__(self, writing: Writing) -> None:
        self.writing = writing

    def write(self, iterator: Iterator[pa.RecordBatch]) -> WriterCommitMessage:
        """Upload a partition."""
        return self.writing.send(iterator)

    def commit(self, messages: Sequence[_Message | None]) -> None:  # type: ignore[override]  # none of others' messages
        """Tell what became of the rows."""
        self.writing.end(messages)

    def abort(self, messages: Sequence[_Message | None]) -> None:  # type: ignore[override]  # as commit
        """Tell what became of the rows that were sent before a task failed."""
        self.writing.give_up(messages)


class StreamWriter(DataSourceStreamArrowWriter):
    """Writes rows batch by batch; a batch that is written again after a failure overwrites itself, by its keys."""

    def __init__(self, writing: Writing) -> None:
        self.writing = writing

    def write(self, iterator: Iterator[pa.RecordBatch]) -> WriterCommitMessage:
        """Upload a partition of a batch."""
        return self.writing.send(iterator)

    def commit(self, messages: Sequence[_Message | None], batchId: int) -> None:  # type: ignore[override]  # noqa: N803  (Spark's name)
        """Tell what became of a batch."""
        self.writing.end(messages)

    def abort(self, messages: Sequence[_Message | None], batchId: int) -> None:  # type: ignore[override]  # noqa: N803  (Spark's name)
        """Tell what became of the rows that were sent before a task failed."""
        self.writing.give_up(messages)
