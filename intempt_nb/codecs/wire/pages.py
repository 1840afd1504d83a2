"""HAL pages of items → Arrow columns.

The fast way parses the items with ``pyarrow.json`` into the wire types, a piece of a page at a time, and makes no
Python object a value. Whatever it refuses, and the columns it cannot build, the exact way reads; both give the same.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.json as pj

from intempt_nb.codecs.ahead import in_order
from intempt_nb.codecs.utf8 import is_utf8
from intempt_nb.codecs.wire.envelope import LIST, NotItems, PageEnd, Piece, Whole, cut_page, decode_page, split_piece
from intempt_nb.codecs.wire.exact import default_of, fill_nulls, read_columns, read_ids
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.codecs.wire.wire import Refused, from_wire, is_columnar, wire_schema, wire_type
from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from intempt_nb.schema.model import Defined, Field
    from intempt_nb.schema.schema import Schema

__all__ = ["Page", "ReadPlan", "plan_reading", "read_page", "read_pieces"]

_CHUNK = 1 << 20
_PARTS = 16
_SMALLEST_SPLIT = 256 << 10
_TEXT_FOUND = re.compile(r"Column\(/items/\[\]/data/([^/)]+)\) changed from number to string")
_EXACT_ROWS = 20_000
"""How many items the exact way turns into columns at a time: no text column of them reaches Arrow's 2 GiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The items of one page, as columns.

    Parameters
    ----------
    table
        Of :attr:`ReadPlan.target`.
    next
        The address of the next page as the server gave it, None on the last.
    """

    table: pa.Table
    next: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ReadPlan:
    """What to read of each item.

    Parameters
    ----------
    fields
        The columns of its data; the others are not looked at.
    kinds
        The wire types of those of them that can be read without a Python object a value, by name.
    named
        The schema's named types.
    target
        What is made of it: the columns, in the types and with the metadata of
        :func:`intempt_nb.codecs.wire.wire.wire_schema`; before them the items' ids as text if `item_ids` is set.
    item_ids
        Whether the ids are read: null for an item without one.
    """

    fields: tuple[Field, ...]
    kinds: Mapping[str, pa.DataType]
    named: Mapping[str, Defined]
    target: pa.Schema
    item_ids: bool

    def wire(self, number_ids: bool, as_text: Collection[str]) -> pa.Schema:
        """Return the Arrow schema that the fast way parses a piece into; some columns of numbers are sent as text."""
        kinds = [(name, pa.string() if name in as_text else kind) for name, kind in self.kinds.items()]
        members = [("data", pa.struct(kinds))]
        if self.item_ids:
            members.append(("id", pa.int64() if number_ids else pa.string()))
        return pa.schema([("items", pa.list_(pa.struct(members)))])

    def batch(self, columns: Sequence[pa.Array], rows: int) -> pa.RecordBatch:
        """Return columns as a batch; one of no columns has rows all the same."""
        if not columns:
            return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))
        return pa.RecordBatch.from_arrays(columns, schema=self.target)


def plan_reading(schema: Schema, columns: Sequence[str] | None = None, item_ids: str | None = None) -> ReadPlan:
    """Return what to read of each item.

    Parameters
    ----------
    schema
        The collection's schema. What an item has beyond it is ignored.
    columns
        The columns to read, in this order; None for all.
    item_ids
        The name of a column for the items' ids; None for none.

    Raises
    ------
    DataError
        For a column that the schema does not have, or that there would be twice.
    """
    names = schema.names if columns is None else list(columns)
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(f"column {name!r} is asked for twice", field=name)
    fields = tuple(schema[name] for name in names)
    columnar = [field for field in fields if is_columnar(field.type, schema.named)]
    kinds = {field.name: wire_type(field.type, schema.named) for field in columnar}
    target = wire_schema(schema, columns)
    if item_ids is not None:
        if not isinstance(item_ids, str) or not item_ids:
            raise DataError(f"item_ids is {item_ids!r}; expected the name of a column, or None")
        if item_ids in names:
            raise DataError(f"item_ids is {item_ids!r}, and a column has that name; choose another", field=item_ids)
        target = target.insert(0, pa.field(item_ids, pa.string()))
    return ReadPlan(fields, kinds, schema.named, target, item_ids is not None)


def read_page(body: bytes, schema: Schema, columns: Sequence[str] | None = None, item_ids: str | None = None) -> Page:
    """Read a page of items.

    Parameters
    ----------
    body
        The JSON of ``GET /collections/{id}/data``: items under ``_embedded.dataItemList``, which may be absent or
        empty; keys in any order.
    schema, columns, item_ids
        As for `plan_reading`.

    Raises
    ------
    DataError
        As `plan_reading` and `read_pieces`.
    """
    plan = plan_reading(schema, columns, item_ids)
    chunks = [memoryview(body)[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]
    try:
        results = list(read_pieces(cut_page(chunks), plan))
    except NotItems:
        results = list(read_pieces(decode_page(chunks), plan))
    *batches, end = results
    return Page(pa.Table.from_batches(batches, plan.target), end.next)


def read_pieces(pieces: Iterable[Piece | Whole | PageEnd], plan: ReadPlan) -> Iterator[pa.RecordBatch | PageEnd]:
    """Read pieces on threads, a few of them at the same time.

    Parameters
    ----------
    pieces
        Of any number of pages, each followed by its end.
    plan
        What to read.

    Yields
    ------
    pyarrow.RecordBatch or PageEnd
        In order. 64-bit integers and decimals are exact. Instants are in UTC and never shifted, days are date32, enums
        have the schema's symbols in order as their dictionary, and a symbol unknown to it becomes the enum's default if
        it has one. ``NaN`` and ``Infinity`` are read where the type is float or double. An absent field is null, or the
        field's default where the type has no null.

    Raises
    ------
    NotItems
        If a piece is not a list of items in JSON: then its whole page must be decoded.
    DataError
        For a page that is no JSON object of this form; for an item without ``data``; for a value that does not fit its
        type, is half a surrogate pair, or is absent where the type has no null and the field no default. Items are
        numbered from 0 on each page.
    """
    rows = 0
    try:
        for results in in_order(partial(_read, plan=plan), pieces):
            for each in results:
                rows = 0 if isinstance(each, PageEnd) else rows + len(each)
                yield each
    except DataError as error:
        raise replace(error, row=None if error.row is None else rows + error.row) from None


def _read(each: Piece | Whole | PageEnd, plan: ReadPlan) -> list[pa.RecordBatch | PageEnd]:
    match each:
        case Piece():
            return [_read_piece(each, plan)]
        case Whole(page):
            return list(_read_whole(page, plan))
        case PageEnd():
            return [each]


def _read_piece(piece: Piece, plan: ReadPlan) -> pa.RecordBatch:
    as_text: list[str] = []
    while True:
        try:
            ids, parsed, rows = _parse(piece, plan, as_text)
            break
        except (Refused, pa.ArrowException, OverflowError) as error:
            name = _sent_as_text(error, plan)
            if name is None or name in as_text:
                return _read_odd(piece, plan)
            as_text.append(name)
    others = [field for field in plan.fields if field.name not in plan.kinds]
    exact = iter(read_columns(_items(piece), others, plan.named)) if others else iter(())
    return plan.batch([*ids, *(next(parsed if each.name in plan.kinds else exact) for each in plan.fields)], rows)


def _sent_as_text(error: Exception, plan: ReadPlan) -> str | None:
    """Return the column of numbers that the parser says is text, so that it alone is converted value by value."""
    found = _TEXT_FOUND.search(str(error))
    return found[1] if found and pa.types.is_primitive(plan.kinds.get(found[1], pa.string())) else None


def _read_odd(piece: Piece, plan: ReadPlan) -> pa.RecordBatch:
    """Read a piece that the fast way refused: by parts, so that only the items around the odd ones are read exactly."""
    batches: list[pa.RecordBatch] = []
    try:
        parts = split_piece(piece, _PARTS) if len(piece.text) > _SMALLEST_SPLIT else []
        if len(parts) > 1:
            for part in parts:
                batches.append(_read_piece(part, plan))  # noqa: PERF401 - an error counts those before it
            return pa.concat_batches(batches)
    except NotItems:
        pass
    except DataError as error:
        before = sum(len(batch) for batch in batches)
        raise replace(error, row=None if error.row is None else before + error.row) from None
    return _exact_batch(_items(piece), plan)


def _parse(piece: Piece, plan: ReadPlan, as_text: Sequence[str]) -> tuple[list[pa.Array], Iterator[pa.Array], int]:
    """Return the ids if they are asked for, the columnar columns and the rows of a piece.

    Any error means that the exact way has to look.
    """
    if not is_utf8(piece.text):
        raise Refused
    table = pj.read_json(
        pa.BufferReader(piece.text),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(piece.text) + 1),
        parse_options=pj.ParseOptions(
            explicit_schema=plan.wire(piece.number_ids, as_text),
            newlines_in_values=b"\n" in piece.text,
            unexpected_field_behavior="ignore",
        ),
    )
    if table.num_rows != 1:  # more than one JSON object: the piece closed the list itself
        raise Refused
    table.validate(full=True)  # the parser checks neither a time's range, every decimal's digits, nor surrogates
    data, *ids = table.column(0).chunk(0).flatten().flatten()
    if data.null_count:
        raise Refused
    parsed = [field for field in plan.fields if field.name in plan.kinds]
    columns = [
        _texts(array, field, plan.named) if field.name in as_text else _column(array, field, plan.named)
        for array, field in zip(data.flatten(), parsed, strict=True)
    ]
    return [each.cast(pa.string()) for each in ids], iter(columns), len(data)


def _texts(array: pa.Array, field: Field, named: Mapping[str, Defined]) -> pa.Array:
    items = [{"data": {field.name: text}} for text in array.to_pylist()]
    try:
        return read_columns(items, [field], named)[0]
    except DataError:  # the exact way says it of the whole item
        raise Refused from None


def _column(array: pa.Array, field: Field, named: Mapping[str, Defined]) -> pa.Array:
    column = from_wire(array, field.type, named)
    if field.nullable or not column.null_count:
        return column
    default = default_of(field, named)
    if default is None:
        raise Refused
    return fill_nulls(column, default)


def _items(piece: Piece) -> list[Any]:
    try:
        items: list[Any] = loads(str(piece.items, "utf-8"))
    except ValueError:
        raise NotItems from None
    return items


def _exact_batch(items: Sequence[Any], plan: ReadPlan) -> pa.RecordBatch:
    ids = [read_ids(items)] if plan.item_ids else []
    return plan.batch([*ids, *read_columns(items, plan.fields, plan.named)], len(items))


def _read_whole(page: Any, plan: ReadPlan) -> Iterator[pa.RecordBatch]:
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
            yield _exact_batch(items[start : start + _EXACT_ROWS], plan)
        except DataError as error:
            raise replace(error, row=start + (error.row or 0)) from None
