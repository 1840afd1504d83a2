"""A collection as Spark reads it: at once, in parts that are read side by side, or what came in as a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSourceReader, DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import SupportsTriggerAvailableNow

from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.engines.spark.types import as_spark, fitting, given_schema, spark_schema
from intempt_nb.errors import TransportError
from intempt_nb.transfer.ranges import ranges_of
from intempt_nb.transfer.scan import PAGE_ROWS, Scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa
    from pyspark.sql.streaming.datasource import ReadLimit
    from pyspark.sql.types import StructType

    from intempt_nb.engines.places import Place
    from intempt_nb.engines.spark.settings import Settings
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.schema.schema import Schema

__all__ = ["BatchReader", "Collected", "StreamReader", "own_schema"]

_MARK = "mark"
_MOST_PARTS = 64


def own_schema(collection: CollectionHandle, columns: tuple[str, ...] | None) -> pa.Schema:
    """Return a collection's columns, all or some, as Spark has them; asks the server.

    Raises
    ------
    DataError
        For a column that the schema does not have.
    """
    return spark_schema(wire_schema(collection.schema, columns))


@dataclass(frozen=True, slots=True)
class Collected:
    """What the workers read; pickled, and so without a key.

    Parameters
    ----------
    place
        The server.
    collection_id, name, schema
        The collection.
    target
        The columns that are read, as Spark has them.
    partitions
        In how many parts at most; None for up to `_MOST_PARTS` of a page or more.
    """

    place: Place
    collection_id: str
    name: str
    schema: Schema
    target: pa.Schema
    partitions: int | None

    @classmethod
    def of(cls, settings: Settings, given: StructType | pa.Schema) -> Collected:
        """Return what is to be read, asking the server what the collection is.

        Raises
        ------
        DataError
            If the columns that are asked for do not fit.
        """
        collection = settings.find()
        target = fitting(own_schema(collection, settings.columns), given_schema(given))
        record = collection.record
        return cls(settings.place, record.id, record.name, collection.schema, target, settings.partitions)

    def parts(self, after: str | None = None, until: str | None = None) -> list[InputPartition]:
        """Return where the parts begin; marks say what is read, None of them that there is no such bound."""
        transport, count = self.place.connect(), self.partitions or _MOST_PARTS
        found = ranges_of(transport, self.collection_id, count, after, until)
        if self.partitions is None and found.total is not None and found.total < count * PAGE_ROWS:
            few = max(1, -(-found.total // PAGE_ROWS))  # a task for a few items costs more than it saves
            found = ranges_of(transport, self.collection_id, few, after, until)
        return [InputPartition(each) for each in found.parts]

    def mark(self, after: str | None = None) -> str:
        """Return the mark behind the newest item.

        Raises
        ------
        TransportError
            If the server has no marks.
        """
        found = ranges_of(self.place.connect(), self.collection_id, 1, after)
        if found.later is None:
            raise TransportError(
                f"{self.place.base_url} does not say which items came in since a reading, so they cannot be read as a "
                "stream; read the whole collection, with spark.read"
            )
        return found.later

    def batches(self, start: str | None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part, in memory that does not grow with it."""
        transport, columns = self.place.connect(), tuple(self.target.names)
        scan = Scan(transport, self.collection_id, self.name, self.schema, columns, start=start)
        for batch in scan.to_batches():
            yield as_spark(batch, self.target)


class BatchReader(DataSourceReader):
    """Reads the items that there are when the reading is planned."""

    def __init__(self, collected: Collected) -> None:
        self.collected = collected

    def partitions(self) -> list[InputPartition]:
        """Return where the parts begin."""
        return self.collected.parts()

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part."""
        return self.collected.batches(partition.value)


class StreamReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Reads what comes in, from the first item on; an offset is the server's mark behind the newest item of a batch.

    Between two marks there are always the same items, so that a batch that is read again after a failure or a restart
    has the same rows. An item that is overwritten keeps its place: it is not read again, but if its batch is, it has
    its new values; one that was deleted is missing then.
    """

    def __init__(self, collected: Collected) -> None:
        self.collected = collected
        self._last: str | None = None

    def initialOffset(self) -> dict[str, str]:  # noqa: N802  (Spark's name, as are the next ones)
        """Return the offset before the first item; says if the server has no marks."""
        self.collected.mark()
        return {_MARK: ""}

    def latestOffset(self, start: dict[str, str], limit: ReadLimit) -> dict[str, str]:  # noqa: N802
        """Return the offset behind the newest item; the limit is that there is none."""
        return {_MARK: self._last or self.collected.mark(start[_MARK] or None)}

    def prepareForTriggerAvailableNow(self) -> None:  # noqa: N802
        """Read no further than there is now."""
        self._last = self.collected.mark()

    def partitions(self, start: dict[str, str], end: dict[str, str]) -> list[InputPartition]:
        """Return where the parts of a batch begin."""
        return [] if start == end else self.collected.parts(start[_MARK] or None, end[_MARK])

    def read(self, partition: InputPartition) -> Iterator[Any]:
        """Yield the rows of a part."""
        return self.collected.batches(partition.value)
