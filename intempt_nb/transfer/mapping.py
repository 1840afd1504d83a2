"""Which column of a source feeds which field: as it was said by hand, and by name where nothing was said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, suggest
from intempt_nb.schema.checking.matching import match_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.schema.schema import Schema

    Columns: TypeAlias = Mapping[str, str | None]

__all__ = ["Columns", "match_columns"]


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
    free_names = [names[place] for place in free]
    found: dict[str, int] = {}
    for field in schema.fields:
        if field.name in by_hand:
            found[field.name] = by_hand[field.name]
        elif (place := match_name(field, free_names)) is not None:
            found[field.name] = free[place]
    return found


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
