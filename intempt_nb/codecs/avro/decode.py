"""Avro's binary encoding → Arrow, exactly: every length, count, index and text is checked where it stands.

Recursion follows the schema and never the data, but for recursive records, which are JSON text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

import pyarrow as pa

from intempt_nb.codecs.avro import columns
from intempt_nb.codecs.avro import union_columns as unions
from intempt_nb.codecs.avro.columns import BROKEN, Column, broken
from intempt_nb.codecs.avro.sizes import check_count, least_size
from intempt_nb.codecs.avro.to_json import JsonForm, value_reader
from intempt_nb.codecs.avro.varints import Corrupt, read_long
from intempt_nb.schema.mapping.arrow import ArrowForm, arrow_type, holds_json_text
from intempt_nb.schema.model import (
    Array,
    AvroType,
    BigDecimal,
    Boolean,
    Bytes,
    Date,
    Decimal,
    Double,
    Duration,
    Enum,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Null,
    Record,
    Reference,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
    is_nullable,
    without_null,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.codecs.avro.columns import Read
    from intempt_nb.codecs.avro.sizes import Budget
    from intempt_nb.schema.model import Defined

__all__ = ["Decoder", "read_fields"]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Makes the columns of one schema.

    Parameters
    ----------
    named
        The schema's named types.
    form
        Which Arrow types stand for unions and dates on string.
    budget
        What the values that take no byte are counted by.
    """

    named: Mapping[str, Defined]
    form: ArrowForm
    budget: Budget

    def column(self, avro_type: AvroType) -> Column:
        """Return an empty column of a type; its arrays are of `arrow_type` in this form."""
        if holds_json_text(avro_type, self.named, self.form):
            return self._json_text(avro_type)
        kind = arrow_type(avro_type, self.named, self.form)
        match avro_type:
            case Null():
                return columns.nulls()
            case Boolean():
                return columns.booleans()
            case Int() | Date("int") | Time("ms"):
                return columns.integers(kind, 32)
            case Long() | Time() | Timestamp():
                return columns.integers(kind, 64)
            case Float() | Double():
                return columns.fixed(kind, kind.bit_width // 8)
            case Date() if self.form.string_dates == "date32":
                return columns.text_dates()
            case String() | Date() | Uuid(fixed=None):
                return columns.texts()
            case Bytes() | BigDecimal():
                return columns.byte_strings()
            case Fixed(size=size):
                return columns.fixed(kind, size)
            case Uuid():
                return columns.fixed(kind, 16)
            case Duration():
                return columns.durations()
            case Decimal(fixed=fixed):
                return columns.decimals(kind, None if fixed is None else fixed.size)
            case Enum(symbols=symbols):
                return columns.symbols(symbols)
            case Array(items):
                return self._array(kind, items)
            case Map(values):
                return self._map(kind, values)
            case Record():
                return self._record(kind, avro_type)
            case Reference(name):
                return self.column(self.named[name])
            case Union(branches):
                return self._union(kind, branches)
            case other:
                assert_never(other)

    def _json_text(self, avro_type: AvroType) -> Column:
        # A recursive record has no other form, so the branches of unions in it are named: only so can it be written.
        bare = self.form.unions == "json" and isinstance(without_null(avro_type), Union)
        form = JsonForm("plain", tagged=not bare)
        read_value = value_reader(avro_type, self.named, form, self.budget)
        texts: list[str | None] = []

        def read(data: bytes, position: int) -> int:
            value, position = read_value(data, position)
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            texts.append(None if value is None and is_nullable(avro_type) else text)
            return position

        return columns.listed(read, texts, pa.string())

    def _repeated(self, item: Read, least: int, ends: list[int]) -> Read:
        """Return a reader of the runs of items that arrays and maps consist of; an item takes `least` bytes."""
        budget = self.budget

        def read(data: bytes, position: int) -> int:
            total = 0
            while True:
                count, position = read_long(data, position)
                if count == 0:
                    break
                if count < 0:  # the run's size in bytes follows, for readers that skip
                    count = -count
                    _, position = read_long(data, position)
                check_count(count, least, len(data) - position, budget)
                index = 0
                try:
                    for index in range(count):  # noqa: B007  (used where it breaks)
                        position = item(data, position)
                except BROKEN as error:
                    raise broken(error, f"[{total + index}]") from None
                total += count
            ends.append(ends[-1] + total)
            return position

        return read

    def _array(self, kind: pa.DataType, items: AvroType) -> Column:
        column, ends, gaps = self.column(items), [0], list[int]()

        def finish() -> pa.Array:
            offsets, mask = _spans(ends, gaps)
            return pa.ListArray.from_arrays(offsets, column.finish(), kind, mask=mask)

        read = self._repeated(column.read, least_size(items, self.named), ends)
        return Column(read, lambda: _gap(ends, gaps), finish)

    def _map(self, kind: pa.DataType, values: AvroType) -> Column:
        keys, items, ends, gaps = columns.texts(), self.column(values), [0], list[int]()
        read_key, read_item = keys.read, items.read

        def entry(data: bytes, position: int) -> int:
            return read_item(data, read_key(data, position))

        def finish() -> pa.Array:
            offsets, mask = _spans(ends, gaps)
            return pa.MapArray.from_arrays(offsets, keys.finish(), items.finish(), kind, mask=mask)

        read = self._repeated(entry, 1 + least_size(values, self.named), ends)
        return Column(read, lambda: _gap(ends, gaps), finish)

    def _record(self, kind: pa.DataType, record: Record) -> Column:
        children = [self.column(field.type) for field in record.fields]
        read_parts = read_fields([field.name for field in record.fields], [each.read for each in children])
        length, gaps = [0], list[int]()

        def read(data: bytes, position: int) -> int:
            length[0] += 1
            try:
                return read_parts(data, position)
            except Corrupt as error:
                raise broken(error, ".") from None

        def null() -> None:
            gaps.append(length[0])
            length[0] += 1
            for each in children:
                each.null()

        def finish() -> pa.Array:
            count, length[0] = length[0], 0
            valid = columns.validity(gaps, count)
            gaps.clear()
            return columns.struct_array(kind, count, [each.finish() for each in children], valid)

        return Column(read, null, finish)

    def _union(self, kind: pa.DataType, branches: Sequence[AvroType]) -> Column:
        if not branches:
            return unions.impossible()
        only = without_null(Union(tuple(branches)))
        if not isinstance(only, Union):
            return unions.optional(self.column(only), branches.index(only), len(branches))
        if pa.types.is_union(kind):
            return unions.dense(kind, [self.column(each) for each in branches])
        children = [None if each == Null() else self.column(each) for each in branches]
        if pa.types.is_struct(kind):
            return unions.branches_apart(kind, children)
        return unions.promoted(kind, children)


def read_fields(names: Sequence[str], reads: Sequence[Read]) -> Read:
    """Return a reader of a record's fields; what is wrong with one has its name in front of the path."""

    def read(data: bytes, position: int) -> int:
        each = None
        try:
            for each in reads:
                position = each(data, position)
        except BROKEN as error:
            raise broken(error, names[_index(reads, each)]) from None
        return position

    return read


def _index(reads: Sequence[Read], read: Read | None) -> int:
    return next(index for index, each in enumerate(reads) if each is read)


def _gap(ends: list[int], gaps: list[int]) -> None:
    gaps.append(len(ends) - 1)
    ends.append(ends[-1])


def _spans(ends: list[int], gaps: list[int]) -> tuple[pa.Array, pa.Array | None]:
    """Return the offsets of lists and which of them are null, and start anew."""
    offsets, mask = pa.array(ends, pa.int32()), columns.mask(gaps, len(ends) - 1)
    ends[:] = [0]
    gaps.clear()
    return offsets, mask
