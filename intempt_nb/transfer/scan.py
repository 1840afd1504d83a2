"""A collection's items, read page by page: one scan, many sinks.

Nothing is requested until a sink is called, and pages are asked for only as they are needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from intempt_nb.api import endpoints
from intempt_nb.codecs.sinks import Sinks
from intempt_nb.codecs.wire.pages import read_page
from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.display import shorten
from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from intempt_nb.api.transport import Transport
    from intempt_nb.schema.schema import Schema

__all__ = ["Scan"]

PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class Scan(Sinks):
    """The items of a collection, or some columns or the first rows of them; not yet requested.

    Takes part in Arrow's PyCapsule protocol, so that ``polars.DataFrame(scan)`` and DuckDB read it directly.

    Parameters
    ----------
    transport
        The connection.
    collection_id, name
        The collection.
    schema
        The collection's schema, which decides the types.
    columns
        The columns to read, in this order; None for all.
    limit
        How many rows at most; None for all.
    """

    transport: Transport
    collection_id: str
    name: str
    schema: Schema
    columns: tuple[str, ...] | None = None
    limit: int | None = None

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the rows."""
        return wire_schema(self.schema, self.columns)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as record batches, requesting a page at a time.

        Raises
        ------
        DataError
            If a value on the server is none of its column's type; names the item and the field.
        ApiError, TransportError
            If a page cannot be had.
        """
        left, href, seen = self.limit, None, set[str]()
        while left is None or left > 0:
            # Pages are as large as the server likes; asking is only worth it for fewer rows than a page would have.
            few = left if left is not None and left < PAGE_ROWS else None
            body = endpoints.data_page(self.transport, self.collection_id, next_href=href, limit=few)
            page = read_page(body, self.schema, self.columns)
            table = page.table if left is None else page.table.slice(0, left)
            yield from table.to_batches()
            left = None if left is None else left - len(table)
            href = page.next
            if href is None:
                return
            if href in seen:
                raise TransportError(f"the pages of {self.name!r} go round in a circle: {shorten(href)!r} came twice")
            seen.add(href)

    def __repr__(self) -> str:
        columns = "all columns" if self.columns is None else f"columns {', '.join(self.columns)}"
        rows = "all rows" if self.limit is None else f"at most {self.limit:,} rows"
        return f"Scan of {self.name!r}: {columns}, {rows}; nothing is requested before to_pandas() or another sink"
