"""Rows without a schema → a schema, and the evidence for every type chosen.

Text (CSV) is read by the grammar of :mod:`intempt_nb.schema.text`: a type is chosen only if every value of the column
is one of it, so that a row more can widen a type and never narrows it. Typed data keeps its types; its text columns are
looked through for dates and timestamps alone, since a frame's owner who wanted numbers has them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import html_table, shorten, text_table
from intempt_nb.errors import DataError
from intempt_nb.schema.arrow import avro_name, avro_names, declared_field, titled, to_avro_field
from intempt_nb.schema.cells import KEPT, Facts, Kind, Trait, distinct, observe
from intempt_nb.schema.evidence import explain
from intempt_nb.schema.model import describe
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["InferredSchema", "Verdict", "decide", "infer"]

PIECE = 32_768  # rows looked at together: little memory, and what the first piece shows speeds up the others
FIRST_ROW_OF_TEXT = 2  # the header is row 1

_IN_TEXT = frozenset(Kind) - {Kind.TEXT}
_IN_TYPED_DATA = frozenset({Kind.DATE, Kind.TIMESTAMP})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InferredSchema:
    """A schema made from data, and why it is what it is.

    Parameters
    ----------
    schema
        The schema.
    evidence
        One row a column: ``field``, ``column`` (its name in the data), ``type``, ``rows``, ``nulls``, ``examples`` and
        ``reason``.
    """

    schema: Schema
    evidence: pd.DataFrame

    def _rows(self) -> list[list[object]]:
        rows = self.evidence.to_dict("records")
        return [[*(f"{v:,}" if isinstance(v, int) else v for v in _cells(row))] for row in rows]

    def _caption(self) -> str:
        count = len(self.evidence)
        return f"{self.schema.record.name}: {count} field{'' if count == 1 else 's'}, inferred"

    def __repr__(self) -> str:
        """Return the evidence as a text table."""
        return text_table(_EVIDENCE, self._rows(), self._caption())

    def _repr_html_(self) -> str:
        return html_table(_EVIDENCE, self._rows(), self._caption())


_EVIDENCE = ("field", "column", "type", "rows", "nulls", "examples", "reason")


def _cells(row: Mapping[Any, Any]) -> list[object]:
    return [", ".join(row[name]) if name == "examples" else row[name] for name in _EVIDENCE]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a column is.

    Parameters
    ----------
    type
        Avro JSON, without the null branch.
    nullable
        Whether the column has gaps.
    nulls
        How many.
    reason
        Why, in words.
    """

    type: Any
    nullable: bool
    nulls: int
    reason: str


def decide(facts: Facts) -> Verdict:
    """Return the narrowest type that holds every value of a column of text.

    Parameters
    ----------
    facts
        What its cells look like.

    Returns
    -------
    Verdict
        Cells such as ``NA`` are gaps if the other cells are not text; a column without a value is optional text.
    """
    avro = _type(facts)
    gaps = 0 if avro == "string" else facts.tally(Trait.GAP).count
    nulls = facts.nulls + gaps
    return Verdict(avro, bool(nulls) or not facts.values, nulls, explain(facts, avro))


def _type(facts: Facts) -> Any:
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


_UNITS = {"ms": "millis", "us": "micros", "ns": "nanos"}


def _timestamp(unit: str) -> dict[str, str]:
    return {"type": "long", "logicalType": f"timestamp-{_UNITS[unit]}"}


def infer(
    batches: Iterable[tuple[pa.RecordBatch, pa.Int64Array | None]],
    arrow_schema: pa.Schema,
    *,
    name: str,
    namespace: str | None = None,
    text: bool,
) -> InferredSchema:
    """Infer a schema from rows; they are read once, batch by batch.

    Parameters
    ----------
    batches
        The rows, and the number of each; None to count them, text from 2 (the header is row 1) and other data from 0.
    arrow_schema
        Of the batches.
    name, namespace
        Of the record.
    text
        Whether the columns are text to be read (CSV) rather than typed data.

    Returns
    -------
    InferredSchema
        A field a column. A column whose name is not an Avro name gets one, its own name being kept as the title; one
        that carries its own Avro JSON (see `Schema.to_arrow`) keeps that.

    Raises
    ------
    DataError
        If two columns have the same name, or a column's type has no Avro counterpart.
    """
    _refuse_repeats(arrow_schema.names)
    columns = [_column(field, text) for field in arrow_schema]
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        for part, rows in _pieces(batches, FIRST_ROW_OF_TEXT if text else 0):
            columns = list(pool.map(_observe, columns, part.columns, repeat(rows)))
    names = avro_names(arrow_schema.names)
    taken = {avro_name(name)}
    concluded = [each.conclude(unique, taken) for each, unique in zip(columns, names, strict=True)]
    record = {"type": "record", "name": avro_name(name), **({"namespace": namespace} if namespace else {})}
    schema = Schema.parse({**record, "fields": [field for field, _ in concluded]})
    table = [
        (field.name, column, describe(field.type), *evidence)
        for field, column, (_, evidence) in zip(schema.fields, arrow_schema.names, concluded, strict=True)
    ]
    return InferredSchema(schema, pd.DataFrame(table, columns=_EVIDENCE))


def _pieces(
    batches: Iterable[tuple[pa.RecordBatch, pa.Int64Array | None]], first: int
) -> Iterator[tuple[pa.RecordBatch, pa.Int64Array]]:
    for batch, given in batches:
        rows = pa.array(np.arange(first, first + len(batch))) if given is None else given
        first += len(batch)
        for start in range(0, len(batch), PIECE):
            yield batch.slice(start, PIECE), rows.slice(start, PIECE)


def _refuse_repeats(names: Sequence[str]) -> None:
    places: dict[str, list[str]] = {}
    for column, name in enumerate(names, 1):
        places.setdefault(name, []).append(str(column))
    repeats = {name: found for name, found in places.items() if len(found) > 1}
    if repeats:
        listed = "; ".join(f"{shorten(name)!r} is columns {' and '.join(found)}" for name, found in repeats.items())
        raise DataError(f"columns with the same name: {listed}. Rename them first", field=next(iter(repeats)))


_Evidence: TypeAlias = tuple[int, int, tuple[str, ...], str]  # rows, nulls, examples, reason


class _Column(Protocol):
    def observe(self, values: pa.Array, rows: pa.Array) -> _Column: ...

    def conclude(self, name: str, taken: set[str]) -> tuple[dict[str, Any], _Evidence]:
        """Return the field's Avro JSON and its evidence; names of types it defines are added to `taken`."""


def _observe(column: _Column, values: pa.Array, rows: pa.Array) -> _Column:
    return column.observe(values, rows)


def _column(field: pa.Field, text: bool) -> _Column:
    values = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    holds_text = any(
        is_text(values) for is_text in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )
    if holds_text and declared_field(field) is None:
        return _TextColumn(field.name, _IN_TEXT if text else _IN_TYPED_DATA)
    to_avro_field(field)  # a type without a counterpart is an error now, not after an hour of reading
    return _TypedColumn(field)


@dataclass(frozen=True, slots=True)
class _TextColumn:
    """A column of strings, and what is known of them."""

    name: str
    kinds: frozenset[Kind]
    facts: Facts = Facts()  # noqa: RUF009  (immutable)

    def observe(self, values: pa.Array, rows: pa.Array) -> _TextColumn:
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string_view(values.type):
            values = values.cast(pa.large_string())
        return replace(self, facts=self.facts + observe(values, rows, self.kinds, self.facts))

    def conclude(self, name: str, taken: set[str]) -> tuple[dict[str, Any], _Evidence]:
        verdict = decide(self.facts)
        evidence = (self.facts.rows, verdict.nulls, self.facts.examples, verdict.reason)
        return _field(name, self.name, verdict.type, nullable=verdict.nullable), evidence


@dataclass(frozen=True, slots=True)
class _TypedColumn:
    """A column whose Arrow type says what it is; of times, the values say how fine they are."""

    field: pa.Field
    rows: int = 0
    nulls: int = 0
    unit: str = "ms"
    examples: tuple[str, ...] = ()

    def observe(self, values: pa.Array, rows: pa.Array) -> _TypedColumn:
        if pa.types.is_run_end_encoded(values.type):
            values = pc.run_end_decode(values)
        present = values.drop_null()
        more = _texts(present[:KEPT]) if len(self.examples) < KEPT else []
        return replace(
            self,
            rows=self.rows + len(values),
            nulls=self.nulls + values.null_count,
            unit=_finest(present, self.unit) if pa.types.is_timestamp(values.type) else self.unit,
            examples=distinct((*self.examples, *more)),
        )

    def conclude(self, name: str, taken: set[str]) -> tuple[dict[str, Any], _Evidence]:
        evidence = (self.rows, self.nulls, self.examples)
        if declared_field(self.field) is not None:
            declared = titled(to_avro_field(self.field, taken), name, self.field.name)
            return declared, (*evidence, "declared by the Avro schema that the data carries")
        arrow = self.field.type
        if pa.types.is_timestamp(arrow):
            avro: Any = _timestamp(self.unit)
        else:
            avro = to_avro_field(self.field.with_nullable(False), taken)["type"]
        nullable = bool(self.nulls) or (not self.rows and self.field.nullable)
        return _field(name, self.field.name, avro, nullable=nullable), (*evidence, self._reason())

    def _reason(self) -> str:
        reason = f"the column holds {self.field.type}" if self.rows else f"no rows; the column is for {self.field.type}"
        zoneless = pa.types.is_timestamp(self.field.type) and self.field.type.tz is None
        return f"{reason}; no time zone: read as UTC" if zoneless else reason


def _texts(values: pa.Array) -> list[str]:
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


def _field(name: str, column: str, avro: Any, *, nullable: bool) -> dict[str, Any]:
    if isinstance(avro, list):  # a column of nulls: optional text already
        nullable, avro = True, "string"
    entry = {"type": ["null", avro], "default": None} if nullable else {"type": avro}
    return titled({"name": name, **entry}, name, column)
