"""How few bytes a value can take: what a count in a file is held against before anything is done for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from intempt_nb.codecs.avro.varints import Corrupt
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
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.schema.model import Defined

__all__ = ["Budget", "check_count", "least_size"]

MAX_EMPTY = 1 << 24
"""How many values that take no byte (null, records of nothing else) a block may have: a count of them costs the writer
of a file nothing, and its reader a step each."""


class Budget:
    """How many values without a byte may still come in the present block."""

    def __init__(self) -> None:
        self.left = MAX_EMPTY

    def renew(self) -> None:
        """Begin a block."""
        self.left = MAX_EMPTY

    def spend(self, count: int) -> None:
        """Take from what is left."""
        self.left -= count
        if self.left < 0:
            raise Corrupt(f"more than {MAX_EMPTY:,} values that take no byte in one block")


def check_count(count: int, least: int, left: int, budget: Budget) -> None:
    """Refuse a count of values that cannot be there.

    Parameters
    ----------
    count
        What the data say.
    least
        The bytes that one of them takes at least.
    left
        The bytes that are left.
    budget
        Counts those that take no byte.

    Raises
    ------
    Corrupt
        If so many do not fit.
    """
    if count * least > left:
        raise Corrupt(f"a count of {count:,} where {max(left, 0):,} bytes are left")
    if least == 0:
        budget.spend(count)


def least_size(avro_type: AvroType, named: Mapping[str, Defined], inside: frozenset[str] = frozenset()) -> int:
    """Return the bytes that a value of a type takes at least.

    Parameters
    ----------
    avro_type
        Any Avro type.
    named
        The schema's named types.
    inside
        The records around it; one of them again counts nothing, which is too few and so safe.
    """
    match avro_type:
        case Null():
            return 0
        case Float():
            return 4
        case Double():
            return 8
        case Fixed(size=size):
            return size
        case Decimal(fixed=Fixed(size=size)) | Uuid(fixed=Fixed(size=size)) | Duration(Fixed(size=size)):
            return size
        case Boolean() | Int() | Long() | Bytes() | String() | Enum() | Array() | Map():
            return 1
        case Date() | Time() | Timestamp() | Decimal() | BigDecimal() | Uuid():
            return 1
        case Union(branches):
            return 1 + min((least_size(each, named, inside) for each in branches), default=0)
        case Record(name=name) if name in inside:
            return 0
        case Record(name=name, fields=fields):
            return sum(least_size(each.type, named, inside | {name}) for each in fields)
        case Reference(name):
            return 0 if name in inside else least_size(named[name], named, inside)
        case other:
            assert_never(other)
