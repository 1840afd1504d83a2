"""Columns of records, lists and maps: looked into with the same rules at every depth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.schema.inferring.cells import KEPT, distinct
from intempt_nb.schema.inferring.leaves import texts_of
from intempt_nb.schema.inferring.observed import Column, Concluded, Evidence, Naming, nullable_field
from intempt_nb.schema.inferring.widening import join
from intempt_nb.schema.mapping.arrow_names import avro_names, titled
from intempt_nb.schema.mapping.layouts import is_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ListColumn", "MapColumn", "Seen", "StructColumn", "holds_list", "merge_columns"]


def holds_list(kind: pa.DataType) -> bool:
    """Return whether a type is one of Arrow's lists, views among them."""
    return is_list(kind) or pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of nested values as such."""

    rows: int = 0
    nulls: int = 0
    examples: tuple[str, ...] = ()

    def observe(self, values: pa.Array, present: pa.Array) -> Seen:
        """Return what is known with more values, `present` being those that are not null."""
        more = texts_of(present[:KEPT]) if len(self.examples) < KEPT else []
        examples = distinct((*self.examples, *more))
        return Seen(self.rows + len(values), self.nulls + len(values) - len(present), examples)

    def absent(self, rows: int) -> Seen:
        """Return what is known with rows that lack the value."""
        return replace(self, rows=self.rows + rows, nulls=self.nulls + rows)

    def __add__(self, other: Seen) -> Seen:
        return Seen(self.rows + other.rows, self.nulls + other.nulls, distinct((*self.examples, *other.examples)))


@dataclass(frozen=True, slots=True)
class _Nested:
    """What records, lists and maps have in common."""

    label: str
    seen: Seen

    @property
    def rows(self) -> int:
        return self.seen.rows

    @property
    def nulls(self) -> int:
        return self.seen.nulls

    @property
    def hashing(self) -> bool:
        return False

    def absent(self, rows: int) -> Self:
        return replace(self, seen=self.seen.absent(rows))

    def concluded(self, naming: Naming, avro: Any, reason: str, inside: Iterable[Concluded]) -> Concluded:
        seen = self.seen
        entry = nullable_field(naming.name, avro, nullable=bool(seen.nulls) or not seen.rows)
        reason = reason if seen.rows > seen.nulls else "no values" if seen.rows else "no rows"
        own = Evidence((naming.name,), (self.label,), seen.rows, seen.nulls, seen.examples, reason)
        rest = [each.inside(naming.name, self.label) for part in inside for each in part.evidence]
        return Concluded(titled(entry, naming.name, self.label), (own, *rest))


@dataclass(frozen=True, slots=True)
class StructColumn(_Nested):
    """A column of objects, each with the same fields.

    Parameters
    ----------
    label, seen
        Its name in the data, and what is known of the values as such.
    children
        The columns inside, by their own names.
    """

    children: Mapping[str, Column]

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> StructColumn:
        """Return what is known with more values; see `Column`."""
        present, where = _present(values, rows)
        children = {
            label: child.observe(part, where, 0)
            for (label, child), part in zip(self.children.items(), present.flatten(), strict=True)
        }
        return replace(self, children=children, seen=self.seen.observe(values, present))

    def merged(self, other: Column) -> StructColumn | None:
        """Return what is known with other data's column; None if that is of another kind."""
        if not isinstance(other, StructColumn):
            return None
        own, others = self.rows - self.nulls, other.rows - other.nulls
        children = merge_columns(self.children, own, other.children, others)
        return StructColumn(self.label, self.seen + other.seen, children)

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field and its evidence."""
        record = naming.define("record")
        names = avro_names(list(self.children))
        found = [child.conclude(naming.inner(name)) for name, child in zip(names, self.children.values(), strict=True)]
        avro = {"type": "record", "name": record, "fields": [each.field for each in found]}
        count = len(self.children)
        reason = f"objects of {count} field{'' if count == 1 else 's'}"
        return self.concluded(naming, avro, reason, found)


def merge_columns(
    mine: Mapping[str, Column], my_rows: int, others: Mapping[str, Column], other_rows: int
) -> dict[str, Column]:
    """Return the columns of both; one that only one side has is absent in the rows of the other.

    Parameters
    ----------
    mine, others
        The columns by name.
    my_rows, other_rows
        How many rows each side has.
    """
    found = {
        label: join(each, others[label]) if label in others else each.absent(other_rows) for label, each in mine.items()
    }
    return found | {label: each.absent(my_rows) for label, each in others.items() if label not in mine}


@dataclass(frozen=True, slots=True)
class ListColumn(_Nested):
    """A column of lists.

    Parameters
    ----------
    label, seen
        Its name in the data, and what is known of the values as such.
    item
        What is known of the items.
    """

    item: Column

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> ListColumn:
        """Return what is known with more values; see `Column`."""
        present, where = _present(values, rows)
        item = self.item.observe(pc.list_flatten(present), where.take(pc.list_parent_indices(present)), 0)
        return replace(self, item=item, seen=self.seen.observe(values, present))

    def merged(self, other: Column) -> ListColumn | None:
        """Return what is known with other data's column; None if that is of another kind."""
        if not isinstance(other, ListColumn):
            return None
        return ListColumn(self.label, self.seen + other.seen, join(self.item, other.item))

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field and its evidence."""
        found = self.item.conclude(naming)
        lists = self.rows - self.nulls
        reason = (
            f"{self.item.rows:,} item{'' if self.item.rows == 1 else 's'} in {lists:,} list{'' if lists == 1 else 's'}"
        )
        if lists and not self.item.rows:
            reason = "every list is empty"
        avro = {"type": "array", "items": found.field["type"]}
        return self.concluded(naming, avro, reason, [_renamed(found, "[]")])


@dataclass(frozen=True, slots=True)
class MapColumn(_Nested):
    """A column of maps from text to values of one type.

    Parameters
    ----------
    label, seen
        Its name in the data, and what is known of the values as such.
    value
        What is known of the values.
    """

    value: Column

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> MapColumn:
        """Return what is known with more values; see `Column`."""
        entries, where = _present(values, rows)
        start, end = entries.offsets[0].as_py(), entries.offsets[-1].as_py()
        items = entries.items.slice(start, end - start)
        lengths = pc.subtract(entries.offsets[1:], entries.offsets[:-1])
        parents = pc.list_parent_indices(pa.ListArray.from_arrays(_offsets(lengths), items))
        value = self.value.observe(items, where.take(parents), 0)
        return replace(self, value=value, seen=self.seen.observe(values, entries))

    def merged(self, other: Column) -> MapColumn | None:
        """Return what is known with other data's column; None if that is of another kind."""
        if not isinstance(other, MapColumn):
            return None
        return MapColumn(self.label, self.seen + other.seen, join(self.value, other.value))

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field and its evidence."""
        found = self.value.conclude(naming)
        reason = f"{self.value.rows:,} entries in {self.rows - self.nulls:,} maps"
        avro = {"type": "map", "values": found.field["type"]}
        return self.concluded(naming, avro, reason, [_renamed(found, "{}")])


def _present(values: pa.Array, rows: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return the values that are not null, and their rows."""
    if not values.null_count:
        return values, rows
    valid = values.is_valid()
    return values.filter(valid), rows.filter(valid)


def _offsets(lengths: pa.Array) -> pa.Array:
    sums = pc.cumulative_sum(lengths.cast(pa.int64()))
    return pa.concat_arrays([pa.array([0], pa.int64()), sums]).cast(pa.int32())


def _renamed(found: Concluded, step: str) -> Concluded:
    """Return what was concluded of items or values, which have no name of their own."""
    own, *inside = found.evidence
    return Concluded(
        found.field,
        (
            replace(own, fields=(step,), columns=(step,)),
            *(replace(each, fields=(step, *each.fields[1:]), columns=(step, *each.columns[1:])) for each in inside),
        ),
    )
