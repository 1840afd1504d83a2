"""A HAL page of items → an Arrow table.

The fast way parses the item list with ``pyarrow.json`` into the wire types, in pieces, on threads, and makes no Python
object a value. Whatever it refuses, and the columns it cannot build, the exact way reads; both give the same table.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.json as pj

from intempt_nb.codecs.wire.envelope import LIST, links_of, locate
from intempt_nb.codecs.wire.exact import decode, default_of, fill_nulls, read_columns, read_ids
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.codecs.wire.wire import Refused, from_wire, is_columnar, wire_schema, wire_type
from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intempt_nb.codecs.wire.envelope import Envelope
    from intempt_nb.schema.model import Defined, Field
    from intempt_nb.schema.schema import Schema

__all__ = ["Page", "read_page"]

_PIECE = 4 << 20
_SMALLEST_PIECE = 512 << 10
_MOST_THREADS = 4
_EXACT_ROWS = 20_000
"""How many items the exact way turns into columns at a time: no text column of them reaches Arrow's 2 GiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The items of one page, as columns.

    Parameters
    ----------
    table
        The items' data: the schema's columns, or those asked for, in the types of
        :func:`intempt_nb.codecs.wire.wire.wire_schema`, with its metadata.
    ids
        The items' ids as text, a value a row; null for an item without one.
    next
        The address of the next page as the server gave it, None on the last.
    total
        How many items all pages have, None if the server does not say.
    """

    table: pa.Table
    ids: pa.ChunkedArray
    next: str | None
    total: int | None


def read_page(body: bytes, schema: Schema, columns: Sequence[str] | None = None) -> Page:
    """Read a page of items.

    Parameters
    ----------
    body
        The JSON of ``GET /collections/{id}/data``: items under ``_embedded.dataItemList``, which may be absent or
        empty; keys in any order.
    schema
        The collection's schema. What an item has beyond it is ignored.
    columns
        The columns to read, in this order; None for all. The others are not looked at.

    Returns
    -------
    Page
        64-bit integers and decimals are exact. Instants are in UTC and never shifted, days are date32, enums have the
        schema's symbols in order as their dictionary, and a symbol unknown to it becomes the enum's default if it has
        one. ``NaN`` and ``Infinity`` are read where the type is float or double. An absent field is null, or the
        field's default where the type has no null.

    Raises
    ------
    DataError
        For a page that is no JSON object of this form; for a column that the schema does not have; for an item without
        ``data``; for a value that does not fit its type, is half a surrogate pair, or is absent where the type has no
        null and the field no default. Items are numbered from 0 on each page.
    """
    plan = _plan(schema, columns)
    envelope = locate(body, _piece_size(len(body)))
    if envelope is not None:
        try:
            return plan.page(_read_pieces(body, envelope, plan), envelope.next, envelope.total)
        except _NotItems:
            pass
    page = decode(body)
    return plan.page(list(_read_whole(page, plan)), *links_of(page))


class _NotItems(Exception):  # noqa: N818 - it tells, and never leaves this module
    """A piece is not JSON, so either the page is not or it was cut in the wrong place."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The columns of some items, and their ids."""

    ids: pa.Array
    columns: list[pa.Array]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What to read: the fields, whether each is columnar, and the Arrow schema they become."""

    fields: tuple[Field, ...]
    columnar: tuple[bool, ...]
    named: Mapping[str, Defined]
    target: pa.Schema

    def wire(self, number_ids: bool) -> pa.Schema:
        """Return the Arrow schema that the fast way parses a piece into."""
        parsed = [field for field, columnar in zip(self.fields, self.columnar, strict=True) if columnar]
        data = pa.struct([(field.name, wire_type(field.type, self.named)) for field in parsed])
        item = pa.struct([("id", pa.int64() if number_ids else pa.string()), ("data", data)])
        return pa.schema([("items", pa.list_(item))])

    def page(self, parts: list[_Part], next_page: str | None, total: int | None) -> Page:
        """Join the parts."""
        ids = pa.chunked_array([part.ids for part in parts], pa.string())
        if not self.fields:  # a table made of no columns would have no rows
            return Page(pa.table({"id": ids}).select([]), ids, next_page, total)
        pieces = zip(*(part.columns for part in parts), strict=True) if parts else [()] * len(self.fields)
        columns = [pa.chunked_array(chunks, field.type) for chunks, field in zip(pieces, self.target, strict=True)]
        return Page(pa.Table.from_arrays(columns, schema=self.target), ids, next_page, total)


def _plan(schema: Schema, columns: Sequence[str] | None) -> _Plan:
    names = schema.names if columns is None else list(columns)
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"column {name!r} is asked for twice", field=name)
    fields = tuple(schema[name] for name in names)
    columnar = tuple(is_columnar(field.type, schema.named) for field in fields)
    return _Plan(fields, columnar, schema.named, wire_schema(schema, columns))


def _threads() -> int:
    return min(_MOST_THREADS, os.cpu_count() or 1)


def _piece_size(size: int) -> int:
    """Return the bytes of a piece: pieces of about the same size, enough of them for the threads."""
    pieces = max(-(-size // _PIECE), min(_threads(), size // _SMALLEST_PIECE), 1)
    return -(-size // pieces)


def _read_pieces(body: bytes, envelope: Envelope, plan: _Plan) -> list[_Part]:
    wire = plan.wire(envelope.number_ids)
    views = [memoryview(body)[start:stop] for start, stop in envelope.pieces]
    read = partial(_read_piece, wire=wire, plan=plan)
    if len(views) == 1:
        return [read(views[0])]
    with ThreadPoolExecutor(_threads(), thread_name_prefix="intempt-page") as pool:
        return _in_order(pool.map(read, views))


def _in_order(results: Iterator[_Part]) -> list[_Part]:
    """Return all results; an error's row, counted within its piece, becomes the row on the page."""
    parts: list[_Part] = []
    try:
        parts.extend(results)
    except DataError as error:
        raise replace(error, row=sum(len(part.ids) for part in parts) + (error.row or 0)) from None
    return parts


def _read_piece(piece: memoryview, wire: pa.Schema, plan: _Plan) -> _Part:
    try:
        ids, parsed = _parse(piece, wire, plan)
    except (Refused, pa.ArrowException, OverflowError):
        return _exact_part(_items(piece), plan)
    others = [field for field, columnar in zip(plan.fields, plan.columnar, strict=True) if not columnar]
    exact = iter(read_columns(_items(piece), others, plan.named)) if others else iter(())
    return _Part(ids, [next(parsed) if columnar else next(exact) for columnar in plan.columnar])


def _parse(piece: memoryview, wire: pa.Schema, plan: _Plan) -> tuple[pa.Array, Iterator[pa.Array]]:
    """Return the ids and the columnar columns of a piece; any error means that the exact way has to look."""
    text = b"".join((b'{"items":[', piece, b"]}"))
    table = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=wire, newlines_in_values=b"\n" in text, unexpected_field_behavior="ignore"
        ),
    )
    if table.num_rows != 1:  # more than one JSON object: the piece closed the list itself
        raise Refused
    table.validate(full=True)  # the parser checks neither UTF-8 nor a time's range nor every decimal's digits
    ids, data = table.column(0).chunk(0).flatten().flatten()
    if data.null_count:
        raise Refused
    fields = [field for field, columnar in zip(plan.fields, plan.columnar, strict=True) if columnar]
    columns = [_column(array, field, plan.named) for array, field in zip(data.flatten(), fields, strict=True)]
    return ids.cast(pa.string()), iter(columns)


def _column(array: pa.Array, field: Field, named: Mapping[str, Defined]) -> pa.Array:
    column = from_wire(array, field.type, named)
    if field.nullable or not column.null_count:
        return column
    default = default_of(field, named)
    if default is None:
        raise Refused
    return fill_nulls(column, default)


def _items(piece: memoryview) -> list[Any]:
    try:
        items: list[Any] = loads(f"[{str(piece, 'utf-8')}]")
    except ValueError:
        raise _NotItems from None
    return items


def _exact_part(items: Sequence[Any], plan: _Plan) -> _Part:
    return _Part(read_ids(items), read_columns(items, plan.fields, plan.named))


def _read_whole(page: Any, plan: _Plan) -> Iterator[_Part]:
    if not isinstance(page, dict):
        raise DataError(f"a page is a JSON object; found {shorten(page)}", expected="a HAL page")
    embedded = page.get(LIST[0])
    items = embedded.get(LIST[1]) if isinstance(embedded, dict) else None
    if items is None and not isinstance(embedded, dict | None):
        raise DataError(f"found {shorten(embedded)}; expected an object", field=LIST[0])
    items = [] if items is None else items
    if not isinstance(items, list):
        raise DataError(f"found {shorten(items)}; expected a list of items", field=".".join(LIST))
    for start in range(0, len(items), _EXACT_ROWS):
        try:
            yield _exact_part(items[start : start + _EXACT_ROWS], plan)
        except DataError as error:
            raise replace(error, row=start + (error.row or 0)) from None
