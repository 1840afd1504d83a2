"""Readers that pass over values: for columns that are not wanted, and to copy a value as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from intempt_nb.codecs.avro.columns import check_branch, read_size
from intempt_nb.codecs.avro.sizes import check_count, least_size
from intempt_nb.codecs.avro.varints import Corrupt, read_long
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

    from intempt_nb.codecs.avro.columns import Read
    from intempt_nb.codecs.avro.sizes import Budget
    from intempt_nb.schema.model import Defined

__all__ = ["Skipper"]


@dataclass(frozen=True, slots=True)
class Skipper:
    """Makes readers that return where a value ends.

    Parameters
    ----------
    named
        The schema's named types.
    budget
        Counts the values that take no byte.
    known
        The readers of records by name, so that a recursive one ends.
    """

    named: Mapping[str, Defined]
    budget: Budget
    known: dict[str, Read] = field(default_factory=dict)

    def skipper(self, avro_type: AvroType) -> Read:
        """Return the reader of a type, which raises one of `BROKEN` where the data cannot hold it."""
        match avro_type:
            case Null():
                return lambda data, position: position
            case Boolean():
                return lambda data, position: position + 1
            case Float():
                return lambda data, position: position + 4
            case Double():
                return lambda data, position: position + 8
            case Fixed(size=size):
                return lambda data, position: position + size
            case Decimal(fixed=Fixed(size=size)) | Uuid(fixed=Fixed(size=size)) | Duration(Fixed(size=size)):
                return lambda data, position: position + size
            case Int() | Long() | Date("int") | Time() | Timestamp() | Enum():
                return lambda data, position: read_long(data, position)[1]
            case Bytes() | String() | Date() | Decimal() | BigDecimal() | Uuid():
                return lambda data, position: sum(read_size(data, position))
            case Array(items):
                return self._repeated(self.skipper(items), least_size(items, self.named))
            case Map(values):
                inner = self.skipper(values)
                return self._repeated(
                    lambda data, position: inner(data, sum(read_size(data, position))),
                    1 + least_size(values, self.named),
                )
            case Record() as record:
                return self._record(record)
            case Reference(name):
                return self.known.get(name) or self.skipper(self.named[name])
            case Union(branches):
                return _union([self.skipper(each) for each in branches])
            case other:
                assert_never(other)

    def _record(self, record: Record) -> Read:
        if record.name in self.known:
            return self.known[record.name]
        parts: list[Read] = []

        def read(data: bytes, position: int) -> int:
            for part in parts:
                position = part(data, position)
            return position

        self.known[record.name] = read
        parts += [self.skipper(field.type) for field in record.fields]
        return read

    def _repeated(self, item: Read, least: int) -> Read:
        def read(data: bytes, position: int) -> int:
            while True:
                count, position = read_long(data, position)
                if count == 0:
                    return position
                if count < 0:  # the run's bytes follow: it is passed over at once
                    size, position = read_size(data, position)
                    position += size
                    continue
                check_count(count, least, len(data) - position, self.budget)
                for _ in range(count):
                    position = item(data, position)

        return read


def _union(parts: list[Read]) -> Read:
    def read(data: bytes, position: int) -> int:
        index, position = read_long(data, position)
        check_branch(index, len(parts))
        position = parts[index](data, position)
        if position > len(data):
            raise Corrupt("the block ends within the value")
        return position

    return read
