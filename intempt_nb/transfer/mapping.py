"""Which column of a source feeds which field: as it was said by hand, and by name where nothing was said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.checking.matching import match_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.schema.model import Field
    from intempt_nb.schema.schema import Schema

    Columns: TypeAlias = Mapping[str, str | None]

__all__ = ["Columns", "left_over", "match_columns"]


def match_columns(schema: Schema, source: Tabular, columns: Columns) -> dict[str, int]:
    """Return the position of the column that feeds each field, in schema order; fields without one are left out.

    Parameters
    ----------
    schema
        Of the collection.
    source
        Of the rows.
    columns
        Column → field, as they were mapped by hand; None leaves a column out. The others are matched by name, title or
        alias with the fields that are left.

    Raises
    ------
    DataError
        If `columns` names a column that the source lacks, a field that the schema lacks, or one field twice.
    """
    names = source.schema.names
    _require_known(columns, schema, source)
    by_hand = {field: names.index(column) for column, field in columns.items() if field is not None}
    free = [place for place, name in enumerate(names) if name not in columns]
    matched = match_names(schema.fields, [names[place] for place in free])
    found = {**{name: free[place] for name, place in matched.items()}, **by_hand}
    return {field.name: found[field.name] for field in schema.fields if field.name in found}


def left_over(
    schema: Schema, source: Tabular, columns: Columns, matched: Mapping[str, int]
) -> tuple[list[Field], list[str]]:
    """Return the fields that no column feeds, and the names of columns that feed none and were not mapped by hand.

    Parameters
    ----------
    schema, source, columns
        As :func:`match_columns` has them.
    matched
        What it found.
    """
    used = set(matched.values())
    fields = [field for field in schema.fields if field.name not in matched]
    names = enumerate(source.schema.names)
    return fields, [name for place, name in names if place not in used and name not in columns]


def _require_known(columns: Columns, schema: Schema, source: Tabular) -> None:
    names, fields = source.schema.names, [field.name for field in schema.fields]
    for column, field in columns.items():
        if column not in names:
            raise DataError(
                f"columns names {_quoted(column)}, which {source.origin} does not have{suggest(column, names)}"
            )
        if field is not None and field not in fields:
            said = f"columns gives {_quoted(column)} to {_quoted(field)}, which is no field of the schema"
            raise DataError(f"{said}{suggest(field, fields)}. None leaves a column out")
    counts = Counter(field for field in columns.values() if field is not None)
    for field, count in counts.items():
        if count > 1:
            both = _listed([column for column, each in columns.items() if each == field])
            raise DataError(f"columns gives {both} to the field {_quoted(field)}; give it one, and None to the others")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return repr(shorten(name, 40))
