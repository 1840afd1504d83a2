"""Columns of single values: text that is looked through, and values whose Arrow type says what they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import shorten
from intempt_nb.schema.inferring.cells import KEPT, Facts, Kind, Trait, distinct, observe
from intempt_nb.schema.inferring.evidence import explain
from intempt_nb.schema.inferring.identifiers import Distinct, with_values
from intempt_nb.schema.inferring.observed import Column, Concluded, Evidence, Naming, nullable_field
from intempt_nb.schema.mapping.arrow_names import titled
from intempt_nb.schema.mapping.from_arrow import Reverse
from intempt_nb.schema.mapping.layouts import is_text
from intempt_nb.schema.mapping.metadata import declared_field, to_avro_field

__all__ = ["IN_TEXT", "IN_TYPED_DATA", "MIXED_KEY", "TextColumn", "TypedColumn", "decide", "holds_text", "texts_of"]

IN_TEXT = frozenset(Kind) - {Kind.TEXT}
IN_TYPED_DATA = frozenset({Kind.DATE, Kind.TIMESTAMP})
MIXED_KEY = b"intempt.mixed"
"""Field metadata of a text column that stands for values of several kinds, and says which."""

_UNITS = {"ms": "millis", "us": "micros", "ns": "nanos"}


def holds_text(kind: pa.DataType) -> bool:
    """Return whether a type is one of Arrow's texts, or a dictionary of one."""
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def decide(facts: Facts) -> Any:
    """Return the narrowest type, as Avro JSON, that holds every value of a column of text.

    Parameters
    ----------
    facts
        What its cells look like.
    """

    def has(trait: Trait) -> bool:
        return facts.tally(trait).count > 0

    kinds = frozenset(facts.kinds)
    if kinds == {Kind.BOOLEAN}:
        return "boolean"
    if kinds == {Kind.INTEGER} and not has(Trait.HUGE):
        return "long"
    if Kind.DECIMAL in kinds and kinds <= {Kind.DECIMAL, Kind.INTEGER} and not has(Trait.INEXACT):
        return "double"
    if kinds == {Kind.DATE}:
        return {"type": "string", "logicalType": "date"}
    if kinds == {Kind.TIMESTAMP} and not (has(Trait.NANOS) and has(Trait.FAR)):
        return _timestamp("ns" if has(Trait.NANOS) else "us" if has(Trait.MICROS) else "ms")
    return "string"


def _timestamp(unit: str) -> dict[str, str]:
    return {"type": "long", "logicalType": f"timestamp-{_UNITS[unit]}"}


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of strings.

    Parameters
    ----------
    label
        Its name in the data.
    kinds
        What its text is looked through for.
    origin
        What its rows are rows of.
    mixed
        The kinds of values it stands for, where it was made text because there are several.
    facts, distinct
        What is known so far.
    """

    label: str
    kinds: frozenset[Kind]
    origin: str = ""
    mixed: str = ""
    facts: Facts = Facts()  # noqa: RUF009  (immutable)
    distinct: Distinct = Distinct()  # noqa: RUF009  (immutable)

    @property
    def rows(self) -> int:
        """How many cells there were."""
        return self.facts.rows

    @property
    def nulls(self) -> int:
        """How many of them were null."""
        return self.facts.nulls

    @property
    def hashing(self) -> bool:
        """Whether it keeps hashes of its values."""
        return self.distinct.open

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> TextColumn:
        """Return what is known with more values; see `Column`."""
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string_view(values.type):
            values = values.cast(pa.large_string())
        facts = self.facts + observe(values, rows, self.kinds, self.facts)
        return replace(self, facts=facts, distinct=with_values(self.distinct, values, limit))

    def absent(self, rows: int) -> TextColumn:
        """Return what is known with rows that lack the column."""
        return replace(self, facts=self.facts + Facts(rows, rows))

    def merged(self, other: Column) -> TextColumn | None:
        """Return what is known with other data's column; None if that is of another kind."""
        if not isinstance(other, TextColumn) or self.kinds != other.kinds:
            return None
        facts = self.facts.of(self.origin) + other.facts.of(other.origin)
        mixed = self.mixed or other.mixed
        return replace(self, mixed=mixed, facts=facts, distinct=self.distinct + other.distinct)

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field and its evidence."""
        facts, avro = self.facts, decide(self.facts)
        gaps = facts.tally(Trait.GAP).count
        nulls = facts.nulls + (0 if avro == "string" else gaps)
        unique = self.distinct.unique()
        if avro == "string" and gaps > 1:  # cells that say "no value" are values here, and were not compared
            unique = False
        reason = explain(facts, avro) + (f"; the JSON has {self.mixed} here" if self.mixed else "")
        entry = nullable_field(naming.name, avro, nullable=bool(nulls) or not facts.values)
        evidence = Evidence((naming.name,), (self.label,), facts.rows, nulls, facts.examples, reason, unique)
        return Concluded(titled(entry, naming.name, self.label), (evidence,))


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column whose Arrow type says what it is; of times, the values say how fine they are.

    Parameters
    ----------
    field
        Its Arrow field.
    rows, nulls, unit, examples, distinct
        What is known so far.
    """

    field: pa.Field
    rows: int = 0
    nulls: int = 0
    unit: str = "ms"
    examples: tuple[str, ...] = ()
    distinct: Distinct = Distinct()  # noqa: RUF009  (immutable)

    @property
    def label(self) -> str:
        """Its name in the data."""
        return str(self.field.name)

    @property
    def hashing(self) -> bool:
        """Whether it keeps hashes of its values."""
        return self.distinct.open

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> TypedColumn:
        """Return what is known with more values; see `Column`."""
        if pa.types.is_run_end_encoded(values.type):
            values = pc.run_end_decode(values)
        present = values.drop_null()
        more = texts_of(present[:KEPT]) if len(self.examples) < KEPT else []
        return replace(
            self,
            rows=self.rows + len(values),
            nulls=self.nulls + values.null_count,
            unit=_finest(present, self.unit) if pa.types.is_timestamp(values.type) else self.unit,
            examples=distinct((*self.examples, *more)),
            distinct=with_values(self.distinct, present, limit),
        )

    def absent(self, rows: int) -> TypedColumn:
        """Return what is known with rows that lack the column."""
        return replace(self, rows=self.rows + rows, nulls=self.nulls + rows)

    def merged(self, other: Column) -> TypedColumn | None:
        """Return what is known with other data's column; None if that is of another kind."""
        if not isinstance(other, TypedColumn) or not self.field.equals(other.field, check_metadata=True):
            return None
        return TypedColumn(
            self.field,
            self.rows + other.rows,
            self.nulls + other.nulls,
            max(self.unit, other.unit, key=list(_UNITS).index),
            distinct((*self.examples, *other.examples)),
            self.distinct + other.distinct,
        )

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field and its evidence."""
        declared = declared_field(self.field)
        unique = self.distinct.unique()
        evidence = Evidence(
            (naming.name,), (self.label,), self.rows, self.nulls, self.examples, self._reason(declared), unique
        )
        if declared is not None:
            entry = to_avro_field(self.field, made=naming.made)
        else:
            nullable = bool(self.nulls) or self._no_type or (not self.rows and self.field.nullable)
            entry = nullable_field(naming.name, self._type(naming), nullable=nullable)
        return Concluded(titled(entry, naming.name, self.label), (evidence,))

    def _type(self, naming: Naming) -> Any:
        if pa.types.is_timestamp(self.field.type):
            return _timestamp(self.unit)
        if self.field.type == pa.uuid():  # as text, which is what an item has in any case
            return {"type": "string", "logicalType": "uuid"}
        return Reverse(naming.made.taken).type(self.field.type, self.label, f"{naming.prefix}{naming.name}", {})

    @property
    def _no_type(self) -> bool:
        return bool(pa.types.is_null(self.field.type))

    def _reason(self, declared: object) -> str:
        if declared is not None:
            return "declared by the Avro schema that the data carries"
        if self._no_type and self.rows:
            return "no values"
        reason = f"the column holds {self.field.type}" if self.rows else f"no rows; the column is for {self.field.type}"
        zoneless = pa.types.is_timestamp(self.field.type) and self.field.type.tz is None
        return f"{reason}; no time zone: read as UTC" if zoneless else reason


def texts_of(values: pa.Array) -> list[str]:
    """Return values as short texts, for people."""
    if pa.types.is_timestamp(values.type):  # shown in UTC, which needs no data about time zones
        values = values.cast(pa.timestamp(values.type.unit))
    try:
        return [shorten(each) for each in values.cast(pa.string()).to_pylist()]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return [shorten(each) for each in values.to_pylist()]


def _finest(instants: pa.Array, unit: str) -> str:
    """Return the coarsest unit, from `unit` on, that holds the times exactly."""
    naive = instants.cast(pa.timestamp(instants.type.unit))
    units = list(_UNITS)
    for each in units[units.index(unit) :]:
        try:
            naive.cast(pa.timestamp(each))
        except pa.ArrowInvalid:
            continue
        return each
    return units[-1]
