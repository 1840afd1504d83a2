"""A collection as a dask DataFrame, whose partitions are read when, and each time, they are computed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import ceil
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import pyarrow as pa

from intempt_nb.engines.places import Place
from intempt_nb.errors import ConfigurationError
from intempt_nb.extras import require
from intempt_nb.schema.mapping.frames import to_frame
from intempt_nb.schema.mapping.pandas import pandas_dtypes
from intempt_nb.schema.model import Enum, without_null
from intempt_nb.transfer.ranges import MOST_PARTS, ranges_of
from intempt_nb.transfer.scan import Scan, read_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.handles import CollectionHandle
    from intempt_nb.schema.mapping.pandas import DtypeBackend
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.ranges import Ranges

__all__ = ["load"]

PARTITION_ROWS: Final = 100_000
FEWEST: Final = 4
"""Partitions that a collection is divided into if nobody says how many."""

UNCOUNTED: Final = 100
"""As many where the server does not say how many items there are: those behind the end request nothing."""


def load(
    collection: CollectionHandle,
    columns: Sequence[str] | None = None,
    *,
    partitions: int | None = None,
    dtype_backend: DtypeBackend = "pyarrow",
    item_ids: str | None = None,
) -> Any:
    """Return a collection as a dask DataFrame.

    Nothing is read but where its parts begin. Each computation reads them anew, and of them only the columns it needs
    (``len(frame)`` needs all of them; ``collection.count()`` reads none). ``frame.persist()`` keeps what was read on
    the workers.

    The documented API has no parts, only pages that lead to the next one. There the partitions are read one after the
    other, on whatever worker, and with all columns that are asked for here: name `columns`. Where it does not say how
    many items there are either, partitions take 100,000 rows each, and the last one all that are left: for more than
    ten million, say with `partitions` how many it takes, or the last one may not fit into memory. Those that are too
    many are empty.

    Workers on this machine that have no key of their own take the one that ``inb.engines.lend_key(client)`` lends them.

    Parameters
    ----------
    collection
        What to read.
    columns
        As ``collection.load`` has them.
    partitions
        How many parts at most, and never more than 1,000; None for about 100,000 rows each, and at least four.
    dtype_backend, item_ids
        As ``collection.load`` has them.

    Returns
    -------
    dask.dataframe.DataFrame
        Dtypes as ``collection.load`` has them, the same in each partition: with ``dtype_backend=None`` those of columns
        with gaps wherever the schema allows gaps. The divisions are unknown; each partition numbers its rows from 0.
        Items that come in after this call are in none of the parts, but in the last one of a server without parts.

    Raises
    ------
    DataError
        For a column that the schema does not have, or a type that the dtype backend does not take.
    ConfigurationError
        If `partitions` is no number of parts, or dask is not installed.
    ApiError, TransportError
        If the server cannot be used; each partition raises it too, when it is read.
    """
    config = require("dask.config", "dask")
    if partitions is not None and (not isinstance(partitions, int) or isinstance(partitions, bool) or partitions < 1):
        raise ConfigurationError(f"partitions is {partitions!r}; expected how many parts at most, from 1 up, or None")
    scan = collection.scan(columns, item_ids=item_ids)
    part = _Part(Place.of(collection._transport), scan.collection_id, scan.name, scan.schema, item_ids, dtype_backend)
    names = scan.arrow_schema.names
    ranges, count = _divide(collection, partitions)
    meta = part.frame(scan.arrow_schema.empty_table())
    # Otherwise dask would make text of columns whose dtype is object, which hold dates, decimals and lists.
    with config.set({"dataframe.convert-string": False}):
        if ranges.parts != (None,):
            return _side_by_side(part, ranges.parts, names, meta)
        rows = PARTITION_ROWS if ranges.total is None else max(1, ceil(ranges.total / count))
        return _one_by_one(part, names, meta, count, rows)


def _divide(collection: CollectionHandle, partitions: int | None) -> tuple[Ranges, int]:
    """Return where parts begin, and how many there should be."""
    transport, collection_id = collection._transport, collection.record.id
    count = min(partitions or FEWEST, MOST_PARTS)
    ranges = ranges_of(transport, collection_id, count)
    if partitions is not None:
        return ranges, count
    if ranges.total is None:
        return ranges, UNCOUNTED
    count = min(max(FEWEST, ceil(ranges.total / PARTITION_ROWS)), MOST_PARTS)
    return (ranges_of(transport, collection_id, count) if count > FEWEST else ranges), count


@dataclass(frozen=True, slots=True)
class _Part:
    """Reads parts of a collection; pickled into tasks.

    Parameters
    ----------
    place, collection_id, name, schema
        The collection.
    item_ids
        The name of the column for the items' ids; None for none.
    dtype_backend
        What pandas keeps the columns in.
    call
        Tells it from other readings, of what may be there another time.
    """

    place: Place
    collection_id: str
    name: str
    schema: Schema
    item_ids: str | None
    dtype_backend: DtypeBackend
    call: str = field(default_factory=token_hex)

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "intempt-load", self.call

    def __call__(self, start: str, columns: list[str]) -> pd.DataFrame:
        """Return a part, or some columns of it."""
        return self.frame(self._scan(start, columns).to_arrow().select(columns))

    def _scan(self, start: str | None, columns: Sequence[str]) -> Scan:
        named = tuple(each for each in columns if each != self.item_ids)
        ids = self.item_ids if self.item_ids in columns else None
        return Scan(self.place.connect(), self.collection_id, self.name, self.schema, named, item_ids=ids, start=start)

    def frame(self, table: pa.Table) -> pd.DataFrame:
        """Return rows in dtypes that depend on the schema only, not on whether there happen to be gaps."""
        frame = to_frame(table, self.dtype_backend)
        if self.dtype_backend == "pyarrow":
            return frame
        wanted = pandas_dtypes(table.schema, self.dtype_backend)
        for name, kind in zip(table.schema.names, table.schema.types, strict=True):
            if pa.types.is_dictionary(kind):  # without rows it says nothing of the symbols
                avro_type = without_null(self.schema[name].type)
                assert isinstance(avro_type, Enum)  # noqa: S101  (shown to mypy)
                wanted[name] = pd.CategoricalDtype(pd.Index(avro_type.symbols, dtype="str"))
        changed = {name: dtype for name, dtype in wanted.items() if frame[name].dtype != dtype}
        return frame.astype(changed) if changed else frame

    def read_on(self, before: _End | None, columns: list[str], rows: int | None) -> _Read:
        """Return at least so many rows behind those read before, as whole pages; with None, all."""
        following, ended = (None, False) if before is None else (before.following, before.following is None)
        seen = set[str]() if before is None else set(before.seen)
        scan, tables, held = self._scan(None, columns), list[pa.Table](), 0
        while not ended and (rows is None or held < rows):
            table, following = read_page(replace(scan, start=following), seen)
            tables.append(table)
            held, ended = held + len(table), following is None
            seen.update([] if following is None else [following])
        joined = pa.concat_tables([scan.arrow_schema.empty_table(), *tables])
        return _Read(self.frame(joined.select(columns)), _End(following, frozenset(seen)))


@dataclass(frozen=True, slots=True)
class _End:
    """The address of the page behind some rows, None behind the last, and all addresses that have come by then."""

    following: str | None
    seen: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Read:
    """Rows, and where they end."""

    rows: pd.DataFrame
    end: _End


def _side_by_side(part: _Part, starts: Sequence[str | None], names: list[str], meta: pd.DataFrame) -> Any:
    """Return partitions that know where they begin; columns that nobody needs are not read."""
    from dask.dataframe import from_map

    return from_map(part, list(starts), columns=names, meta=meta, label="intempt-load")


def _one_by_one(part: _Part, names: list[str], meta: pd.DataFrame, count: int, rows: int) -> Any:
    """Return partitions of which each knows only where the next one begins; the last one goes to the end."""
    from dask._task_spec import Task, TaskRef
    from dask.dataframe import from_graph

    graph, before = dict[Any, Any](), None
    keys = [(f"intempt-load-{part.call}", number) for number in range(count)]
    for number, key in enumerate(keys):
        read, end = (f"intempt-page-{part.call}", number), (f"intempt-end-{part.call}", number)
        graph[read] = Task(read, part.read_on, before, names, rows if number < count - 1 else None)
        graph[key] = Task(key, _rows, TaskRef(read))
        graph[end] = Task(end, _end, TaskRef(read))  # by itself: rows need not travel to whoever reads on
        before = TaskRef(end)
    return from_graph(graph, meta, (None,) * (count + 1), keys, "intempt-load")


def _rows(read: _Read) -> pd.DataFrame:
    return read.rows


def _end(read: _Read) -> _End:
    return read.end
