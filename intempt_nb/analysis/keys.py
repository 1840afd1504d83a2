"""What rows have for a key: which types can be one, a hash of each row's, the keys met so far, and some to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.display import shorten
from intempt_nb.schema import model
from intempt_nb.schema.mapping.standalone import chosen_fields
from intempt_nb.schema.model import describe, resolved, without_null
from intempt_nb.schema.schema import Schema
from intempt_nb.transfer.keys import key_hashes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from intempt_nb.api.resources import Identifier

__all__ = [
    "Examples",
    "Groups",
    "Key",
    "KeyExample",
    "KeySet",
    "fields_of",
    "key_of",
    "key_refusal",
    "same_type",
    "type_problem",
    "type_text",
]

MOST_EXAMPLES = 5


def fields_of(identifier: Identifier) -> tuple[str, ...]:
    """Return the names of an identifier's fields, in order."""
    return tuple(field["name"] for field in identifier.schema_json["fields"])


def key_refusal(avro_type: model.AvroType, named: Mapping[str, model.Defined]) -> str | None:
    """Return why a field of this type can be no part of a key; None if it can.

    Parameters
    ----------
    avro_type
        Of the field.
    named
        The named types of its schema.
    """
    plain = resolved(without_null(avro_type), named)
    match plain:
        case model.Float() | model.Double():
            return "numbers with fractions are no keys, as two that look equal may differ"
        case model.BigDecimal() | model.Duration():
            return "the same value can be written in several ways, so it is no key"
        case model.Record() | model.Array() | model.Map():
            return "values with parts are no keys"
        case model.Union():
            return "values of several types are no keys"
        case model.Null():
            return "it never has a value"
        case _:
            return None


def type_problem(here: Schema, names: Sequence[str], there: Schema, theirs: Sequence[str]) -> str | None:
    """Return why fields cannot refer to the fields of a primary identifier; None if they can.

    Parameters
    ----------
    here, names
        The schema and fields that refer.
    there, theirs
        Those that are referred to.
    """
    if len(names) != len(theirs):
        return f"The key has {_fields(theirs)}; choose as many fields, in the same order."
    for name, other in zip(names, theirs, strict=True):
        if not same_type(here, name, there, other):
            types = f"{type_text(here, name)}, and {shorten(other)} is {type_text(there, other)}"
            return f"{shorten(name)} is {types}; a reference needs the same types, in the same order."
    return None


def same_type(here: Schema, name: str, there: Schema, other: str) -> bool:
    """Return whether a field can refer to another one: null, and what the types are called, aside."""
    return _comparable(here[name].type, here.named) == _comparable(there[other].type, there.named)


def type_text(schema: Schema, name: str) -> str:
    """Return the type of a field in words, null aside."""
    return describe(resolved(without_null(schema[name].type), schema.named))


def _fields(names: Sequence[str]) -> str:
    return f"{len(names)} field{'s' if len(names) > 1 else ''} ({shorten(', '.join(names), 120)})"


def _comparable(avro_type: model.AvroType, named: Mapping[str, model.Defined]) -> object:
    """Return what two types share if values of one are values of the other; what they are called does not count."""
    bare = resolved(without_null(avro_type), named)
    match bare:
        case model.Enum(symbols=symbols):
            return symbols
        case model.Fixed(size=size):
            return size
        case model.Decimal(precision, scale, fixed):
            return precision, scale, fixed and fixed.size
        case model.Uuid(model.Fixed()):
            return model.Uuid, 16
        case _:
            return bare


@dataclass(frozen=True, slots=True)
class KeyExample:
    """A key, and in how many of the rows it stands.

    Parameters
    ----------
    values
        One a field.
    rows
        How many rows have it.
    """

    values: tuple[Any, ...]
    rows: int

    def __str__(self) -> str:
        """Return the key and, where it stands in several rows, in how many."""
        text = ", ".join(shorten(each if isinstance(each, str) else str(each), 40) for each in self.values)
        return text if self.rows == 1 else f"{text} ({self.rows:,} rows)"


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The different keys of some rows, ordered by hash.

    Parameters
    ----------
    batch
        The fields of the key, without gaps.
    hashes, first, counts
        Of each key: its hash, the first row that has it, how many have it.
    """

    batch: pa.RecordBatch
    hashes: npt.NDArray[np.uint64]
    first: npt.NDArray[np.intp]
    counts: npt.NDArray[np.intp]

    def values(self, at: int) -> tuple[Any, ...]:
        """Return a key as Python has it."""
        return tuple(column[int(self.first[at])].as_py() for column in self.batch.columns)


@dataclass(frozen=True, slots=True)
class Key:
    """Fields of a collection, taken for a key.

    Parameters
    ----------
    names
        Of the fields.
    schema
        Their types under names that depend on their order only, so that keys of two collections have the same hashes.
    """

    names: tuple[str, ...]
    schema: Schema

    def complete(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the key's fields, of the rows that have a value for each."""
        chosen = batch.select(list(self.names))
        gaps = [column for column in chosen.columns if column.null_count]
        if not gaps:
            return chosen
        keep = gaps[0].is_valid()
        for each in gaps[1:]:
            keep = pc.and_(keep, each.is_valid())
        return chosen.filter(keep)

    def groups(self, complete: pa.RecordBatch) -> Groups:
        """Return the different keys among rows without gaps."""
        renamed = pa.RecordBatch.from_arrays(complete.columns, schema=wire_schema(self.schema))
        hashes = key_hashes(renamed, self.schema, self.schema.names)
        distinct, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        return Groups(complete, distinct, first, counts)


def key_of(schema: Schema, names: Sequence[str]) -> Key:
    """Return fields of a schema as a key."""
    chosen = chosen_fields(schema.to_avro(), names)
    fields = [{"name": f"key{at}", "type": each["type"]} for at, each in enumerate(chosen)]
    return Key(tuple(names), Schema.parse({"type": "record", "name": "key", "fields": fields}, strict=False))


@dataclass(slots=True)
class KeySet:
    """The hashes of the keys met so far: parts in order, each at least twice as long as the next."""

    parts: list[npt.NDArray[np.uint64]] = field(default_factory=list)

    def holds(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Return which of the hashes were met."""
        found = np.zeros(len(hashes), bool)
        for part in self.parts:
            at = np.minimum(np.searchsorted(part, hashes), len(part) - 1)
            found |= part[at] == hashes
        return found

    def add(self, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Add different hashes, in order; return which of them were met before."""
        before = self.holds(hashes)
        new = hashes[~before]
        if len(new):
            self.parts.append(new)
        while len(self.parts) > 1 and len(self.parts[-2]) < 2 * len(self.parts[-1]):
            last = self.parts.pop()
            self.parts[-1] = np.sort(np.concatenate([self.parts[-1], last]), kind="stable")  # finds the two runs
        return before


@dataclass(slots=True)
class Examples:
    """The first few keys of a kind, and how many rows have them."""

    rows: dict[int, int] = field(default_factory=dict)
    values: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    def note(self, groups: Groups, chosen: npt.NDArray[np.bool_], before: npt.NDArray[np.bool_] | None = None) -> None:
        """Count the examples among the keys of some rows, and take more of them if there are too few.

        Parameters
        ----------
        groups
            The keys.
        chosen
            Which of them are of the kind.
        before
            Which of them one earlier row had; None for none.
        """
        for each in self.rows:
            at = int(np.searchsorted(groups.hashes, np.uint64(each)))
            if at < len(groups.hashes) and int(groups.hashes[at]) == each:
                self.rows[each] += int(groups.counts[at])
        if len(self.rows) == MOST_EXAMPLES or not chosen.any():
            return
        some = np.flatnonzero(chosen)
        for at in some[np.argsort(groups.first[some])][: 2 * MOST_EXAMPLES].tolist():  # fewer than half are known
            each = int(groups.hashes[at])
            if len(self.rows) < MOST_EXAMPLES and each not in self.rows:
                self.rows[each] = int(groups.counts[at]) + bool(before is not None and before[at])
                self.values[each] = groups.values(at)

    def list(self) -> tuple[KeyExample, ...]:
        """Return them, in the order in which they were met."""
        return tuple(KeyExample(self.values[each], rows) for each, rows in self.rows.items())
