"""A line of Python that helps a column into its type, in terms of the data that was given: pandas or pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from intempt_nb.schema.mapping.layouts import is_text
from intempt_nb.schema.model import (
    AvroType,
    Boolean,
    Bytes,
    Date,
    Decimal,
    Double,
    Enum,
    Fixed,
    Float,
    Int,
    Long,
    String,
    Time,
    Timestamp,
    Uuid,
)

if TYPE_CHECKING:
    from intempt_nb.schema.checking.given import Given

__all__ = ["advise_cast", "advise_drop_gaps", "advise_rename"]


class _Cast(NamedTuple):
    """The same conversion in pandas and in pyarrow, ``{c}`` for the column; `note` says what it changes."""

    pandas: str
    arrow: str
    note: str = ""


_TEXT = _Cast("{c}.astype('string')", "{c}.cast(pa.string())")
_WHOLE = _Cast("{c}.astype('Int64')", "{c}.cast(pa.int64())")
_BOOLEAN = _Cast("{c}.astype('boolean')", "{c}.cast(pa.bool_())")
_ROUND = _Cast("{c}.round()", "pc.round({c})", "rounds")
_DAY = _Cast("{c}.dt.date", "{c}.cast(pa.date32())", "cuts off the time of day")
_WALL_CLOCK = _Cast("{c}.dt.tz_localize(None)", "pc.local_timestamp({c})", "drops the time zone")
_BYTES = _Cast("{c}.str.encode('utf-8')", "{c}.cast(pa.binary())", "if the text itself is meant, not base64")
_FLOOR = {
    "ms": _Cast("{c}.dt.floor('ms')", "pc.floor_temporal({c}, unit='millisecond')", "cuts off the microseconds"),
    "us": _Cast("{c}.dt.floor('us')", "pc.floor_temporal({c}, unit='microsecond')", "cuts off the nanoseconds"),
}


def advise_cast(data: Given, index: int, source: pa.DataType, avro_type: AvroType) -> str | None:
    """Return the line that makes a column one that its field takes, or takes more of; None if no cast would.

    Parameters
    ----------
    data
        What was given: it says how a column is written.
    index
        The column's position.
    source
        The column's Arrow type.
    avro_type
        What it should be, the null branch aside and no reference.
    """
    cast = _cast(source.value_type if pa.types.is_dictionary(source) else source, avro_type)
    return None if cast is None else _assign(data, index, cast)


def _cast(source: pa.DataType, avro_type: AvroType) -> _Cast | None:
    types = pa.types
    number = types.is_integer(source) or types.is_floating(source)
    match avro_type:
        case String() | Enum() | Uuid(fixed=None):
            nested = types.is_nested(source) or isinstance(source, pa.BaseExtensionType)
            return None if nested or is_text(source) else _TEXT
        case Int() | Long() | Float() | Double() if types.is_boolean(source):
            return _WHOLE
        case Int() | Long() if types.is_floating(source):
            return _ROUND
        case Boolean() if number:
            return _BOOLEAN
        case Decimal(precision, scale) if types.is_floating(source):
            width = 128 if precision <= 38 else 256
            target = f"pa.decimal{width}({precision}, {scale})"
            return _Cast(f"{{c}}.astype(pd.ArrowDtype({target}))", f"{{c}}.cast({target})", f"rounds to {scale} places")
        case Date() if types.is_timestamp(source):
            return _DAY
        case Timestamp() if types.is_floating(source):
            return _WHOLE
        case Timestamp(local=True) if types.is_timestamp(source) and source.tz is not None:
            return _WALL_CLOCK
        case Timestamp("ms" | "us" as unit) if types.is_timestamp(source):
            return _FLOOR[unit]
        case Time() if types.is_timestamp(source):
            finest = "ns" if source.unit == "ns" else "us"
            return _Cast("{c}.dt.time", f"{{c}}.cast(pa.time64('{finest}'))", "cuts off the day")
        case Bytes() | Fixed() if is_text(source):
            return _BYTES
        case _:
            return None


def advise_drop_gaps(data: Given, index: int) -> str:
    """Return the line that leaves out the rows without a value in a column."""
    name = data.columns[index].name
    if data.kind == "frame":
        return f"{_levels(data, index)}frame = frame.dropna(subset=[{name!r}])"
    before, variable = _variable(data)
    return f"{before}{variable} = {variable}.filter(pc.is_valid({variable}[{name!r}]))"


def advise_rename(data: Given, index: int, name: str) -> str:
    """Return the line that gives a column another name."""
    old = data.columns[index].name
    if data.kind == "frame":
        return f"{_levels(data, index)}frame = frame.rename(columns={{{old!r}: {name!r}}})"
    before, variable = _variable(data)
    return f"{before}{variable} = {variable}.rename_columns({{{old!r}: {name!r}}})"


def _assign(data: Given, index: int, cast: _Cast) -> str:
    name = data.columns[index].name
    note = f"  # {cast.note}" if cast.note else ""
    if data.kind == "frame":
        column = f"frame[{name!r}]"
        return f"{_levels(data, index)}{column} = {cast.pandas.format(c=column)}{note}"
    before, variable = _variable(data)
    converted = cast.arrow.format(c=f"{variable}[{name!r}]")
    return f"{before}{variable} = {variable}.set_column({index}, {name!r}, {converted}){note}"


def _levels(data: Given, index: int) -> str:
    """Return what makes an index level a column first."""
    return f"frame = frame.reset_index({data.columns[index].name!r}); " if data.columns[index].is_level else ""


def _variable(data: Given) -> tuple[str, str]:
    return ("table = pa.table(data); ", "table") if data.kind == "other" else ("", data.kind)
