"""What stands behind the tabs beside the table; each is computed only while it is shown."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.comparing.compatibility import compatibility
from intempt_nb.schema.comparing.difference import difference
from intempt_nb.schema.mapping.pandas import pandas_dtypes
from intempt_nb.schema.parsing.source import too_deep
from intempt_nb.widgets.designing.draft import NO_RECORD, read_document
from intempt_nb.widgets.designing.known import live_schema
from intempt_nb.widgets.designing.positions import line_and_column, positions
from intempt_nb.widgets.designing.sample import stored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.api.resources import Collection
    from intempt_nb.errors import Problem
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.schema.comparing.compatibility import Compatibility, Incompatibility
    from intempt_nb.schema.mapping.pandas import DtypeBackend
    from intempt_nb.schema.schema import Schema
    from intempt_nb.widgets.designing.draft import Draft
    from intempt_nb.widgets.designing.sample import Sample

__all__ = ["arrow_pane", "avro_pane", "compare_pane", "pandas_pane", "sample_pane"]

MOST_TOLD = 50
MOST_CHANGES = 500
UNUSABLE = "The schema cannot be used yet; put right what the summary lists first."
KEPT = "The text under Avro is no schema; this is of the last one that was."
EMPTY = "The text is empty. Undo, or paste a schema."
_BACKENDS: tuple[DtypeBackend, ...] = ("pyarrow", "numpy_nullable")


def avro_pane(draft: Draft) -> dict[str, Any]:
    """Return the schema's text, and what is wrong with it by line and column."""
    if draft.typed is not None:
        return {"text": draft.typed, "problems": [_why_no_table(draft.typed)]}
    told = [*draft.checked.errors, *draft.checked.warnings][:MOST_TOLD]
    offsets = positions(draft.text) if told else {}
    return {"text": draft.text, "problems": [_in_text(draft.text, offsets, each) for each in told]}


def _why_no_table(text: str) -> dict[str, Any]:
    if not text.strip():
        return _told(None, None, EMPTY)
    try:
        json.loads(text)
        read_document(text)
    except json.JSONDecodeError as error:
        return _told(error.lineno, error.colno, f"not JSON: {error.msg}")
    except RecursionError:
        return _told(None, None, str(too_deep()))
    except SchemaError as error:
        return _told(None, None, error.problems[0].message)
    except ValueError:
        return _told(None, None, f"a number has more than {sys.get_int_max_str_digits():,} digits; put it in quotes")
    return _told(None, None, NO_RECORD)


def _in_text(text: str, offsets: Mapping[str, int], problem: Problem) -> dict[str, Any]:
    path = problem.path
    while path and path not in offsets:  # what is missing is told where it should be
        path = path.rpartition("/")[0]
    return _told(*line_and_column(text, offsets.get(path, 0)), problem.message)


def _told(line: int | None, column: int | None, message: str) -> dict[str, Any]:
    return {"line": line, "column": column, "message": message}


def _kept(draft: Draft, note: str = "") -> str:
    """Return what is said below a pane of the table, which may be older than the text."""
    return " ".join(each for each in (note, "" if draft.typed is None else KEPT) if each)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> dict[str, Any]:
    return {"columns": list(columns), "rows": [list(row) for row in rows], "note": note}


def arrow_pane(draft: Draft) -> dict[str, Any]:
    """Return the Arrow fields."""
    columns = ("field", "type", "nullable")
    schema = draft.shown
    if schema is None:
        return _table(columns, [], UNUSABLE)
    rows = [
        [shorten(each.name), shorten(each.type, 300), "yes" if each.nullable else "no"] for each in schema.to_arrow()
    ]
    return _table(columns, rows, _kept(draft))


def pandas_pane(draft: Draft) -> dict[str, Any]:
    """Return the pandas dtypes that a load gives."""
    columns = ("column", "dtype", "dtype with dtype_backend='numpy_nullable'")
    schema = draft.shown
    if schema is None:
        return _table(columns, [], UNUSABLE)
    arrow = schema.to_arrow(unions="json")  # as it is loaded
    dtypes = [pandas_dtypes(arrow, backend) for backend in _BACKENDS]
    rows = [[shorten(name), *(shorten(each[name], 300) for each in dtypes)] for name in arrow.names]
    return _table(columns, rows, _kept(draft))


def sample_pane(draft: Draft, sample: Sample | None) -> dict[str, Any]:
    """Return the first rows of the data as they would be stored."""
    if sample is None:
        return _table((), [], "No data yet. Infer from a file or a DataFrame to see its rows as they would be stored.")
    schema = draft.shown
    if schema is None:
        return _table((), [], UNUSABLE)
    try:
        columns, rows, note = stored(sample, schema)
        return _table(columns, rows, _kept(draft, note))
    except DataError as error:
        return _table((), [], str(error))


def compare_pane(draft: Draft, choices: Sequence[CollectionHandle], chosen: Collection | None) -> dict[str, Any]:
    """Return how the draft differs from a collection, and which of the two reads what the other wrote."""
    shown = {"with": None if chosen is None else chosen.id, "choices": [[each.id, each.name] for each in choices]}
    if chosen is None:
        note = "Choose a collection to compare with." if choices else "The source has no collections to compare with."
        return {**shown, **_table((), [], note), "verdict": []}
    schema = draft.shown
    if schema is None:
        return {**shown, **_table((), [], UNUSABLE), "verdict": []}
    try:
        live = live_schema(chosen)
    except SchemaError as error:
        return {**shown, **_table((), [], f"The schema of {chosen.name} cannot be read: {error}"), "verdict": []}
    found = _compared(schema, live, chosen.name)
    return {**shown, **found, "note": _kept(draft, found["note"])}


def _compared(schema: Schema, live: Schema, name: str) -> dict[str, Any]:
    changes = difference(live, schema)
    rows = [[shorten(each.path) or "(schema)", shorten(each.words, 300)] for each in changes][:MOST_CHANGES]
    note = "" if changes else f"The schema says the same as that of {name}."
    if len(changes) > MOST_CHANGES:
        note = f"The first {MOST_CHANGES} of {len(changes):,} changes."
    verdict = [
        *_verdict(compatibility(schema, live), f"This schema reads all items of {name}", f"items of {name}"),
        *_verdict(compatibility(live, schema), f"{name} as it is reads all that this schema writes", "new items"),
    ]
    return {**_table(("field", f"change from {name}"), rows, note), "verdict": verdict}


def _verdict(found: Compatibility, good: str, what: str) -> list[dict[str, str]]:
    if found:
        return [{"text": f"{good}.", "level": "success"}, *_told_of(found.warnings, "warning")]
    count = len(found.incompatibilities)
    head = f"Not all {what} can be read: {count} place{'' if count == 1 else 's'}."
    return [{"text": head, "level": "error"}, *_told_of(found.incompatibilities, "error")]


def _told_of(found: Sequence[Incompatibility], level: str) -> list[dict[str, str]]:
    told = [{"text": shorten(each, 400), "level": level} for each in found[:MOST_TOLD]]
    return told + ([{"text": f"and {len(found) - MOST_TOLD} more", "level": level}] if len(found) > MOST_TOLD else [])
