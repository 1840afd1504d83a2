"""Types that the user says, and how many values do not fit them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, Problem, SchemaError, suggest
from intempt_nb.schema.checking.columns import convert
from intempt_nb.schema.inferring.cells import KEPT, Tally, distinct
from intempt_nb.schema.inferring.evidence import places
from intempt_nb.schema.inferring.identifiers import Distinct, with_values
from intempt_nb.schema.inferring.leaves import texts_of
from intempt_nb.schema.inferring.observed import Column, Concluded, Evidence, Naming, nullable_field
from intempt_nb.schema.mapping.arrow_names import titled
from intempt_nb.schema.model import Null, Union
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from intempt_nb.schema.checking.refusals import Refusal

__all__ = ["Pin", "PinnedColumn", "read_pins", "refuse_unused"]


@dataclass(frozen=True, slots=True, eq=False)
class Pin:
    """The type of a column, said by the user.

    Parameters
    ----------
    avro
        Its Avro JSON.
    schema
        Of a record with one field of that type.
    """

    avro: Any
    schema: Schema

    @property
    def names(self) -> set[str]:
        """The names of the types that it defines, without namespaces."""
        return {name.rpartition(".")[2] for name in self.schema.named} - {_HOLDER}


_HOLDER = "_"


def read_pins(types: Mapping[str, Any]) -> dict[str, Pin]:
    """Return the pinned types by the path of their column.

    Raises
    ------
    SchemaError
        For what is no Avro type.
    """
    return {path: _read(path, avro) for path, avro in types.items()}


def _read(path: str, avro: Any) -> Pin:
    field = {"name": _HOLDER, "type": avro}
    try:
        return Pin(avro, Schema.parse({"type": "record", "name": _HOLDER, "fields": [field]}))
    except SchemaError as error:
        problems = [Problem(each.path.removeprefix("/fields/0/type"), each.message) for each in error.problems]
        raise SchemaError(
            [replace(each, message=f"{each.message} (in types[{path!r}])") for each in problems]
        ) from None


def refuse_unused(pins: Mapping[str, Pin], paths: Iterable[str]) -> None:
    """Raise if a pin names no column.

    Raises
    ------
    DataError
        Names what there is.
    """
    there = list(paths)
    for path in pins:
        if path not in there:
            raise DataError(
                f"types names {shorten(path)!r}, which the data does not have{suggest(path, there)}", field=path
            )


@dataclass(frozen=True, slots=True)
class PinnedColumn:
    """A column whose type is said; its values are read as that, to count those which do not fit.

    Parameters
    ----------
    label
        Its name in the data.
    path
        Where it stands, for errors.
    pin
        The type.
    origin
        What its rows are rows of.
    rows, nulls, unfit, why, examples, distinct
        What is known so far; `why` says what is wrong with the first value that does not fit.
    """

    label: str
    path: str
    pin: Pin
    origin: str = ""
    rows: int = 0
    nulls: int = 0
    unfit: Tally = Tally()  # noqa: RUF009  (immutable)
    why: str = ""
    examples: tuple[str, ...] = ()
    distinct: Distinct = Distinct()  # noqa: RUF009  (immutable)

    @property
    def hashing(self) -> bool:
        """Whether it keeps hashes of its values."""
        return self.distinct.open

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> PinnedColumn:
        """Return what is known with more values; see `Column`."""
        present = values.drop_null()
        more = texts_of(present[:KEPT]) if len(self.examples) < KEPT else []
        nulls, unfit, why = self._read(values, rows)
        return replace(
            self,
            rows=self.rows + len(values),
            nulls=self.nulls + nulls,
            unfit=self.unfit + unfit,
            why=self.why or why,
            examples=distinct((*self.examples, *more)),
            distinct=with_values(self.distinct, present, limit),
        )

    def _read(self, values: pa.Array, rows: pa.Array) -> tuple[int, Tally, str]:
        """Return how many values are missing, those that do not fit, and why the first of them does not."""
        (field,) = self.pin.schema.fields
        branches = field.type.branches if isinstance(field.type, Union) else (field.type,)
        optional = field.type if Null() in branches else Union((Null(), *branches))
        try:
            read = convert(values, optional, self.pin.schema.named, self.path)
        except DataError as error:  # no value of such a column can be of the type
            present = values.is_valid()
            texts = texts_of(values.filter(present)[:KEPT])
            first = tuple(zip(rows.filter(present)[:KEPT].to_pylist(), texts, strict=True))
            return values.null_count, Tally(len(values) - values.null_count, first), error.message
        if not read.refusals:
            return read.values.null_count, Tally(), ""
        refused = pc.unique(pa.concat_arrays([each.positions for each in read.refusals]))
        gaps = pc.indices_nonzero(read.values.is_null())
        nulls = len(gaps) - pc.sum(pc.is_in(gaps.cast(refused.type), refused)).as_py() if len(gaps) else 0
        first = sum((_tally(each, values, rows) for each in read.refusals), Tally()).first
        return nulls, Tally(len(refused), first), read.refusals[0].reason

    def absent(self, rows: int) -> PinnedColumn:
        """Return what is known with rows that lack the column."""
        return replace(self, rows=self.rows + rows, nulls=self.nulls + rows)

    def merged(self, other: Column) -> PinnedColumn | None:
        """Return what is known with other data's column; None if that is of another kind."""
        if not isinstance(other, PinnedColumn) or json.dumps(self.pin.avro) != json.dumps(other.pin.avro):
            return None
        return replace(
            self,
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            unfit=self.unfit.of(self.origin) + other.unfit.of(other.origin),
            why=self.why or other.why,
            examples=distinct((*self.examples, *other.examples)),
            distinct=self.distinct + other.distinct,
        )

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field and its evidence."""
        avro = self.pin.avro
        nullable = bool(self.nulls) or (isinstance(avro, list) and avro[:1] == ["null"])
        entry = nullable_field(naming.name, avro, nullable=nullable)
        values = self.rows - self.nulls
        reason = f"pinned; {_fit(values)}"
        if self.unfit.count:
            do = "does" if self.unfit.count == 1 else "do"
            reason = (
                f"pinned; {self.unfit.count:,} of {values:,} values {do} not fit ({self.why}): {places(self.unfit)}"
            )
        unique = self.distinct.unique()
        evidence = Evidence((naming.name,), (self.label,), self.rows, self.nulls, self.examples, reason, unique)
        return Concluded(titled(entry, naming.name, self.label), (evidence,))


def _fit(values: int) -> str:
    return f"all {values:,} values fit" if values > 1 else "the one value fits" if values else "no values"


def _tally(refusal: Refusal, values: pa.Array, rows: pa.Array) -> Tally:
    found = values.take(refusal.positions[:KEPT]) if refusal.values is None else refusal.values[:KEPT]
    where = rows.take(refusal.positions[:KEPT]).to_pylist()
    return Tally(len(where), tuple(zip(where, texts_of(found), strict=True)))
