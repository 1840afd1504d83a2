"""JSON items ↔ Arrow, in this project's plain JSON or in Avro's own JSON encoding.

The way leads through Avro's binary encoding, so that a value means the same wherever it comes from. Pages of the
Intempt API have a way of their own, which is faster: :mod:`intempt_nb.codecs.wire.pages`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa

from intempt_nb.codecs.avro.columns import BROKEN, broken
from intempt_nb.codecs.avro.container import Block
from intempt_nb.codecs.avro.from_json import value_writer
from intempt_nb.codecs.avro.rows import BATCH_BYTES, Rows, read_rows
from intempt_nb.codecs.avro.sizes import Budget
from intempt_nb.codecs.avro.to_json import Encoding, JsonForm, value_reader
from intempt_nb.codecs.avro.write import RowEncoder, open_batches, slices
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.codecs.wire.values import Mismatch
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.checking.items import as_text
from intempt_nb.schema.mapping.arrow import ArrowForm
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from intempt_nb.schema.mapping.arrow import StringDates, Unions

__all__ = ["decode_items", "encode_items"]


def decode_items(
    items: str | bytes | Iterable[Any],
    schema: str | bytes | Mapping[str, Any] | Schema,
    *,
    encoding: Encoding = "plain",
    unions: Unions = "dense",
    string_dates: StringDates = "date32",
) -> pa.Table:
    """Read JSON items as rows of a schema.

    Parameters
    ----------
    items
        Decoded JSON, an item a row; or the text of JSON lines.
    schema
        What the items are: a record, or any other type for rows of one column ``value``.
    encoding
        ``"plain"``: as :mod:`intempt_nb.codecs.wire.values` reads it; a field that is absent or null is null where it
        may be, else the default; keys that the schema does not have are left out; a value of a union of several types
        may name its branch, ``{"long": 5}``, and must where several fit. ``"avro"``: Avro's JSON encoding, to the
        letter; a field that is absent takes its default.
    unions, string_dates
        Which Arrow types stand for unions of several types and for dates on string, see
        :class:`intempt_nb.schema.mapping.arrow.ArrowForm`.

    Returns
    -------
    pyarrow.Table
        Of the schema's Arrow types.

    Raises
    ------
    DataError
        For the first item that does not fit, with its row (counted from 0) and its field.
    """
    _check(encoding)
    schema = Schema.parse(schema)
    form = ArrowForm(unions, string_dates)
    target = schema.to_arrow(unions=unions, string_dates=string_dates)
    rows = Rows(schema, target, form, f"{encoding} JSON items")
    return pa.Table.from_batches(read_rows(_encoded(_values(items), schema, encoding), rows), target)


def encode_items(
    data: Any, schema: str | bytes | Mapping[str, Any] | Schema | None = None, *, encoding: Encoding = "plain"
) -> list[Any]:
    """Write rows as JSON items.

    Parameters
    ----------
    data
        As :func:`intempt_nb.codecs.avro.write.write_avro` takes it.
    schema
        What to write; None for the schema that the data carry, else the Avro form of their Arrow types.
    encoding
        ``"plain"``: as :mod:`intempt_nb.codecs.wire.wire` says, values of unions bare. ``"avro"``: Avro's JSON
        encoding.

    Returns
    -------
    list
        A dict a row, or the value itself for a schema that is no record; of what :mod:`json` writes. Numbers that are
        not finite are floats in plain JSON and text (``"NaN"``) in Avro's.

    Raises
    ------
    DataError
        For a value that the schema, or JSON, has no place for, with its row and its field.
    """
    _check(encoding)
    arrow, batches = open_batches(data)
    schema = Schema.from_arrow(arrow) if schema is None else Schema.parse(schema)
    encoder, budget = RowEncoder(schema), Budget()
    read = value_reader(schema.root, schema.named, JsonForm(encoding, tagged=False), budget)
    items: list[Any] = []
    for part in slices(batches):
        cells = encoder.encode(part, len(items))
        raw = cells.data.tobytes()
        budget.renew()
        for start in cells.offsets[:-1].tolist():
            try:
                items.append(read(raw, start)[0])
            except BROKEN as error:
                found = broken(error)
                raise DataError(str(found), row=len(items), field=found.path.lstrip(".") or None) from None
    return items


def _check(encoding: str) -> None:
    known = [each for each in get_args(Encoding) if each != "default"]
    if encoding not in known:
        raise ValueError(f"encoding is {encoding!r}{suggest(encoding, known)}")


def _values(items: str | bytes | Iterable[Any]) -> Iterator[Any]:
    """Yield items with their numbers as literals."""
    if isinstance(items, bytes):
        try:
            items = items.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"the JSON lines are not UTF-8: {error}") from None
    read: Callable[[Any], Any] = _literal
    if isinstance(items, str):
        # not splitlines(): JSON text may have other line ends of Unicode in it
        items, read = [line for line in items.split("\n") if line.strip()], loads
    if isinstance(items, Mapping) or not isinstance(items, Iterable):
        kind = type(items).__name__
        raise DataError(f"items cannot be read from {kind}; expected a list of items, or the text of JSON lines")
    for row, item in enumerate(items):
        try:
            yield read(item)
        except (ValueError, TypeError) as error:
            raise DataError(f"the item is not JSON: {shorten(error)}", row=row, value=as_text(item)) from None
        except RecursionError:
            raise DataError("the item is nested too deeply for Python", row=row) from None


def _literal(item: Any) -> Any:
    """Return decoded JSON as `loads` gives it."""
    return loads(json.dumps(item))


def _encoded(values: Iterable[Any], schema: Schema, encoding: Encoding) -> Iterator[Block]:
    """Yield the items as blocks of rows."""
    write = value_writer(schema.root, schema.named, JsonForm(encoding))
    out, rows, number = bytearray(), 0, 0
    for row, value in enumerate(values):
        try:
            write(value, out)
        except Mismatch as mismatch:
            raise _error(mismatch, row) from None
        except RecursionError:
            raise DataError("the item is nested too deeply for Python", row=row) from None
        rows += 1
        if len(out) >= BATCH_BYTES:
            yield Block(number, 0, rows, bytes(out))
            out.clear()
            rows, number = 0, number + 1
    if rows:
        yield Block(number, 0, rows, bytes(out))


def _error(mismatch: Mismatch, row: int) -> DataError:
    found = "null" if mismatch.value is None else shorten(mismatch.value)
    found = found.encode(errors="backslashreplace").decode()  # half of a surrogate pair cannot be printed
    reason = mismatch.reason or f"found {found}; expected {mismatch.expected}"
    path = mismatch.path.lstrip(".") or None
    return DataError(reason, row=row, field=path, value=found, expected=mismatch.expected)
