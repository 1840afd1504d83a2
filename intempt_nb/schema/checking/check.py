"""Whether data fits a schema, told column by column before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import html_table, shorten, text_table
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.advice import advise_cast, advise_drop_gaps, advise_rename
from intempt_nb.schema.checking.columns import convert_field
from intempt_nb.schema.checking.given import given, matches
from intempt_nb.schema.checking.matching import ignored_inside, meant
from intempt_nb.schema.mapping.frames import Unreadable, to_frame
from intempt_nb.schema.model import MISSING, describe, resolved, without_null

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from intempt_nb.schema.checking.given import Column, Given
    from intempt_nb.schema.checking.refusals import Refusal
    from intempt_nb.schema.model import Field
    from intempt_nb.schema.schema import Schema

__all__ = ["ColumnCheck", "SchemaCheck", "Status", "check"]

ROWS_SHOWN = 5

Status: TypeAlias = Literal["fits", "values", "type", "unreadable", "missing", "optional", "default", "extra"]
"""What is the matter with a column.

``fits``
    Every value fits.
``values``
    Some values do not.
``type``
    No value of the column's type can be one of the field.
``unreadable``
    It cannot become Arrow data: objects of several kinds, complex numbers. Nothing is sent of data with such a column.
``missing``, ``optional``, ``default``
    There is no column for a field that is required, that can be null, or that has a default.
``extra``
    The schema does not name it; it is not sent.
"""

_BAD = ("values", "type", "unreadable", "missing")


@dataclass(frozen=True, slots=True)
class ColumnCheck:
    """What is known of one column.

    Parameters
    ----------
    column
        Its name in the data; None if there is none.
    field
        Its name in the schema; None if there is none.
    status
        See `Status`.
    data_type
        Its Arrow type in words.
    schema_type
        Its Avro type in words.
    failing
        How many rows would be rejected for it.
    rows
        The first of them, from 0.
    message
        What is wrong, for a person; empty if nothing is.
    advice
        A line of Python that helps; None if none is known.
    """

    column: str | None
    field: str | None
    status: Status
    data_type: str | None = None
    schema_type: str | None = None
    failing: int = 0
    rows: tuple[int, ...] = ()
    message: str = ""
    advice: str | None = None

    @property
    def error(self) -> DataError | None:
        """What would be raised for the column; None if it would be taken."""
        if self.status not in _BAD:
            return None
        row = self.rows[0] if self.rows else None
        return DataError(self.message, row=row, field=self.field or self.column, expected=self.schema_type)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SchemaCheck:
    """What an upload would make of some data; true if it would take all of it.

    Parameters
    ----------
    name
        Of the schema.
    origin
        What was checked: ``DataFrame``, ``Arrow table``.
    rows
        How many rows it has.
    checks
        The fields in the order of the schema, then what the schema does not name.
    """

    name: str
    origin: str
    rows: int
    checks: tuple[ColumnCheck, ...]

    def __bool__(self) -> bool:
        """Return whether all of the data would be taken."""
        return not self.problems

    @property
    def problems(self) -> tuple[DataError, ...]:
        """Why it would not: an error for each column that is missing, cannot be used, or has values that do not fit."""
        errors = tuple(error for each in self.checks if (error := each.error) is not None)
        if errors or any(each.field and each.column for each in self.checks):
            return errors
        return (DataError(f"{self.origin}: no column that the schema names"),)

    @property
    def columns(self) -> pd.DataFrame:
        """What is known of each column.

        Returns
        -------
        pandas.DataFrame
            Columns ``column``, ``field``, ``status`` (see `Status`), ``data_type``, ``schema_type`` (strings),
            ``failing`` (int64: how many rows would be rejected for it), ``rows`` (list of int64: the first of them),
            ``message`` and ``advice`` (strings, the second null if there is none). Arrow-backed.
        """
        rows = [{name: getattr(each, name) for name in _COLUMNS.names} for each in self.checks]
        return to_frame(pa.Table.from_pylist(rows, _COLUMNS))

    def raise_for_problems(self) -> None:
        """Raise if an upload would not take all of the data.

        Raises
        ------
        DataError
            With every problem, and the row and field of the first.
        """
        problems = self.problems
        if not problems:
            return
        first = problems[0]
        others = "".join(f"\n  {each}" for each in problems[1:])
        more = f"; and {len(problems) - 1} more:{others}" if others else ""
        raise DataError(first.message + more, row=first.row, field=first.field, expected=first.expected)

    def _caption(self) -> str:
        count = len(self.problems)
        verdict = "fits" if not count else f"does not fit: {count} problem{'' if count == 1 else 's'}"
        return f"{self.origin} of {self.rows:,} row{'' if self.rows == 1 else 's'} → {self.name}: {verdict}"

    def _shown(self) -> list[tuple[object, ...]]:
        """Return the columns as rows, those with a problem first."""
        ordered = sorted(self.checks, key=lambda each: each.status not in _BAD)
        return [
            (
                each.column,
                each.field,
                each.status,
                each.data_type,
                each.schema_type,
                each.message,
                each.advice,
            )
            for each in ordered
        ]

    def __repr__(self) -> str:
        """Return the columns as a text table, and the advice below it, where it is not cut."""
        lines = [each.advice for each in self.checks if each.advice]
        table = text_table(_HEADER[:-1], [row[:-1] for row in self._shown()], self._caption())
        return "\n".join([table, *(["", "What may help:", *lines] if lines else [])])

    def _repr_html_(self) -> str:
        return html_table(_HEADER, self._shown(), self._caption())


_HEADER = ("column", "field", "status", "data", "schema", "problem", "what may help")
_COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("column", "field", "status", "data_type", "schema_type")),
        ("failing", pa.int64()),
        ("rows", pa.list_(pa.int64())),
        ("message", pa.string()),
        ("advice", pa.string()),
    ]
)


def check(data: Any, schema: Schema) -> SchemaCheck:
    """Check whether data fits a schema, as an upload would take it; every value is looked at, nothing is sent.

    Parameters
    ----------
    data
        A DataFrame, an Arrow table or batch, or anything with ``__arrow_c_stream__``. Columns are matched with fields
        by name, then title, then alias, then by the name that Avro makes of theirs.
    schema
        What the data should be.

    Returns
    -------
    SchemaCheck
        True if every row would be taken.

    Raises
    ------
    DataError
        If the data is of another kind; what is wrong with its columns is in the result.
    """
    source = given(data)
    return SchemaCheck(schema.record.name, source.origin, source.length, tuple(_checks(source, schema)))


def _checks(data: Given, schema: Schema) -> Iterator[ColumnCheck]:
    sources = matches(schema, data.names)
    spare = [index for index in range(len(data.columns)) if index not in sources.values()]
    absent = {field.name: field for field in schema.fields if field.name not in sources}
    intended = {index: meant(data.columns[index].name, absent.values()) for index in spare}
    for field in schema.fields:
        if field.name in sources:
            yield _column(data, sources[field.name], field, schema)
        else:
            near = next((index for index, each in intended.items() if each is field), None)
            yield _absent(data, field, near)
    for index in spare:
        yield _extra(data, index, intended[index])
    for name, index in sources.items():
        cells = data.columns[index].cells
        if not isinstance(cells, Unreadable):
            for path in ignored_inside(cells.type, schema[name].type, schema.named, data.columns[index].name):
                yield ColumnCheck(path, None, "extra", message="the schema does not name it; it is not sent")


def _absent(data: Given, field: Field, near: int | None) -> ColumnCheck:
    if field.required:
        status: Status = "missing"
        message = "no column for a required field"
    elif field.default is not MISSING and not (field.default is None and field.nullable):
        status, message = "default", f"no column; takes its default, {shorten(repr(field.default), 40)}"
    else:
        status, message = "optional", "no column; stays empty"
    advice = None
    if near is not None:
        message += f"; {data.columns[near].name!r} may be meant"
        advice = advise_rename(data, near, field.name)
    return ColumnCheck(None, field.name, status, schema_type=describe(field.type), message=message, advice=advice)


def _extra(data: Given, index: int, intended: Field | None) -> ColumnCheck:
    column = data.columns[index]
    if isinstance(column.cells, Unreadable):
        return _unreadable(column, column.cells, None)
    hint = "" if intended is None else f"; {intended.name!r} may be meant"
    message = f"the schema does not name it; it is not sent{hint}"
    return ColumnCheck(column.name, None, "extra", data_type=str(column.cells.type), message=message)


def _unreadable(column: Column, found: Unreadable, field: Field | None) -> ColumnCheck:
    return ColumnCheck(
        column.name,
        None if field is None else field.name,
        "unreadable",
        schema_type=None if field is None else describe(field.type),
        rows=() if found.error.row is None else (found.error.row,),
        message=found.error.message,
        advice=found.advice,
    )


def _column(data: Given, index: int, field: Field, schema: Schema) -> ColumnCheck:
    column = data.columns[index]
    if isinstance(column.cells, Unreadable):
        return _unreadable(column, column.cells, field)
    arrow, plain = column.cells.type, resolved(without_null(field.type), schema.named)
    base = ColumnCheck(column.name, field.name, "fits", str(arrow), describe(field.type))
    try:
        convert_field(pa.nulls(0, arrow), field, schema.named)
    except DataError as error:
        advice = advise_cast(data, index, arrow, plain)
        return replace(base, status="type", failing=data.length, message=error.message, advice=advice)
    tally = _Tally()
    for first, cells in column.blocks():
        tally.add(convert_field(cells, field, schema.named).refusals, cells, first)
    if not tally.failing:
        return base
    advice = None if tally.only_gaps else advise_cast(data, index, arrow, plain)
    if advice is None and tally.gaps:
        advice = advise_drop_gaps(data, index)
    message = tally.message(data.length)
    return replace(base, status="values", failing=tally.failing, rows=tuple(tally.rows), message=message, advice=advice)


@dataclass(slots=True)
class _Tally:
    """The refused cells of a column, counted block by block."""

    failing: int = 0
    rows: list[int] = dataclass_field(default_factory=list)
    reasons: dict[str, tuple[int, list[int]]] = dataclass_field(default_factory=dict)
    gaps: bool = False
    only_gaps: bool = True

    def add(self, refusals: Sequence[Refusal], cells: pa.Array, first: int) -> None:
        if not refusals:
            return
        places: dict[str, list[pa.Array]] = {}
        for each in refusals:
            places.setdefault(each.reason, []).append(each.positions)
            found = cells.take(each.positions) if each.values is None else each.values
            nulls = 0 if each.path or each.paths is not None else found.null_count
            self.gaps = self.gaps or nulls > 0
            self.only_gaps = self.only_gaps and nulls == len(each.positions)
        for reason, parts in places.items():
            count, rows = self.reasons.get(reason, (0, []))
            failing = _cells(parts)
            self.reasons[reason] = count + len(failing), _more(rows, failing, first)
        failing = _cells([each.positions for each in refusals])
        self.failing += len(failing)
        self.rows = _more(self.rows, failing, first)

    def message(self, length: int) -> str:
        return "; ".join(
            f"{count:,} of {length:,} values: {reason} (row{'s' if count > 1 else ''} "
            f"{', '.join(map(str, rows))}{', …' if count > len(rows) else ''})"
            for reason, (count, rows) in self.reasons.items()
        )


def _cells(parts: Sequence[pa.Array]) -> pa.Array:
    """Return the cells that some parts of theirs fail, each once and in order."""
    failing = pc.unique(pa.concat_arrays(parts))
    return failing.sort() if len(parts) > 1 else failing


def _more(rows: list[int], positions: pa.Array, first: int) -> list[int]:
    """Return the rows and as many of the new ones as are still shown."""
    added = positions.slice(0, ROWS_SHOWN - len(rows)).to_pylist()
    return [*rows, *(first + each for each in added)]
