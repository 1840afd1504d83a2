"""The Avro types as one closed union of frozen dataclasses.

A type is matched by ``match`` and the forgotten case is found by mypy::

    match avro_type:
        case Null(): ...
        ...
        case _: assert_never(avro_type)

A logical type is a type of its own here (`Date`, `Timestamp`, …): its base is a detail of the encoding. A name that
was defined elsewhere in the schema is a `Reference`, so that a recursive record stays a finite value; `Schema.named`
resolves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum as _Enum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "MISSING",
    "Array",
    "AvroType",
    "Base",
    "BigDecimal",
    "Boolean",
    "Bytes",
    "Date",
    "Decimal",
    "Defined",
    "Double",
    "Duration",
    "Enum",
    "Field",
    "Fixed",
    "Float",
    "Int",
    "Logical",
    "Long",
    "Map",
    "Named",
    "Null",
    "Record",
    "Reference",
    "String",
    "Time",
    "Timestamp",
    "Union",
    "Uuid",
    "base_type",
    "describe",
    "is_nullable",
    "resolved",
    "without_null",
]


class Missing(_Enum):
    """The type of `MISSING`: tells "no default" from a default of null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Null:
    """No value."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""


@dataclass(frozen=True, slots=True)
class Int:
    """32-bit signed integer."""


@dataclass(frozen=True, slots=True)
class Long:
    """64-bit signed integer; `elapsed` is the unit of an Arrow duration that it stands for."""

    elapsed: Literal["s", "ms", "us", "ns"] | None = None


@dataclass(frozen=True, slots=True)
class Float:
    """32-bit IEEE 754 number."""


@dataclass(frozen=True, slots=True)
class Double:
    """64-bit IEEE 754 number."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """A sequence of bytes; base64 text on the Intempt wire."""


@dataclass(frozen=True, slots=True)
class String:
    """Unicode text."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Exactly `size` bytes."""

    name: str
    size: int
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enum:
    """One of `symbols`; `default` is the symbol a reader takes for one it does not know."""

    name: str
    symbols: tuple[str, ...]
    default: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Array:
    """A list of `items`."""

    items: AvroType


@dataclass(frozen=True, slots=True)
class Map:
    """Text keys to `values`."""

    values: AvroType


@dataclass(frozen=True, slots=True)
class Union:
    """One of `branches`, in the order of the schema text; never directly another union."""

    branches: tuple[AvroType, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A type defined elsewhere in the same schema, by full name."""

    name: str


@dataclass(frozen=True, slots=True)
class Date:
    """A calendar day: days since 1970-01-01 on "int" (Avro 1.12), ISO text on "string" (the Intempt API)."""

    base: Literal["int", "string"] = "string"


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day without a zone: milliseconds on int, microseconds on long."""

    unit: Literal["ms", "us"]


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Units since 1970-01-01T00:00:00; an instant in UTC, or a wall clock without a zone if `local`."""

    unit: Literal["ms", "us", "ns"]
    local: bool = False


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal number of `precision` digits, `scale` of them behind the point; `fixed` is None on bytes."""

    precision: int
    scale: int = 0
    fixed: Fixed | None = None


@dataclass(frozen=True, slots=True)
class BigDecimal:
    """A decimal number that brings its own scale, on bytes; no Arrow type holds it, so it stays bytes there."""


@dataclass(frozen=True, slots=True)
class Duration:
    """Months, days and milliseconds, each an unsigned 32-bit little-endian integer, on 12 bytes."""

    fixed: Fixed


@dataclass(frozen=True, slots=True)
class Uuid:
    """An RFC 4122 UUID: text, or 16 bytes if `fixed`."""

    fixed: Fixed | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a record.

    Parameters
    ----------
    name
        Avro name.
    type
        The type; a union with null where the column may have gaps.
    default
        The default as JSON gives it; `MISSING` if there is none.
    doc, title
        What the column means, and how a person would head it; None if not given.
    display
        Whether Intempt shows the column; None if not given.
    order
        The sort order of Avro.
    aliases
        Earlier names.
    attributes
        Everything else the schema text says of the field.
    """

    name: str
    type: AvroType
    default: Any = field(default=MISSING, hash=False)
    doc: str | None = None
    title: str | None = None
    display: bool | None = None
    order: Literal["ascending", "descending", "ignore"] = "ascending"
    aliases: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def nullable(self) -> bool:
        """Whether null is a value of this column."""
        return is_nullable(self.type)

    @property
    def required(self) -> bool:
        """Whether an item must bring this column: it has no default and cannot be null."""
        return self.default is MISSING and not self.nullable


@dataclass(frozen=True, slots=True)
class Record:
    """Named columns, in order; `name` is the full name."""

    name: str
    fields: tuple[Field, ...]
    doc: str | None = None
    aliases: tuple[str, ...] = ()


Named: TypeAlias = Fixed | Enum | Record
"""What has a name of its own."""

Defined: TypeAlias = Named | Decimal | Duration | Uuid
"""What a name stands for: a fixed may bring its logical type."""

Base: TypeAlias = (
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
    | Array
    | Map
    | Record
    | Union
    | Reference
)
"""What has an encoding of its own."""

Logical: TypeAlias = Date | Time | Timestamp | Decimal | BigDecimal | Duration | Uuid
"""What is encoded as its base."""

AvroType: TypeAlias = Base | Logical


def is_nullable(avro_type: AvroType) -> bool:
    """Return whether null is a value of the type, or, as in a union of nothing, the one thing a column can hold."""
    match avro_type:
        case Null():
            return True
        case Union(branches):
            return Null() in branches or not branches
        case _:
            return False


def without_null(avro_type: AvroType) -> AvroType:
    """Return what is left of a union without its null branch; any other type as it is."""
    match avro_type:
        case Union(branches):
            rest = tuple(branch for branch in branches if branch != Null())
            if len(rest) == 1:
                return rest[0]
            return Union(rest) if rest else Null()
        case _:
            return avro_type


def resolved(avro_type: AvroType, named: Mapping[str, Defined]) -> AvroType:
    """Return what a reference names; any other type as it is."""
    return named[avro_type.name] if isinstance(avro_type, Reference) else avro_type


def base_type(avro_type: AvroType) -> Base:
    """Return the type that is encoded: a logical type's base, any other type as it is."""
    match avro_type:
        case Date(base):
            return Int() if base == "int" else String()
        case Time(unit):
            return Int() if unit == "ms" else Long()
        case Timestamp() | Long():
            return Long()
        case Decimal(fixed=fixed):
            return fixed or Bytes()
        case BigDecimal():
            return Bytes()
        case Duration(fixed):
            return fixed
        case Uuid(fixed):
            return fixed or String()
        case plain:
            return plain


_LOGICAL_UNITS = {"ms": "millis", "us": "micros", "ns": "nanos"}


def describe(avro_type: AvroType) -> str:
    """Return the type in a few words, for people: ``long or null``, ``date (text)``, ``array of string``."""
    match avro_type:
        case Null() | Boolean() | Int() | Long() | Float() | Double() | Bytes() | String():
            return type(avro_type).__name__.lower()
        case Fixed(size=size):
            return f"fixed of {size} bytes"
        case Enum(symbols=symbols):
            return f"enum of {', '.join(symbols[:4])}{', …' if len(symbols) > 4 else ''}"
        case Array(items):
            return f"array of {describe(items)}"
        case Map(values):
            return f"map of {describe(values)}"
        case Record(fields=fields):
            first = ", ".join(each.name for each in fields[:4])
            return f"record of {first or 'nothing'}{', …' if len(fields) > 4 else ''}"
        case Union(branches):
            rest = [describe(branch) for branch in branches if branch != Null()]
            return " or ".join([*rest, "null"] if len(rest) < len(branches) else rest) or "a union of nothing"
        case Reference(name):
            return name
        case Date(base):
            return "date (text)" if base == "string" else "date"
        case Time(unit):
            return f"time-{_LOGICAL_UNITS[unit]}"
        case Timestamp(unit, local):
            return f"{'local-' if local else ''}timestamp-{_LOGICAL_UNITS[unit]}"
        case Decimal(precision, scale):
            return f"decimal({precision}, {scale})"
        case BigDecimal():
            return "big-decimal"
        case Duration():
            return "duration"
        case Uuid():
            return "uuid"
