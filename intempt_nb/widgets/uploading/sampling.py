"""The first rows of a source, read once, and how they fit into a collection: looked at anew with every choice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.jsonlines import LINES
from intempt_nb.codecs.rows.tabular import COMPRESSED
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.model import describe
from intempt_nb.transfer.preview import preview, read_head
from intempt_nb.transfer.report import size_text
from intempt_nb.widgets.uploading.doubling import Earlier, earlier_runs
from intempt_nb.widgets.uploading.wording import TWICE, in_panel_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from intempt_nb.codecs.rows.blocks import Tabular
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.keys import KeyRule
    from intempt_nb.transfer.preview import Preview, PreviewColumn
    from intempt_nb.widgets.uploading.model import Settings, Source
    from intempt_nb.widgets.uploading.running import Place

__all__ = [
    "Look",
    "Sample",
    "blocked_by",
    "field_labels",
    "fields_view",
    "fitting",
    "look_at",
    "look_view",
    "read_sample",
    "settings_view",
]

MOST_COLUMNS = 40
"""Columns of which the first rows are shown; the mapping lists all."""

ESTIMATE_BYTES = 1 << 20
_CELL, _NAME, _REASON = 60, 60, 200
_EXAMPLES = 3
MOST_NAMES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The first rows of a source.

    Parameters
    ----------
    head
        From :func:`intempt_nb.transfer.preview.read_head`.
    size
        Bytes of the file; None for what is none.
    expected
        About how many rows there are; None if that cannot be said without reading them.
    earlier
        Uploads of the same file.
    """

    head: Tabular
    size: int | None
    expected: int | None
    earlier: Earlier


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What an upload would make of the first rows.

    Parameters
    ----------
    sample
        The rows.
    schema
        Of the collection, as it was then.
    preview
        What would be made of them.
    problem
        Why keys cannot be made as the settings say; None if they can.
    key
        Where the keys come from.
    twice
        Whether rows would be there twice.
    """

    sample: Sample
    schema: Schema
    preview: Preview
    problem: str | None = None
    key: str | None = None
    twice: bool = False


def read_sample(source: Source, csv: Mapping[str, Any], place: Place) -> Sample:
    """Read the first rows.

    Parameters
    ----------
    source
        The rows.
    csv
        How they are written if they are CSV, as keyword arguments of an upload.
    place
        The collection that they are for.

    Raises
    ------
    DataError
        If they cannot be read.
    """
    head = read_head(source.rows(), csv=CsvOptions(**csv))
    size = None if source.path is None else source.path.stat().st_size
    expected = head.length
    if expected is None and source.path is not None and _has_lines(head, source.path):
        expected = _estimate(source.path, size or 0)
    earlier = Earlier() if source.path is None else earlier_runs(place, source.path)
    return Sample(head, size, expected, earlier)


def _has_lines(head: Tabular, path: Path) -> bool:
    """Return whether line ends in a file's bytes tell its rows apart, more or less."""
    return (head.dialect is not None or head.numbering == LINES) and path.suffix.lower() not in COMPRESSED


def _estimate(path: Path, size: int) -> int:
    """Return about how many lines a file has, by the length of the first ones."""
    with path.open("rb") as stream:
        start = stream.read(ESTIMATE_BYTES)
    return round(size * start.count(b"\n") / max(len(start), 1))


def look_at(sample: Sample, schema: Schema, key: Sequence[str], settings: Settings) -> Look:
    """Look at the first rows as an upload with these settings would.

    Parameters
    ----------
    sample
        The rows.
    schema, key
        Of the collection: its fields, and those of its primary identifier.
    settings
        How they are uploaded.
    """

    def seen(rule: KeyRule) -> Preview:
        return preview(sample.head, schema, settings.columns, key=key, rule=rule, nan=settings.nan)

    if settings.key == ():
        return Look(sample, schema, seen(None))
    try:
        found = seen(settings.key)
    except DataError as error:  # the key cannot be made so
        return Look(sample, schema, seen(None), in_panel_words(str(error)))
    told = replace(settings, columns=found.mapping)
    is_twice = settings.key is None and found.maker is not None and sample.earlier.is_other(told)
    return Look(sample, schema, found, key=_key_told(found, key), twice=is_twice)


_MADE = {"row": "the file and the number of the row", "content": "all that the row holds"}


def _key_told(seen: Preview, key: Sequence[str]) -> str | None:
    """Return where the keys come from; None where that is not known, as a field of the key has no column."""
    columns = {each.field: each.name for each in seen.columns}
    fed = [columns[name] for name in key if name in columns]
    came = f"from the column{'s' * (len(fed) > 1)} {_listed(fed)}" if fed and len(fed) == len(key) else None
    made = None
    if seen.maker is not None:
        of = seen.maker.rule
        made = f"made from {_MADE[of] if isinstance(of, str) else _listed([columns.get(name, name) for name in of])}"
    if came is None or made is None:
        return came or made
    return f"{came}; for rows without one, {made}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(shorten(name, _NAME) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def blocked_by(look: Look, settings: Settings) -> str | None:
    """Return why an upload of these rows cannot begin; None if it can."""
    missing = look.preview.missing
    if missing:
        which = "the required field" if len(missing) == 1 else "the required fields"
        return f"No column for {which} {_listed(missing)}. Choose one under Columns and fields."
    if settings.key == ():
        return "Choose, under Options, the columns that keys are made from."
    broken = [each.name for each in look.preview.columns if each.problem]
    if broken:
        return f"The column {shorten(broken[0], _NAME)} cannot go to its field: see Columns and fields."
    return look.problem


def fitting(settings: Settings, head: Tabular, schema: Schema) -> Settings:
    """Return settings without what they say of columns that a source does not have, or fields that a schema lacks."""
    names, fields = set(head.schema.names), {None, *(each.name for each in schema.fields)}
    columns = {name: to for name, to in settings.columns.items() if name in names and to in fields}
    key = (
        settings.key if isinstance(settings.key, str | None) else tuple(each for each in settings.key if each in names)
    )
    return replace(settings, columns=columns, key=key)


def look_view(look: Look, settings: Settings) -> dict[str, Any]:
    """Return what is shown of it, as JSON."""
    seen, sample, schema = look.preview, look.sample, look.schema
    keys = () if isinstance(settings.key, str | None) else settings.key
    wrong = len({each.row for each in seen.refused})
    hidden, labels = len(seen.columns) - MOST_COLUMNS, field_labels(schema)
    counted = f"{wrong} of these {_rows_of(seen)} rows would be rejected. " if wrong else ""
    return {
        "header": ["row", *(shorten(each.name, _NAME) for each in seen.columns[:MOST_COLUMNS])],
        "rows": _rows(seen),
        "note": f"{counted}In the first column: {seen.numbering}."
        + (f" {hidden:,} more columns are listed below." if hidden > 0 else ""),
        "size": None if sample.size is None else size_text(sample.size),
        "columns": [_column(at, each, seen, keys, labels) for at, each in enumerate(seen.columns)],
        "unfed": _unfed(seen, schema),
        "key": look.key,
        "twice": TWICE if look.twice else None,
    }


def _unfed(seen: Preview, schema: Schema) -> str | None:
    """Return which fields stay without a value, as no column goes to them; None if there are none."""
    fed = {each.field for each in seen.columns} | ({seen.maker.name} if seen.maker is not None else set())
    found = [each.name for each in schema.fields if each.name not in fed and not each.required]
    return _listed(found) if found else None


def _rows_of(seen: Preview) -> int:
    return len(seen.rows) + sum(each.column is None for each in seen.refused)


def _rows(seen: Preview) -> list[list[Any]]:
    """Return the first rows as cells of a grid: text, None, or a text with its problem."""
    reasons: dict[tuple[int, str | None], str] = {}
    fed = {each.name: each.field for each in seen.columns}
    for each in seen.refused:
        place = "" if each.column is None or each.field == fed[each.column] else f"{each.field}: "
        reasons.setdefault((each.row, each.column), shorten(f"{place}{each.reason}", _REASON))
    names = [each.name for each in seen.columns[:MOST_COLUMNS]]
    rows = [
        (number, [_cell(text, reasons.get((number, name))) for name, text in zip(names, cells, strict=False)])
        for number, cells in zip(seen.rows, seen.cells, strict=True)
    ]
    uncut = [
        (each.row, [_cell(each.value, each.reason), *[""] * (len(names) - 1)])
        for each in seen.refused
        if each.column is None
    ]
    return [[f"{number}", *cells] for number, cells in sorted([*rows, *uncut], key=lambda row: row[0])]


def _cell(text: str | None, reason: str | None) -> Any:
    shown = None if text is None else shorten(text, _CELL)
    return shown if reason is None else {"text": shown, "problem": reason}


def _column(
    at: int, column: PreviewColumn, seen: Preview, keys: Sequence[str], labels: Mapping[str, str]
) -> dict[str, Any]:
    found = dict.fromkeys(row[at] for row in seen.cells if row[at])
    return {
        "label": shorten(column.name, _NAME),
        "sample": shorten(" · ".join(shorten(each, _CELL) for each in list(found)[:_EXAMPLES] if each), _CELL),
        "field": None if column.field is None else labels[column.field],
        "why": column.why,
        "keyed": column.name in keys,
        "problem": column.problem and shorten(column.problem, _REASON),
    }


def settings_view(settings: Settings, *, is_csv: bool, problem: tuple[str, str] | None) -> dict[str, Any]:
    """Return the settings as the controls of the browser have them: all text."""
    key = settings.key if isinstance(settings.key, str) else "" if settings.key is None else "columns"
    return {
        "csv": is_csv,
        "encoding": settings.encoding or "",
        "delimiter": settings.delimiter or "",
        "quotechar": settings.quotechar or "",
        "decimal": settings.decimal,
        "nulls": settings.nulls,
        "nan": settings.nan,
        "key": key,
        "workers": str(settings.workers),
        "problem": problem and {"name": problem[0], "text": problem[1]},
    }


def fields_view(schema: Schema) -> list[tuple[str, str, bool]]:
    """Return label and type of each field, and whether every row needs it."""
    labels = field_labels(schema)
    return [(labels[each.name], shorten(describe(each.type), _CELL), each.required) for each in schema.fields]


def field_labels(schema: Schema) -> dict[str, str]:
    """Return what the browser knows each field by: its name; a long one is cut, and numbered to be told from others."""
    return {
        name: name if len(name) <= _NAME else f"{shorten(name, _NAME)} ({at})"  # no name of a field has such signs
        for at, name in enumerate((each.name for each in schema.fields), 1)
    }
