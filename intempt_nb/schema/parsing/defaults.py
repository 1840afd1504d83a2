"""Whether a default fits its type, by the table of Avro 1.12, "Complex Types".

A default looks as the value does in Avro's JSON encoding, except that the value of a union is not tagged; since Avro
1.12 it may be of any branch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, assert_never

from intempt_nb.errors import Problem
from intempt_nb.schema.model import (
    MISSING,
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
    describe,
    resolved,
)
from intempt_nb.schema.parsing.naming import shown
from intempt_nb.schema.parsing.source import pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from intempt_nb.schema.model import Defined

__all__ = ["default_problems", "uses_names"]

_INT = 2**31
_LONG = 2**63


def default_problems(default: Any, avro_type: AvroType, named: Mapping[str, Defined], path: str) -> Iterator[Problem]:
    """Tell where a default does not fit its type.

    Parameters
    ----------
    default
        As decoded JSON.
    avro_type
        The field's type.
    named
        The schema's named types.
    path
        The JSON pointer of the default.

    Yields
    ------
    Problem
        One for each part that does not fit.
    """
    yield from _Checker(named).problems(default, avro_type, path)


@dataclass(frozen=True, slots=True)
class _Checker:
    """Remembers what fits: two records that name each other in unions would ask twice as often with each level."""

    named: Mapping[str, Defined]
    known: dict[tuple[int, int], bool] = dataclass_field(default_factory=dict)

    def problems(self, default: Any, avro_type: AvroType, path: str) -> Iterator[Problem]:
        match avro_type, default:
            case Reference(name), _:
                yield from self.problems(default, self.named[name], path)
            case Union(branches), _:
                if not any(self._fits(default, branch) for branch in branches):
                    yield _mismatch(default, avro_type, path)
            case Array(inner), list():
                for index, each in enumerate(default):
                    yield from self.problems(each, inner, f"{path}/{index}")
            case Map(inner), dict():
                for key, each in default.items():
                    yield from self.problems(each, inner, pointer(path, key))
            case Record(fields=fields), dict():
                for field in fields:
                    if field.name in default:
                        yield from self.problems(default[field.name], field.type, pointer(path, field.name))
                    elif field.default is MISSING:
                        yield Problem(path, f"no value for the field {field.name!r}, which has no default of its own")
            case _:
                if not _fits(default, avro_type):
                    yield _mismatch(default, avro_type, path)

    def _fits(self, default: Any, avro_type: AvroType) -> bool:
        found = resolved(avro_type, self.named)
        key = id(default), id(found)
        if key not in self.known:
            self.known[key] = next(self.problems(default, found, ""), None) is None
        return self.known[key]


def uses_names(avro_type: AvroType) -> bool:
    """Return whether the type has parts that are defined elsewhere in its schema."""
    match avro_type:
        case Reference():
            return True
        case Array(inner) | Map(inner):
            return uses_names(inner)
        case Union(branches):
            return any(uses_names(branch) for branch in branches)
        case Record(fields=fields):
            return any(uses_names(field.type) for field in fields)
        case _:
            return False


def _mismatch(default: Any, avro_type: AvroType, path: str) -> Problem:
    return Problem(path, f"the default {shown(default)} is not of its type; expected {describe(avro_type)}")


def _fits(default: Any, avro_type: AvroType) -> bool:
    match avro_type:
        case Null():
            return default is None
        case Boolean():
            return isinstance(default, bool)
        case Int() | Time(unit="ms") | Date(base="int"):
            return _is_integer(default, _INT)
        case Long() | Time() | Timestamp():
            return _is_integer(default, _LONG)
        case Float() | Double():
            return isinstance(default, int | float) and not isinstance(default, bool) and math.isfinite(default)
        case Enum(symbols=symbols):
            return default in symbols
        case String() | Date() | Uuid(fixed=None):
            return isinstance(default, str)
        case Bytes() | BigDecimal() | Decimal(fixed=None):
            return _is_bytes(default)
        case Fixed(size=size) | Decimal(fixed=Fixed(size=size)) | Duration(Fixed(size=size)) | Uuid(Fixed(size=size)):
            return _is_bytes(default) and len(default) == size
        case Array() | Map() | Record() | Union() | Reference():  # of another kind than a list or an object
            return False
        case Decimal() | Uuid():
            return False
        case other:
            assert_never(other)


def _is_integer(default: Any, limit: int) -> bool:
    return isinstance(default, int) and not isinstance(default, bool) and -limit <= default < limit


def _is_bytes(default: Any) -> bool:
    """Return whether the default is text whose characters stand for bytes, those up to 255."""
    return isinstance(default, str) and max(default, default="") <= "\xff"
