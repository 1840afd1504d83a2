"""Rejected rows → a file to correct and upload again: as the source had them, each with its reason.

Before the source's own columns stand four of ours, and a fifth where lines could not be cut into cells. So that a
spreadsheet calculates nothing, cells of a CSV that look like formulas get an apostrophe, which is taken away again when
the file, or a DataFrame made of it, is uploaded; elsewhere only cells that begin with one already get another.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from intempt_nb.codecs.rows.blocks import Block, Malformed, Tabular
from intempt_nb.codecs.rows.csv_dialect import Dialect
from intempt_nb.codecs.rows.csv_writing import remarks, whole_lines, write_csv
from intempt_nb.codecs.rows.files import BLOCK_ROWS
from intempt_nb.codecs.rows.formulas import guarded, neutralised, restored
from intempt_nb.codecs.rows.json_writing import as_cells, write_json_lines
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.layouts import is_text, plain_layout
from intempt_nb.schema.model import Enum, String, Uuid, describe, without_null
from intempt_nb.transfer.keys import ID
from intempt_nb.transfer.mapping import match_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import IO

    from numpy.typing import NDArray

    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.mapping import Columns

    Rows = NDArray[np.int64]
    Ids = Callable[[Rows], Sequence[str | None]]
    Write = Callable[[IO[bytes], pa.Table], None]

__all__ = ["has_ids", "is_dead_letters", "open_dead_letters", "read_rejected", "require_texts", "write_dead_letters"]

ROW, STATUS, ERROR = "_intempt_row", "_intempt_status", "_intempt_error"
LINE = "_intempt_line"
"""Holds a line whole that could not be cut into cells; the column is there only if there is such a line."""

_TOLD = (ROW, STATUS, ERROR, LINE)
_CSV = (".csv", ".tsv", ".txt")
_UNCUT = f"a line in {LINE}: put what it says into the columns of its row, and empty {LINE} there"


def write_dead_letters(
    path: str | os.PathLike[str],
    source: Tabular,
    rejects: pa.Table,
    statuses: Mapping[int, int],
    ids: Ids | None,
) -> int:
    """Write the rejected rows to a file, which is replaced at once and only when all is written.

    Parameters
    ----------
    path
        Of the file. A CSV source takes ``.csv``, and the file is written as the source is. All else takes ``.jsonl``,
        ``.parquet`` or ``.arrow``, which keep more and more types, or ``.csv`` if it is flat.
    source
        The rows that were uploaded; read again, and only what was rejected is kept.
    rejects
        As :data:`intempt_nb.schema.checking.rejects.REJECTS`.
    statuses
        The HTTP status by row, of the rows that the server refused.
    ids
        The keys that were made for rows, None for a row that brings its own; None if all do.

    Returns
    -------
    int
        The number of rows. Of none, the file has the columns and no rows; a ``.jsonl`` file is empty.

    Raises
    ------
    DataError
        If the path is the source's own, ends in no known suffix or cannot be written, if a column has no exact form
        in such a file, or the source has changed.
    """
    target = Path(path)
    write = _writer(target, source)
    if source.path is not None and target.exists() and target.samefile(source.path):
        raise DataError(f"{target} is the file that was uploaded; write the rejected rows to another")
    table = _letters(source, rejects, statuses, ids)
    with _replacing(target) as stream:
        write(stream, table)
    return len(table)


def read_rejected(source: Tabular, rejects: pa.Table, statuses: Mapping[int, int], ids: Ids | None) -> pa.Table:
    """Return the rejected rows as :func:`write_dead_letters` writes them, in the source's types.

    Parameters
    ----------
    source, rejects, statuses, ids
        As there.

    Returns
    -------
    pyarrow.Table
        What :func:`open_dead_letters` takes, corrected or not.

    Raises
    ------
    DataError
        If the source has changed.
    """
    table = _letters(source, rejects, statuses, ids)
    return pa.Table.from_batches(map(_guarded, table.to_batches()), _guarded_schema(table.schema))


def _letters(source: Tabular, rejects: pa.Table, statuses: Mapping[int, int], ids: Ids | None) -> pa.Table:
    """Return the rejected rows with our remarks in front."""
    rows = np.unique(rejects["row"].drop_null().to_numpy())
    cells = _reread(source, rows)
    made = pa.array(ids(rows) if ids else [None] * len(rows), pa.string())
    if ID in cells.column_names:
        made = pc.coalesce(cells[ID].cast(pa.string()), made)
    elif made.null_count == len(made):
        made = pa.nulls(len(rows))  # so that it is not taken for keys when it comes again
    own = {ROW: pa.array(rows), STATUS: _statuses(rows, statuses), ERROR: _reasons(rows, rejects), ID: made}
    fields = [pa.field(name, column.type) for name, column in own.items()]
    kept = [place for place, name in enumerate(cells.column_names) if name != ID]
    columns = [*own.values(), *(cells.column(place) for place in kept)]
    return pa.table(columns, schema=pa.schema([*fields, *(cells.schema.field(place) for place in kept)]))


def _reread(source: Tabular, wanted: Rows) -> pa.Table:
    """Return rows by their numbers, which ascend; lines that cannot be cut, if there are any, in `LINE` before them."""
    schema = source.schema.insert(0, pa.field(LINE, pa.string()))
    table = pa.Table.from_batches(_parts(source, wanted, schema), schema)
    if len(table) < len(wanted):
        missing = len(wanted) - len(table)
        raise DataError(f"{missing:,} of {len(wanted):,} rejected rows are not in {source.origin} any more")
    return table if table[LINE].null_count < len(table) else table.remove_column(0)


def _parts(source: Tabular, wanted: Rows, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the wanted rows of each block, the first column their lines if they are malformed."""
    left = len(wanted)
    for block in source.blocks() if left else ():
        places = _places(block.rows.to_numpy(), wanted)
        uncut = np.array([each.row for each in block.malformed], np.int64)
        malformed = [block.malformed[place] for place in _places(uncut, wanted)]
        if len(places) or malformed:
            yield _part(block, places, malformed, schema)
        left -= len(places) + len(malformed)
        if not left:
            return


def _places(rows: Rows, wanted: Rows) -> Rows:
    """Return where the wanted rows are; both ascend, and some are wanted."""
    nearest = np.minimum(np.searchsorted(wanted, rows), len(wanted) - 1)
    return np.flatnonzero(wanted[nearest] == rows)


def _part(block: Block, places: Rows, malformed: Sequence[Malformed], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.nulls(len(places), pa.string()), *block.batch.take(pa.array(places)).columns]
    batch = pa.RecordBatch.from_arrays(columns, schema=schema)
    if not malformed:
        return batch
    lines = pa.array([each.text for each in malformed], pa.string())
    gaps = [pa.nulls(len(malformed), each.type) for each in batch.schema][1:]
    uncut = pa.RecordBatch.from_arrays([lines, *gaps], schema=schema)
    rows = np.concatenate([block.rows.to_numpy()[places], [each.row for each in malformed]])
    return pa.concat_batches([batch, uncut]).take(pa.array(np.argsort(rows)))


def _statuses(rows: Rows, statuses: Mapping[int, int]) -> pa.Array:
    known = pa.array(list(statuses.values()), pa.int64())
    return known.take(pc.index_in(pa.array(rows), pa.array(list(statuses), pa.int64())))


def _reasons(rows: Rows, rejects: pa.Table) -> pa.Array:
    """Return all that is said of each row, in one text."""
    told = rejects.filter(pc.is_valid(rejects["row"]))
    reasons = pc.coalesce(pc.binary_join_element_wise(told["field"], told["reason"], ": "), told["reason"])
    first = np.searchsorted(told["row"].to_numpy(), rows)
    lists = pa.LargeListArray.from_arrays(np.append(first, len(told)), reasons.combine_chunks())
    return pc.binary_join(lists, "; ")


def _writer(path: Path, source: Tabular) -> Write:
    """Return what writes such a file."""
    suffix = path.suffix.lower()
    if source.dialect is not None and suffix not in _CSV:
        raise DataError(f"{source.origin} is CSV, and so are its rejected rows; end the path {str(path)!r} in .csv")
    if suffix in _CSV:
        tab = suffix == ".tsv"
        dialect = source.dialect or Dialect(path, "utf-8", "\t" if tab else ",", '"', ())
        if tab and dialect.delimiter != "\t":
            raise DataError(f"{path} would be read with tabs, and {source.origin} has {dialect.delimiter!r}; use .csv")
        return partial(_write_csv, dialect=dialect)
    if suffix not in _WRITERS:
        known = ", ".join((*_WRITERS, *_CSV))
        raise DataError(f"{path} does not end in a known suffix ({known}); .parquet keeps the columns' types")
    return _WRITERS[suffix]


def _write_csv(stream: IO[bytes], table: pa.Table, dialect: Dialect) -> None:
    names = neutralised(pa.array(table.column_names, pa.string())).to_pylist()
    blocks = (_as_csv(batch, dialect) for batch in table.to_batches(BLOCK_ROWS))
    write_csv(stream, replace(dialect, names=tuple(names)), blocks)


def _as_csv(batch: pa.RecordBatch, dialect: Dialect) -> list[pa.Array]:
    columns = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        cells = as_cells(column, name)
        if name == ERROR:
            cells = remarks(cells, dialect)
        elif name == LINE:
            cells = whole_lines(cells, dialect)
        columns.append(neutralised(cells))
    return columns


def _write_json(stream: IO[bytes], table: pa.Table) -> None:
    for batch in table.to_batches(BLOCK_ROWS):
        write_json_lines(stream, _guarded(batch))


def _write_parquet(stream: IO[bytes], table: pa.Table) -> None:
    try:
        with pq.ParquetWriter(stream, _guarded_schema(table.schema)) as writer:
            for batch in table.to_batches(BLOCK_ROWS):
                writer.write_batch(_guarded(batch))
    except pa.ArrowException as error:
        raise DataError(f"the rows cannot be written as Parquet: {error}; end the path in .arrow") from error


def _write_arrow(stream: IO[bytes], table: pa.Table) -> None:
    whole = pa.Table.from_batches([_guarded(batch) for batch in table.to_batches()], _guarded_schema(table.schema))
    options = pa.ipc.IpcWriteOptions(unify_dictionaries=True)
    with pa.ipc.new_file(stream, whole.schema, options=options) as writer:
        writer.write_table(whole, BLOCK_ROWS)


_WRITERS: Mapping[str, Write] = {
    ".jsonl": _write_json,
    ".ndjson": _write_json,
    ".parquet": _write_parquet,
    ".pq": _write_parquet,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
}


def _guarded(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [_on_texts(guarded, column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, schema=_guarded_schema(batch.schema))


def _guarded_schema(schema: pa.Schema) -> pa.Schema:
    names = guarded(pa.array(schema.names, pa.string())).to_pylist()
    return pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])


def _on_texts(change: Callable[[pa.Array], pa.Array], column: pa.Array) -> pa.Array:
    """Change text, also in dictionaries; columns keep their types, and what is no text is left."""
    kind = column.type
    if pa.types.is_dictionary(kind) and is_text(kind.value_type):
        dictionary = _on_texts(change, column.dictionary)
        return pa.DictionaryArray.from_arrays(column.indices, dictionary, ordered=kind.ordered)
    return change(plain_layout(column)).cast(kind) if is_text(kind) else column


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of another once it is whole and on the disk."""
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def open_dead_letters(source: Tabular) -> Tabular:
    """Take the remarks off rejected rows that come again, corrected or not.

    Parameters
    ----------
    source
        Any source. That it is one of :func:`write_dead_letters`, or a DataFrame made of it, is seen by the columns that
        it was given, some of which may have been deleted.

    Returns
    -------
    Tabular
        The source's own columns, what looked like a formula as it was; and `ID`, if it holds keys. Rows that still have
        a line in `LINE` are malformed. A source that is none of these is returned as it is.
    """
    if not is_dead_letters(source):
        return source
    names = source.schema.names
    places = [place for place, each in enumerate(source.schema) if _is_kept(each)]
    plain = restored(pa.array([names[place] for place in places], pa.string())).to_pylist()
    fields = [source.schema.field(place).with_name(name) for place, name in zip(places, plain, strict=True)]
    read = partial(_read, source, dict(zip(places, plain, strict=True)))
    return replace(source, schema=pa.schema(fields), read=read)


def is_dead_letters(source: Tabular) -> bool:
    """Return whether a source has columns that :func:`write_dead_letters` gave it."""
    return bool(set(_TOLD) & set(source.schema.names))


def has_ids(source: Tabular) -> bool:
    """Return whether any row of dead letters, opened, holds a key that was made for it."""
    if ID not in source.schema.names:
        return False
    place = source.schema.names.index(ID)
    columns = (block.batch.column(place).cast(pa.string()) for block in source.blocks({ID}))
    return any(pc.any(pc.not_equal(column, "")).as_py() for column in columns)


def require_texts(source: Tabular, schema: Schema, columns: Columns) -> None:
    """Refuse rows put right whose texts were made numbers of: ``001`` became 1, and cannot be told from 1.

    Parameters
    ----------
    source
        The rows, without the remarks.
    schema
        Of the collection.
    columns
        Column → field, where that was said by hand.

    Raises
    ------
    DataError
        With the way to read them that keeps their texts.
    """
    for name, place in match_columns(schema, source, columns).items():
        field, kind = schema[name], source.schema.field(place).type
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        if is_number and isinstance(without_null(field.type), String | Enum | Uuid):
            raise DataError(
                f"the column holds {kind}; expected {describe(field.type)}. If it was read from a file of rejected "
                "rows, texts such as 001 have become numbers: read the file with pandas.read_csv(path, dtype=str, "
                "keep_default_na=False, na_values=['']), or give the path itself",
                field=field.name,
            )


def _is_kept(field: pa.Field) -> bool:
    return is_text(field.type) if field.name == ID else field.name not in _TOLD


def _read(source: Tabular, kept: Mapping[int, str], wanted: Collection[str]) -> Iterator[Block]:
    """Yield the blocks of a source, with the columns that are `kept`: position there → name here."""
    names = source.schema.names
    needed = {names[place] for place, name in kept.items() if name in wanted or name == ID} | ({LINE} & set(names))
    for block in source.read(needed if wanted else ()):
        fields = [block.batch.schema.field(place).with_name(name) for place, name in kept.items()]
        columns = [_on_texts(restored, block.batch.column(place)) for place in kept]
        batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
        whole = replace(block, batch=batch)
        yield _without_lines(whole, block.batch.column(LINE)) if LINE in names else whole


def _without_lines(block: Block, lines: pa.Array) -> Block:
    """Return a block without the rows that still have their line, which pandas may have made a number of."""
    lines = _on_texts(restored, lines) if is_text(lines.type) else plain_layout(lines).cast(pa.string())
    uncut = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(lines), ""), False)
    if not pc.any(uncut).as_py():
        return block
    found = zip(block.rows.filter(uncut).to_pylist(), lines.filter(uncut).to_pylist(), strict=True)
    malformed = [*block.malformed, *(Malformed(row, text, _UNCUT) for row, text in found)]
    cut = pc.invert(uncut)
    return replace(
        block,
        batch=block.batch.filter(cut),
        rows=block.rows.filter(cut),
        malformed=tuple(sorted(malformed, key=lambda each: each.row)),
    )
