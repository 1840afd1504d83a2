"""Avro types → Arrow types.

Every Avro type has one Arrow type (`arrow_type`), in one of the forms of `ArrowForm` where Arrow and its readers leave
a choice. What Arrow cannot say (names, defaults, titles) rides along as metadata, see
:mod:`intempt_nb.schema.mapping.metadata`; the way back is :mod:`intempt_nb.schema.mapping.from_arrow`.

A record that contains itself has no Arrow type at all; such a column holds JSON text in every form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never, get_args

import pyarrow as pa

from intempt_nb.errors import suggest
from intempt_nb.schema.model import (
    Array,
    AvroType,
    BigDecimal,
    Boolean,
    Bytes,
    Date,
    Decimal,
    Defined,
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
from intempt_nb.schema.parsing.branches import branch_name
from intempt_nb.schema.parsing.recursion import recursive_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DENSE", "WIRE", "ArrowForm", "StringDates", "Unions", "arrow_type", "holds_json_text"]

MAX_DECIMAL128 = 38

MAX_CHILDREN = 128
"""Of a union: Arrow's type codes are signed bytes, and none is negative."""

Unions: TypeAlias = Literal["dense", "promote", "struct", "json"]
StringDates: TypeAlias = Literal["date32", "string"]


@dataclass(frozen=True, slots=True)
class ArrowForm:
    """Which Arrow type stands for an Avro type where there is a choice.

    A union with null and one other type is that type, nullable, in every form, and a union of one type is that type.

    Parameters
    ----------
    unions
        Of several types (null not counted):

        - ``"dense"``: a dense union with a child for every branch in order, null among them, the type codes 0, 1, ….
          Nothing is lost. pandas' own types, Parquet, CSV, sorting and grouping do not take it.
        - ``"promote"``: int and long are int64, float and double and any mixture of the four are float64, which does
          not hold every long beyond 2**53; other unions are dense.
        - ``"struct"``: a struct with a nullable child for every branch but null, one of them set; null is the null
          struct.
        - ``"json"``: JSON text of the bare value. What the branch was is lost where two have the same JSON.

        The children are named by `branch_name`. A union of more than 128 branches, which Arrow has no dense union for,
        is JSON text instead.
    string_dates
        ``{"type": "string", "logicalType": "date"}``, the date of the Intempt API: ``"date32"``, or ``"string"`` for
        the text as it is.
    restored
        Whether a field that says in its attribute ``arrow.type`` which Arrow type it was made of has that type again;
        for the fields of a schema only (`arrow_field`), `arrow_type` knows of no attributes.

    Raises
    ------
    ValueError
        For a form that there is not.
    """

    unions: Unions = "dense"
    string_dates: StringDates = "date32"
    restored: bool = True

    def __post_init__(self) -> None:
        for name, known in (("unions", get_args(Unions)), ("string_dates", get_args(StringDates))):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{name} is {value!r}{suggest(str(value), known)}")


DENSE = ArrowForm()
"""The form without any loss."""

WIRE = ArrowForm(unions="json", restored=False)
"""The form of what goes to the Intempt API and comes from it (load, scan, upload): pandas' own types, Parquet, CSV,
sorting and grouping take every column of it."""


def holds_json_text(avro_type: AvroType, named: Mapping[str, Defined], form: ArrowForm = DENSE) -> bool:
    """Return whether the type's Arrow column is JSON text: a recursive record, or a union where the form says so.

    Parameters
    ----------
    avro_type, named, form
        As for :func:`arrow_type`.
    """
    match without_null(avro_type):
        case Union():
            return _union_form(avro_type, form) == "json"
        case Record(name=name) | Reference(name):
            return name in recursive_names(named)
        case _:
            return False


def arrow_type(avro_type: AvroType, named: Mapping[str, Defined], form: ArrowForm = DENSE) -> pa.DataType:
    """Return the Arrow type of an Avro type; whether it may be null is left to the field's `nullable`.

    Parameters
    ----------
    avro_type
        Any Avro type.
    named
        The schema's named types, which references resolve to.
    form
        What stands for unions and for dates on string.

    Returns
    -------
    pyarrow.DataType
        Instants are in UTC, local ones have no zone; enums are dictionaries of strings with int32 indices, not
        ordered; decimals of more than 38 digits are decimal256; big decimals stay bytes; an empty union is null.
    """
    return _Forward(named, recursive_names(named), form).type(avro_type)


@dataclass(frozen=True, slots=True)
class _Forward:
    """What all types of one schema are made with."""

    named: Mapping[str, Defined]
    recursive: frozenset[str]
    form: ArrowForm

    def type(self, avro_type: AvroType) -> pa.DataType:
        plain = without_null(avro_type)
        match plain:
            case Array(items):
                return pa.list_(self.child("item", items))
            case Map(values):
                return pa.map_(pa.string(), self.child("value", values))
            case Record(name=name) | Reference(name) if name in self.recursive:
                return pa.string()
            case Record(fields=parts):
                return pa.struct([self.child(each.name, each.type) for each in parts])
            case Reference(name):
                return self.type(self.named[name])
            case Union(branches):
                return self.union(avro_type, branches)
            case Date("string") if self.form.string_dates == "string":
                return pa.string()
            case scalar:
                return _scalar(scalar)

    def child(self, name: str, avro_type: AvroType) -> pa.Field:
        return pa.field(name, self.type(avro_type), nullable=is_nullable(avro_type))

    def union(self, avro_type: AvroType, branches: tuple[AvroType, ...]) -> pa.DataType:
        match _union_form(avro_type, self.form):
            case "json":
                return pa.string()
            case "struct":
                return pa.struct([pa.field(branch_name(each), self.type(each)) for each in branches])
            case "promote":
                return pa.int64() if _REAL.isdisjoint(branches) else pa.float64()
            case "dense":
                return pa.dense_union([self.child(branch_name(each), each) for each in _all_branches(avro_type)])


_REAL = {Float(), Double()}
_NUMBERS = {Int(), Long(), *_REAL}


def _all_branches(avro_type: AvroType) -> tuple[AvroType, ...]:
    return avro_type.branches if isinstance(avro_type, Union) else (avro_type,)


def _union_form(avro_type: AvroType, form: ArrowForm) -> Unions:
    """Return what a union of several types becomes."""
    branches = _all_branches(avro_type)
    if form.unions in ("json", "struct"):
        return form.unions
    if form.unions == "promote" and _NUMBERS.issuperset(set(branches) - {Null()}):
        return "promote"
    return "dense" if len(branches) <= MAX_CHILDREN else "json"


_Scalar: TypeAlias = (
    Null
    | Boolean
    | Int
    | Long
    | Float
    | Double
    | Bytes
    | String
    | Fixed
    | Enum
    | Date
    | Time
    | Timestamp
    | Decimal
    | BigDecimal
    | Duration
    | Uuid
)


def _scalar(avro_type: _Scalar) -> pa.DataType:
    """Return the Arrow type of a type without parts."""
    match avro_type:
        case Null():
            return pa.null()
        case Boolean():
            return pa.bool_()
        case Int():
            return pa.int32()
        case Long():
            return pa.int64()
        case Float():
            return pa.float32()
        case Double():
            return pa.float64()
        case Bytes() | BigDecimal():
            return pa.binary()
        case String() | Uuid(fixed=None):
            return pa.string()
        case Fixed(size=size):
            return pa.binary(size)
        case Uuid():
            return pa.uuid()
        case Enum():
            return pa.dictionary(pa.int32(), pa.string())
        case Date():
            return pa.date32()
        case Time(unit):
            return pa.time32("ms") if unit == "ms" else pa.time64("us")
        case Timestamp(unit, local):
            return pa.timestamp(unit, None if local else "UTC")
        case Decimal(precision, scale):
            return pa.decimal128(precision, scale) if precision <= MAX_DECIMAL128 else pa.decimal256(precision, scale)
        case Duration():
            return pa.month_day_nano_interval()
        case other:
            assert_never(other)
