"""What a column is while it is looked at, whatever it holds, and what is said of it in the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from intempt_nb.schema.mapping.arrow_names import unused

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from intempt_nb.schema.mapping.metadata import Made

__all__ = ["Column", "Concluded", "Evidence", "Naming", "nullable_field"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a column, or of a place inside of it.

    Parameters
    ----------
    fields
        Its field and, where it is nested, the steps to it: names of fields, ``"[]"`` for items, ``"{}"`` for values.
    columns
        The same in the data's own names.
    rows, nulls
        How many values there could be, and how many of them are missing.
    examples
        Up to three different values.
    reason
        Why the type is what it is.
    unique
        Whether all values are different; None if that is not known.
    """

    fields: tuple[str, ...]
    columns: tuple[str, ...]
    rows: int
    nulls: int
    examples: tuple[str, ...]
    reason: str
    unique: bool | None = None

    def inside(self, field: str, column: str) -> Evidence:
        """Return the same of a place inside of a field."""
        return replace(self, fields=(field, *self.fields), columns=(column, *self.columns))


@dataclass(frozen=True, slots=True)
class Naming:
    """The names for a column: its field's, what is made already, and what comes before it in the names of types."""

    name: str
    made: Made
    prefix: str = ""

    def define(self, kind: str) -> str:
        """Return a name for a type that the field needs, which is taken then."""
        return unused(f"{self.prefix}{self.name}_{kind}", self.made.taken)

    def inner(self, name: str) -> Naming:
        """Return the naming of a field inside of a record."""
        return Naming(name, self.made, f"{self.prefix}{self.name}_")


@dataclass(frozen=True, slots=True)
class Concluded:
    """A column's field as Avro JSON, and the evidence: its own first, then that of what is inside."""

    field: Mapping[str, Any]
    evidence: tuple[Evidence, ...]


class Column(Protocol):
    """What is known of a column so far; a value, so that every look gives a new one."""

    @property
    def label(self) -> str:
        """Its name in the data."""

    @property
    def rows(self) -> int:
        """How many values there could have been."""

    @property
    def nulls(self) -> int:
        """How many of them were missing."""

    @property
    def hashing(self) -> bool:
        """Whether it keeps hashes of its values, to see if one comes twice."""

    def observe(self, values: pa.Array, rows: pa.Array, limit: int) -> Column:
        """Look at more values, `rows` being the row of each, and `limit` how many hashes may be kept."""

    def absent(self, rows: int) -> Column:
        """Return what is known with rows that do not have the column."""

    def merged(self, other: Column) -> Column | None:
        """Return what is known with other data's column; None if that is of another kind."""

    def conclude(self, naming: Naming) -> Concluded:
        """Return the field; names of types that it defines are added to those taken."""


def nullable_field(name: str, avro: Any, *, nullable: bool) -> dict[str, Any]:
    """Return a field's Avro JSON; one that may be absent is a union with null, and null its default."""
    if not nullable:
        return {"name": name, "type": avro}
    branches = avro if isinstance(avro, list) else [avro]
    return {"name": name, "type": ["null", *(each for each in branches if each != "null")], "default": None}
