"""A collection's items, read page by page: one scan, many sinks.

Nothing is requested until a sink is called. A page is cut into pieces while it arrives and the pieces are parsed on
threads, so that downloading and parsing go on at the same time and memory does not grow with the page.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from intempt_nb.api import endpoints
from intempt_nb.codecs.ahead import result_of
from intempt_nb.codecs.sinks import Sinks
from intempt_nb.codecs.wire.envelope import NotItems, PageEnd, cut_page, decode_page
from intempt_nb.codecs.wire.pages import plan_reading, read_pieces
from intempt_nb.display import shorten
from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Generator, Iterator
    from concurrent.futures import Future

    from intempt_nb.api.transport import Transport
    from intempt_nb.codecs.wire.envelope import Piece, Whole
    from intempt_nb.codecs.wire.pages import ReadPlan
    from intempt_nb.schema.schema import Schema

__all__ = ["Scan", "read_page"]

PAGE_ROWS = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class Scan(Sinks):
    """The items of a collection, or some columns or the first rows of them; not yet requested.

    Takes part in Arrow's PyCapsule protocol, so that ``polars.DataFrame(scan)`` and DuckDB read it directly. polars has
    no type for decimals of more than 38 digits and for Avro's duration, and fails: leave such columns out. DuckDB reads
    all rows again for each query: :meth:`intempt_nb.Client.duckdb` copies them once.

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
    item_ids
        The name of a column for the items' ids, which the server gave them; None for none.
    start
        The address of the page to begin with, one of :func:`intempt_nb.transfer.ranges.ranges_of`; None for the first.

    Raises
    ------
    DataError
        For columns that the schema does not have, or that there would be twice.
    """

    transport: Transport
    collection_id: str
    name: str
    schema: Schema
    columns: tuple[str, ...] | None = None
    limit: int | None = None
    item_ids: str | None = None
    start: str | None = None

    def __post_init__(self) -> None:
        plan_reading(self.schema, self.columns, self.item_ids)  # says now what is wrong with the columns

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the rows."""
        return self._plan.target

    @property
    def _plan(self) -> ReadPlan:
        return plan_reading(self.schema, self.columns, self.item_ids)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as record batches: parts of pages, in order, in memory that does not grow with them.

        Some MiB are requested ahead; with a limit not beyond a page, so that no page is requested in vain.

        Raises
        ------
        DataError
            If a value on the server is none of its column's type; names the item and the field.
        ApiError, TransportError
            If a page cannot be had.
        """
        left = self.limit
        batches = self._batches() if left is None or left > 0 else ()
        for batch in batches:
            if left is None:
                yield batch
            else:
                yield batch.slice(0, left)
                left -= min(left, len(batch))
                if not left:
                    return

    def _batches(self) -> Iterator[pa.RecordBatch]:
        """Yield what the pages hold; a page that cannot be cut is requested again, to be decoded as a whole."""
        plan, href = self._plan, self.start
        seen = set[str]() if href is None else {href}
        whole, given, before = False, 0, 0  # rows of this page that were handed out; and before it was requested again
        while True:
            try:
                with closing(self._requested(href, whole)) as pieces:
                    for each in read_pieces(pieces, plan):
                        if isinstance(each, PageEnd):
                            if each.next is None:
                                return
                            href, whole, given, before = each.next, False, 0, 0
                            _refuse_circle(href, seen, self.name)
                            seen.add(href)
                            continue
                        given += len(each)
                        if given > before:
                            yield each.slice(max(0, before + len(each) - given))
            except NotItems:
                whole, given, before = True, 0, given

    def _requested(self, href: str | None, whole: bool) -> Generator[Piece | Whole | PageEnd]:
        pieces = self._pieces(href, whole)
        return pieces if self.limit is not None else _ahead(pieces)

    def _pieces(self, href: str | None, whole: bool) -> Generator[Piece | Whole | PageEnd]:
        """Request pages and cut them, the first one only if it is not `whole`; with a limit only one page."""
        # Pages are as large as the server likes; asking is only worth it for fewer rows than a page would have.
        few = self.limit if self.limit is not None and self.limit < PAGE_ROWS else None
        while True:
            chunks = endpoints.data_page(self.transport, self.collection_id, next_href=href, limit=few)
            href = None
            for each in decode_page(chunks) if whole else cut_page(chunks):
                if isinstance(each, PageEnd):
                    href, whole = each.next, False
                yield each
            if href is None or self.limit is not None:
                return

    def __repr__(self) -> str:
        columns = "all columns" if self.columns is None else f"columns {', '.join(self.columns)}"
        rows = "all rows" if self.limit is None else f"at most {self.limit:,} rows"
        part = "" if self.start is None else " of a part"
        return (
            f"Scan of {self.name!r}: {columns}, {rows}{part}; nothing is requested before to_pandas() or another sink"
        )


def read_page(scan: Scan, seen: Container[str]) -> tuple[pa.Table, str | None]:
    """Return the rows of the page that a scan begins with, and where the next is: for those who note where they are.

    Parameters
    ----------
    scan
        What to read; its `limit` is not looked at.
    seen
        The addresses of this page and of those before it.

    Raises
    ------
    TransportError
        If the next page is one of `seen`; else as :meth:`Scan.to_batches`.
    DataError, ApiError
        As :meth:`Scan.to_batches` raises them.
    """
    try:
        table, following = _page(scan, cut_page)
    except NotItems:
        table, following = _page(scan, decode_page)
    if following is not None:
        _refuse_circle(following, seen, scan.name)
    return table, following


def _page(
    scan: Scan, cut: Callable[[Iterator[bytes]], Iterator[Piece | Whole | PageEnd]]
) -> tuple[pa.Table, str | None]:
    batches, following = list[pa.RecordBatch](), None
    chunks = endpoints.data_page(scan.transport, scan.collection_id, next_href=scan.start)
    for each in read_pieces(cut(chunks), plan_reading(scan.schema, scan.columns, scan.item_ids)):
        if isinstance(each, PageEnd):
            following = each.next
        else:
            batches.append(each)
    return pa.Table.from_batches(batches, scan.arrow_schema), following


def _refuse_circle(href: str, seen: Container[str], name: str) -> None:
    if href in seen:
        raise TransportError(f"the pages of {name!r} go round in a circle: {shorten(href)!r} came twice")


def _ahead(pieces: Generator[Piece | Whole | PageEnd]) -> Generator[Piece | Whole | PageEnd]:
    """Yield the same, the next two being had on a thread of its own."""
    waiting: deque[Future[Piece | Whole | PageEnd | None]] = deque()
    thread = ThreadPoolExecutor(1, thread_name_prefix="intempt-download")
    patient = True
    try:
        while True:
            while len(waiting) < 2:
                waiting.append(thread.submit(next, pieces, None))
            each = result_of(waiting.popleft())
            if each is None:
                return
            yield each
    except KeyboardInterrupt:
        patient = False  # the server may be what does not get on
        raise
    finally:
        for future in waiting:
            future.cancel()
        thread.submit(pieces.close)
        thread.shutdown(wait=patient)
