"""What the explorer shows, as JSON: texts that are short, and not more of them than a panel can hold."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.profiling.charts import histogram_picture
from intempt_nb.profiling.columns import as_python
from intempt_nb.profiling.views import distinct_text, range_text, top_text
from intempt_nb.schema.model import describe, without_null
from intempt_nb.widgets.exploring.loading import BACKENDS, problems
from intempt_nb.widgets.exploring.reading import FIRST_ROWS, SAMPLE_ROWS
from intempt_nb.widgets.namespace import variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from intempt_nb.handles import CollectionHandle
    from intempt_nb.profiling.profile import ColumnProfile, Profile
    from intempt_nb.schema.schema import Schema
    from intempt_nb.widgets.exploring.loading import LoadForm
    from intempt_nb.widgets.exploring.reading import Branch

__all__ = [
    "PAGE_COLUMNS",
    "columns_view",
    "count_text",
    "fields_view",
    "load_view",
    "matching",
    "rows_view",
    "tree_view",
]

MOST_SHOWN = 500
"""Collections in the tree; beyond them, search."""

PAGE_COLUMNS = 100
"""Columns whose profiles are shown at a time."""

_ROOM = 200_000
"""Letters of a table, of all cells together."""
_MANY_COLUMNS = 200
_FEW_ROWS = 5
_SHOWN_TOP = 5


def matching(branches: Sequence[Branch], text: str) -> list[tuple[Branch, list[tuple[CollectionHandle, str]]]]:
    """Return the sources and collections that a search finds, each collection with the fields that were found.

    Parameters
    ----------
    branches
        All there are.
    text
        What stands in names, titles or fields; upper and lower case are the same. Empty for all.
    """
    wanted = text.strip().casefold()
    found = []
    for branch in branches:
        record = branch.source.record
        own = _stands_in(wanted, record.name, record.title)
        hits = [(each, fields) for each in branch.collections if (fields := _found_in(each, wanted)) is not None or own]
        if hits or own:
            found.append((branch, [(each, fields or "") for each, fields in hits]))
    return found


def _found_in(collection: CollectionHandle, wanted: str) -> str | None:
    """Return the fields that were found; empty if it is the collection itself, None if nothing is."""
    record = collection.record
    if _stands_in(wanted, record.name, record.title):
        return ""
    fields = record.schema_json.get("fields", ())
    texts = [(str(each.get("name")), str(each.get("title") or "")) for each in fields if isinstance(each, dict)]
    hits = [name for name, title in texts if _stands_in(wanted, name, title)]
    return shorten(", ".join(hits)) if hits else None


def _stands_in(wanted: str, *texts: str | None) -> bool:
    return any(wanted in text.casefold() for text in texts if text is not None)


def tree_view(branches: Sequence[Branch], search: str) -> dict[str, Any]:
    """Return the tree, as far as the search finds it and it is not too long."""
    left = MOST_SHOWN
    sources = []
    total = 0
    for branch, hits in matching(branches, search):
        total += len(hits)
        record = branch.source.record
        sources.append(
            {
                "id": record.id,
                "name": shorten(record.name),
                "title": shorten(record.title or ""),
                "type": shorten(record.type or "", 20),
                "problem": None if branch.problem is None else shorten(branch.problem, 500),
                "collections": [_leaf(each, fields) for each, fields in hits[: max(left, 0)]],
            }
        )
        left -= len(hits)
    return {"sources": sources, "found": total, "hidden": max(-left, 0)}


def _leaf(collection: CollectionHandle, fields: str) -> dict[str, Any]:
    record = collection.record
    return {
        "id": record.id,
        "name": shorten(record.name),
        "title": shorten(record.title or ""),
        "kind": record.kind,
        "fields": fields,
    }


def count_text(total: int | None, known: int, *, is_all: bool) -> str:
    """Return how many rows there are, as far as that is known.

    Parameters
    ----------
    total
        What the server says; None if it does not.
    known
        How many were seen.
    is_all
        Whether those are all.
    """
    count = known if total is None else total
    words = f"{count:,} row{'' if count == 1 else 's'}"
    if total is not None or is_all:
        return words
    return f"more than {words}" if known else "the server does not say how many rows"


def fields_view(schema: Schema) -> dict[str, Any]:
    """Return a schema as a table."""
    room = _room(5 * len(schema.fields), 24, 300)
    rows = [
        [
            shorten(field.name, room),
            shorten(describe(without_null(field.type)), room),
            "yes" if field.nullable else "no",
            shorten(field.title or "", room),
            shorten(field.doc or "", room),
        ]
        for field in schema.fields
    ]
    return {"columns": ["Field", "Type", "May be null", "Title", "Description"], "rows": rows}


def _room(cells: int, least: int, most: int) -> int:
    """Return how long a cell may be, so that all have room."""
    return max(least, min(most, _ROOM // max(cells, 1)))


def rows_view(table: pa.Table) -> dict[str, Any]:
    """Return rows as a table of texts; a null is None."""
    shown = table.slice(0, FIRST_ROWS if table.num_columns <= _MANY_COLUMNS else _FEW_ROWS)
    room = _room(shown.num_columns * len(shown), 16, 80)
    columns = [[_cell(as_python(value), room) for value in column] for column in shown.columns]
    return {
        "columns": [shorten(name) for name in shown.column_names],
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "count": len(shown),
    }


def _cell(value: Any, room: int) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.15g}"
    if isinstance(value, bytes):
        return shorten(value.hex(" "), room)
    if isinstance(value, dict | list):
        return shorten(json.dumps(value, ensure_ascii=False, default=str), room)
    return shorten(value, room)


def columns_view(profile: Profile, page: int, total: int | None) -> dict[str, Any]:
    """Return a page of a profile of the first rows.

    Parameters
    ----------
    profile
        The profile.
    page
        Which page of columns, from 0.
    total
        How many rows there are; None if the server does not say.
    """
    count = profile.rows
    some = count == SAMPLE_ROWS and (total is None or total > count)
    of = f" of {total:,}" if some and total is not None else ""
    first = page * PAGE_COLUMNS
    return {
        "note": f"A sample: the first {count:,} rows{of}."
        if some
        else f"All {count:,} row{'' if count == 1 else 's'}.",
        "page": page,
        "pages": max(-(-len(profile.columns) // PAGE_COLUMNS), 1),
        "columns": len(profile.columns),
        "first": first,
        "rows": [_profile_row(each) for each in profile.columns[first : first + PAGE_COLUMNS]],
    }


def _profile_row(column: ColumnProfile) -> dict[str, Any]:
    picture = None if column.histogram is None else histogram_picture(column.histogram)
    return {
        "name": shorten(column.name),
        "type": shorten(column.type),
        "count": f"{column.count:,}" + (f" ({column.nan:,} NaN)" if column.nan else ""),
        "nulls": f"{column.nulls:,}",
        "distinct": distinct_text(column) or "",
        "range": range_text(column) or "",
        "mean": "" if column.mean is None else f"{column.mean:,.6g}",
        "picture": None if picture is None else {"src": picture.src, "alt": picture.alt},
        "top": top_text(column, _SHOWN_TOP) or "",
    }


def load_view(form: LoadForm, schema: Schema, total: int | None) -> dict[str, Any]:
    """Return the form that says what to load."""
    chosen = set(schema.names if form.columns is None else form.columns)
    known = "the server does not say how many" if total is None else f"{total:,}"
    room = _room(len(schema.fields), 40, 80)
    wrong = problems(form)
    return {
        # A long name is shown cut, so a column is told by its place.
        "columns": [[shorten(field.name, room), field.name in chosen] for field in schema.fields],
        "chosen": len(chosen),
        "limit": form.limit,
        "everything": form.everything,
        "all": f"All rows ({known})",
        "backend": form.backend,
        "backends": list(BACKENDS),
        "variable": form.variable,
        "replaces": form.variable in variables() and "variable" not in wrong,
        "problems": {name: {"level": "error", "message": text} for name, text in wrong.items()},
    }
