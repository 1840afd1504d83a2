"""Which columns could be the primary identifier: no gaps and no value twice.

A value is remembered as a hash of 64 bits, so that two different values of ten million are taken for one with a chance
of one in 300,000. A column is given up at its first repeat, which most have soon, and `BUDGET` hashes are kept at most,
shared by the columns that have had none; beyond them it stays open whether a column is unique.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.checking import text as grammar
from intempt_nb.schema.model import (
    Bytes,
    Date,
    Decimal,
    Fixed,
    Int,
    Long,
    String,
    Time,
    Timestamp,
    Uuid,
    without_null,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from intempt_nb.schema.model import AvroType

__all__ = ["BUDGET", "Distinct", "hash_bytes", "identifier_rank", "mixed", "with_values"]

BUDGET = 32_000_000
"""Hashes kept of all columns together: 256 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """Whether the values of a column are all different, as far as it was looked.

    Parameters
    ----------
    hashes
        Of the values so far, in parts; empty once it does not matter any more.
    count
        How many values were looked at.
    checked
        How many of them are known to be different.
    repeated
        Whether a value was met twice.
    full
        Whether there were more values than hashes may be kept.
    """

    hashes: tuple[npt.NDArray[np.uint64], ...] = ()
    count: int = 0
    checked: int = 0
    repeated: bool = False
    full: bool = False

    @property
    def open(self) -> bool:
        """Whether another value could make a difference."""
        return not (self.repeated or self.full)

    def add(self, hashes: npt.NDArray[np.uint64], limit: int) -> Distinct:
        """Return what is known with more values.

        Parameters
        ----------
        hashes
            One a value.
        limit
            How many may be kept.
        """
        if not self.open or not len(hashes):
            return self
        if self.count + len(hashes) > limit:
            return replace(self._checked(), hashes=(), full=True)
        more = replace(self, hashes=(*self.hashes, hashes), count=self.count + len(hashes))
        # Sorting at every doubling finds a repeat soon and costs, over all, what sorting twice does.
        return more._checked() if more.count >= 2 * self.checked else more

    def __add__(self, other: Distinct) -> Distinct:
        """Return what is known of the values of both."""
        if self.repeated or other.repeated:
            return Distinct(repeated=True)
        if self.full or other.full:
            return Distinct(count=self.count + other.count, full=True)
        both = Distinct((*self.hashes, *other.hashes), self.count + other.count)
        return both._checked() if both.count <= BUDGET else Distinct(count=both.count, full=True)

    def _checked(self) -> Distinct:
        if not self.hashes:
            return self
        ordered = np.sort(np.concatenate(self.hashes))
        if (ordered[1:] == ordered[:-1]).any():
            return Distinct(count=self.count, repeated=True)
        return replace(self, hashes=(ordered,), checked=self.count)

    def unique(self) -> bool | None:
        """Return whether all values are different; None where that stayed open."""
        checked = self._checked() if self.open else self
        return False if checked.repeated else None if checked.full else True


def with_values(so_far: Distinct, values: pa.Array, limit: int) -> Distinct:
    """Return what is known of a column's values with more of them.

    Text is taken without the white space around it, and cells that say "no value" are left out. Types that identify
    nothing (numbers with fractions, true and false, nested values) stay open.

    Parameters
    ----------
    so_far
        What is known.
    values
        Any array.
    limit
        How many hashes may be kept.
    """
    if not so_far.open:
        return so_far
    keys = _keys(values.drop_null())
    return Distinct(full=True) if keys is None else so_far.add(keys, limit)


def _keys(values: pa.Array) -> npt.NDArray[np.uint64] | None:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    kind, types = values.type, pa.types
    if types.is_uint64(kind):
        return np.asarray(values, np.uint64)
    if types.is_integer(kind) or (types.is_temporal(kind) and not types.is_interval(kind)):
        narrow = kind.bit_width == 32 and types.is_temporal(kind)
        return np.asarray((values.cast(pa.int32()) if narrow else values).cast(pa.int64()), np.int64).view(np.uint64)
    if types.is_string(kind) or types.is_large_string(kind):
        values = pc.utf8_trim_whitespace(values)
        values = values.filter(pc.invert(pc.is_in(values, pa.array(grammar.NULL_TEXTS, kind))))
    elif types.is_decimal(kind):
        values = values.cast(pa.string())
    elif not (types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)):
        return None
    return hash_bytes(values)


_MANY_BITS = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))  # of MurmurHash3's last step
_WORD_BYTES = 8


def hash_bytes(values: pa.Array) -> npt.NDArray[np.uint64]:
    """Return a hash of each text or each bytes: of its length and of its words, one after the other."""
    wide = values.cast(pa.large_binary())
    _, offsets, data = wide.buffers()
    bounds = np.frombuffer(offsets, np.int64, len(wide) + 1, wide.offset * 8)
    first, last = int(bounds[0]), int(bounds[-1])
    padded = np.zeros(last - first + _WORD_BYTES, np.uint8)
    if last > first:
        padded[: last - first] = np.frombuffer(data, np.uint8, last - first, first)
    words = np.ndarray((len(padded) - _WORD_BYTES + 1,), "<u8", padded, strides=(1,))  # one from every byte on
    starts, lengths = bounds[:-1] - first, np.diff(bounds)
    hashes = mixed(lengths.astype(np.uint64))
    for at in range(0, int(lengths.max(initial=0)), _WORD_BYTES):
        here = np.flatnonzero(lengths > at)
        beyond = np.clip(at + _WORD_BYTES - lengths[here], 0, None).astype(np.uint64) * np.uint64(8)
        word = words[starts[here] + at] & (np.uint64(2**64 - 1) >> beyond)
        hashes[here] = mixed(hashes[here] ^ word)
    return hashes


def mixed(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return a hash of each number: different numbers give different ones."""
    for factor in _MANY_BITS:
        bits = (bits ^ (bits >> np.uint64(33))) * factor
    return bits ^ (bits >> np.uint64(33))


_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAMES = frozenset({"id", "uuid", "guid", "key", "identifier", "pk"})


def identifier_rank(name: str, record: str, avro_type: AvroType) -> tuple[int, int] | None:
    """Return how good an identifier a unique column would make, the best first; None if it would make none.

    Parameters
    ----------
    name
        Of the column: ``id``, or ``orderId`` in a record ``orders``, comes before ``customerId``, and that before
        ``email``.
    record
        The record's name.
    avro_type
        Text, whole numbers and UUIDs come before days, times and bytes; numbers with fractions, true and false and
        nested values identify nothing.
    """
    match without_null(avro_type):
        case String() | Int() | Long() | Uuid():
            kind = 0
        case Date() | Time() | Timestamp() | Decimal(scale=0) | Bytes() | Fixed():
            kind = 1
        case _:
            return None
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] not in _NAMES:
        return 2, kind
    rest = [word.rstrip("s") for word in words[:-1]]
    own = [word.lower().rstrip("s") for word in _WORD.findall(record)]
    return (0 if not rest or rest == own[-len(rest) :] else 1), kind
