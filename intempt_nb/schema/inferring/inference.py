"""Rows without a schema → a schema, and the evidence for every type chosen.

Text (CSV) is read by the grammar of :mod:`intempt_nb.schema.checking.text`: a type is chosen only if every value of the
column is one of it, so that a row more can widen a type and never narrows it. Typed data keeps its types; its text
columns are looked through for dates and timestamps alone, since a frame's owner who wanted numbers has them. Records,
lists and maps are looked into with the same rules at every depth. Times without a zone are UTC, at every depth.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.display import html_table, shorten, text_table
from intempt_nb.errors import DataError
from intempt_nb.schema.inferring.identifiers import BUDGET, identifier_rank
from intempt_nb.schema.inferring.leaves import IN_TEXT, IN_TYPED_DATA, MIXED_KEY, TextColumn, TypedColumn, holds_text
from intempt_nb.schema.inferring.nested import ListColumn, MapColumn, Seen, StructColumn, holds_list, merge_columns
from intempt_nb.schema.inferring.observed import Column, Concluded, Naming
from intempt_nb.schema.inferring.pins import Pin, PinnedColumn, read_pins, refuse_unused
from intempt_nb.schema.mapping.arrow_names import avro_name, avro_names
from intempt_nb.schema.mapping.from_arrow import Reverse
from intempt_nb.schema.mapping.metadata import Made, declared_field
from intempt_nb.schema.model import Array, Map, Record, describe, without_null
from intempt_nb.schema.parsing.source import too_deep
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from intempt_nb.schema.model import AvroType

__all__ = ["InferredSchema", "infer"]

PIECE = 32_768  # rows looked at together: little memory, and what the first piece shows speeds up the others
FIRST_ROW_OF_TEXT = 2  # the header is row 1
MOST_SHOWN = 200  # lines of evidence in a view

_EVIDENCE = ("field", "column", "type", "rows", "nulls", "unique", "examples", "reason")


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was seen of the data: what a schema is concluded from.

    Parameters
    ----------
    name, namespace
        Of the record.
    columns
        By their own names.
    reserved
        Names of types that pinned ones define.
    rows
        How many were looked at.
    sampled
        Whether there were more.
    sample, said
        What the type of each place was after so many rows, where the rest was there to verify it.
    """

    name: str
    namespace: str | None
    columns: Mapping[str, Column]
    reserved: frozenset[str] = frozenset()
    rows: int = 0
    sampled: bool = False
    sample: int = 0
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InferredSchema:
    """A schema made from data, and why it is what it is.

    Parameters
    ----------
    schema
        The schema.
    evidence
        A DataFrame with a row for each column, and for each place inside of nested ones: ``field`` (``address.city``,
        ``tags[]``), ``column`` (the same in the data's own names), ``type``, ``rows``, ``nulls``, ``unique`` (None
        where it is not known), ``examples`` and ``reason``.
    identifier_candidates
        Columns without a gap in which no value was met twice: those named like an identifier first, then by type;
        last those of which it is not known, as there were more values than are compared (see
        :mod:`intempt_nb.schema.inferring.identifiers`) or only a sample was looked at.
    seen
        What :meth:`merge` adds to.
    """

    schema: Schema
    evidence: pd.DataFrame
    identifier_candidates: tuple[str, ...]
    seen: Observed

    def merge(self, other: InferredSchema) -> InferredSchema:
        """Return the schema of both data, a second file for example, as if it had been inferred from all the rows.

        Parameters
        ----------
        other
            Inferred from other data. Columns are matched by their names; one that is not in both becomes optional.
            The record keeps the name that it has here.

        Raises
        ------
        TypeError
            If `other` is anything else.
        """
        if not isinstance(other, InferredSchema):
            raise TypeError(f"found {type(other).__name__}; expected an InferredSchema: what infer_schema gives")
        mine, others = self.seen, other.seen
        columns = merge_columns(mine.columns, mine.rows, others.columns, others.rows)
        rows, sampled = mine.rows + others.rows, mine.sampled or others.sampled
        reserved = mine.reserved | others.reserved
        return _conclude(Observed(mine.name, mine.namespace, columns, reserved, rows, sampled))

    def _rows(self) -> list[list[object]]:
        rows = self.evidence.head(MOST_SHOWN).to_dict("records")
        return [[_shown(row[name]) for name in _EVIDENCE] for row in rows]

    def _caption(self) -> str:
        count = len(self.schema)
        parts = [f"{self.schema.record.name}: {count} field{'' if count == 1 else 's'}, inferred"]
        if self.seen.sampled:
            parts.append(f"from a sample of {self.seen.rows:,} rows")
        if self.identifier_candidates:
            listed = ", ".join(self.identifier_candidates[:5])
            parts.append(f"could be the identifier: {listed}{', …' if len(self.identifier_candidates) > 5 else ''}")
        if len(self.evidence) > MOST_SHOWN:
            parts.append(f"{MOST_SHOWN} of {len(self.evidence):,} lines; .evidence has all")
        return "; ".join(parts)

    def __repr__(self) -> str:
        """Return the evidence as a text table."""
        return text_table(_EVIDENCE, self._rows(), self._caption())

    def _repr_html_(self) -> str:
        return html_table(_EVIDENCE, self._rows(), self._caption())


def _shown(value: Any) -> object:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case tuple():
            return ", ".join(value)
        case _:
            return value


def infer(
    batches: Iterable[tuple[pa.RecordBatch, pa.Int64Array | None]],
    arrow_schema: pa.Schema,
    *,
    name: str,
    namespace: str | None = None,
    text: bool,
    types: Mapping[str, Any] | None = None,
    sample: int | None = None,
    verify: bool = False,
    origin: str = "the other data",
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
    types
        Avro JSON of columns, by name, or by path for what is nested: ``address.zip``, ``tags[]``, ``prices{}``.
    sample
        How many rows to look at; None for all.
    verify
        Whether to go on after the sample: what it said is widened where a later row does not fit, and the evidence
        tells.
    origin
        What the rows are rows of, for the evidence of merged schemas.

    Returns
    -------
    InferredSchema
        A field a column. A column whose name is not an Avro name gets one, its own name being kept as the title; one
        that carries its own Avro JSON (see `Schema.to_arrow`) keeps that. A field is optional if a value is missing.

    Raises
    ------
    DataError
        If two columns have the same name, a column's type has no Avro counterpart, or `types` names no column.
    SchemaError
        If one of `types` is no Avro type.
    """
    _refuse_repeats(arrow_schema.names)
    factory = _Factory(IN_TEXT if text else IN_TYPED_DATA, origin, read_pins(types or {}), [])
    try:
        columns = {field.name: factory.column(field) for field in arrow_schema}
        seen = Observed(name, namespace, columns, frozenset().union(*(pin.names for pin in factory.pins.values())))
        refuse_unused(factory.pins, factory.paths)
        return _conclude(_look(seen, _pieces(batches, FIRST_ROW_OF_TEXT if text else 0), sample, verify))
    except RecursionError:
        raise too_deep() from None


def _look(
    seen: Observed, pieces: Iterator[tuple[pa.RecordBatch, pa.Int64Array]], sample: int | None, verify: bool
) -> Observed:
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        for part, rows in pieces:
            start = 0
            if sample is not None and not seen.sampled and seen.rows + len(part) > sample:
                start = max(sample - seen.rows, 0)
                seen = replace(_observe(seen, part[:start], rows[:start], pool), sampled=True)
                if not verify:
                    return seen
                seen = replace(seen, sample=sample, said=_types(_conclude(seen)))
            seen = _observe(seen, part[start:], rows[start:], pool)
    return replace(seen, sampled=False)


def _observe(seen: Observed, part: pa.RecordBatch, rows: pa.Array, pool: ThreadPoolExecutor) -> Observed:
    hashing = sum(column.hashing for column in seen.columns.values())
    limit = BUDGET // max(hashing, 1)
    found = pool.map(_look_at, seen.columns.values(), part.columns, repeat(rows), repeat(limit))
    return replace(seen, columns=dict(zip(seen.columns, found, strict=True)), rows=seen.rows + len(part))


def _look_at(column: Column, values: pa.Array, rows: pa.Array, limit: int) -> Column:
    return column.observe(values, rows, limit)


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


@dataclass(frozen=True, slots=True)
class _Factory:
    """Makes what looks at a column of a type."""

    kinds: frozenset[Any]
    origin: str
    pins: Mapping[str, Pin]
    paths: list[str]

    def column(self, field: pa.Field, path: str | None = None) -> Column:
        path = field.name if path is None else path
        self.paths.append(path)
        kind = field.type
        if path in self.pins:
            return PinnedColumn(field.name, path, self.pins[path], self.origin)
        declared = declared_field(field) is not None
        mixed = (field.metadata or {}).get(MIXED_KEY)
        if mixed is not None and holds_text(kind):
            return TextColumn(field.name, IN_TEXT, self.origin, mixed.decode())
        if holds_text(kind) and not declared:
            return TextColumn(field.name, self.kinds, self.origin)
        if pa.types.is_struct(kind) and not declared:
            return StructColumn(
                field.name, Seen(), {each.name: self.column(each, f"{path}.{each.name}") for each in kind}
            )
        if holds_list(kind) and not declared:
            return ListColumn(field.name, Seen(), self.column(kind.value_field, f"{path}[]"))
        if pa.types.is_map(kind) and not declared:
            return MapColumn(field.name, Seen(), self.column(kind.item_field, f"{path}{{}}"))
        if not declared:
            Reverse().type(kind, path, "_", {})  # a type without a counterpart is an error before any row is read
        return TypedColumn(field)


def _conclude(seen: Observed) -> InferredSchema:
    record = avro_name(seen.name)
    made = Made({record, *seen.reserved})
    names = avro_names(list(seen.columns))
    found = [column.conclude(Naming(name, made)) for name, column in zip(names, seen.columns.values(), strict=True)]
    head = {"type": "record", "name": record, **({"namespace": seen.namespace} if seen.namespace else {})}
    schema = Schema.parse({**head, "fields": [each.field for each in found]})
    types = {each.name: each.type for each in schema}
    lines = [line for each in found for line in _lines(each, types, seen)]
    evidence = pd.DataFrame(lines, columns=_EVIDENCE).astype({"unique": object})
    return InferredSchema(schema, evidence, _candidates(schema.record.name, types, lines), seen)


def _lines(found: Concluded, types: Mapping[str, AvroType], seen: Observed) -> Iterator[tuple[Any, ...]]:
    for each in found.evidence:
        path, avro_type = _path(each.fields), _type_at(types, each.fields)
        shown, reason = describe(avro_type), each.reason
        if seen.said.get(path, shown) != shown:
            reason += f"; the first {seen.sample:,} rows said {seen.said[path]}"
        unique = each.unique
        # Hashes of text do not tell that 1.0 and 1 are the same double, and a sample does not tell of the rest.
        if unique and (seen.sampled or identifier_rank("", "", avro_type) is None):
            unique = None
        yield path, _path(each.columns), shown, each.rows, each.nulls, unique, each.examples, reason


def _types(inferred: InferredSchema) -> dict[str, str]:
    """Return what was concluded of each place."""
    return dict(zip(inferred.evidence["field"], inferred.evidence["type"], strict=True))


def _path(steps: Sequence[str]) -> str:
    first, *rest = steps
    return first + "".join(step if step in ("[]", "{}") else f".{step}" for step in rest)


def _type_at(types: Mapping[str, AvroType], steps: Sequence[str]) -> AvroType:
    first, *rest = steps
    found = types[first]
    for step in rest:
        match without_null(found):
            case Array(inner) | Map(inner):
                found = inner
            case Record(fields=fields):
                found = next(each.type for each in fields if each.name == step)
    return found


def _candidates(record: str, types: Mapping[str, AvroType], lines: Iterable[tuple[Any, ...]]) -> tuple[str, ...]:
    ranked = []
    for position, (name, _, _, rows, nulls, unique, *_) in enumerate(lines):
        rank = None
        if rows and not nulls and unique is not False and name in types:
            rank = identifier_rank(name, record, types[name])
        if rank is not None:
            ranked.append((unique is None, *rank, position, name))
    return tuple(name for *_, name in sorted(ranked))
