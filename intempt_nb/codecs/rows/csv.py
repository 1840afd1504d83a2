"""CSV files → blocks of text cells with their row numbers.

Rows are counted as a spreadsheet counts them: the header is row 1. An empty cell is null, a quoted empty one (``""``)
is an empty text. Lines with too few or too many cells are reported, never padded; empty lines are passed over.

The file is cut into pieces at row borders, which are parsed on threads. The cells are left as text: to parse them as
numbers and days at once is not faster than to convert the columns, and would need a second rule for what they say.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from intempt_nb.codecs.ahead import in_order
from intempt_nb.codecs.rows.blocks import Block, Malformed, Tabular
from intempt_nb.codecs.rows.csv_dialect import CsvOptions, Dialect, not_utf8, read_dialect, utf8_chunks
from intempt_nb.codecs.rows.csv_pieces import LONGEST_ROW, LongRow, OpenQuote, cut_pieces
from intempt_nb.codecs.rows.files import file_digest, missing_file
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["open_csv"]

CSV_ROWS = "rows are counted as a spreadsheet does, the header being row 1"
FIRST_ROW = 2


@dataclass(frozen=True, slots=True)
class _Parsed:
    """A piece of the file; its rows are counted from 0."""

    batch: pa.RecordBatch
    broken: tuple[Any, ...]
    blank: int
    rows: pa.Array
    count: int


def open_csv(path: str | Path, options: CsvOptions | None = None) -> Tabular:
    """Open a CSV file; the header is read, the rows are not.

    Parameters
    ----------
    path
        The file; ``.gz``, ``.bz2`` and ``.zst`` are decompressed on the way.
    options
        How it is written, as far as its start does not show it.

    Returns
    -------
    Tabular
        Of string columns, named by the header.

    Raises
    ------
    DataError
        If there is no such file, it is empty, its text is not in the encoding, or the header has a name twice or none.
        While reading: if a later part is not in the encoding, or a quote never closes.
    """
    path = Path(path)
    options = CsvOptions() if options is None else options
    if not path.is_file():
        raise missing_file(path)
    dialect = read_dialect(path, options)
    return Tabular(
        origin=str(path),
        schema=_text_schema(dialect),
        text=True,
        numbering=CSV_ROWS,
        length=None,
        read=lambda wanted: _blocks(dialect),
        digest=lambda: file_digest(path),
        path=path,
        decimal=options.decimal,
        dialect=dialect,
    )


def _text_schema(dialect: Dialect) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string()) for name in dialect.names])


def _blocks(dialect: Dialect) -> Iterator[Block]:
    row = FIRST_ROW
    pieces = cut_pieces(utf8_chunks(dialect), *dialect.marks)
    try:
        for parsed in in_order(partial(_parse, dialect=dialect), pieces):
            malformed = tuple(_malformed(each, row, dialect.delimiter) for each in parsed.broken)
            yield Block(parsed.batch, pc.add(parsed.rows, row), malformed, parsed.blank)
            row += parsed.count
    except OpenQuote:
        raise DataError(f"{dialect.path} has a quote here that never closes", row=row) from None
    except LongRow:
        limit = f"more than {LONGEST_ROW >> 20} MiB"
        raise DataError(f"{dialect.path} has a row of {limit} here, or a quote that never closes", row=row) from None
    except pa.ArrowInvalid as error:
        raise _explain(dialect, error) from error


def _parse(piece: bytes | memoryview, dialect: Dialect) -> _Parsed:
    broken: list[Any] = []

    def skip(row: Any) -> str:
        broken.append(row)
        return "skip"

    table = pa_csv.read_csv(
        pa.BufferReader(piece),
        # Row numbers are only known without threads, and in one block.
        read_options=pa_csv.ReadOptions(use_threads=False, block_size=len(piece) + 1, column_names=dialect.names),
        parse_options=pa_csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=False if dialect.quotechar is None else dialect.quotechar,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(dialect.names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return _without_blanks(table, broken)


def _without_blanks(table: pa.Table, broken: list[Any]) -> _Parsed:
    """Return the rows without the empty lines, which Arrow reads as rows without a value."""
    count = len(table) + len(broken)
    present = np.ones(count, bool)
    present[[each.number - 1 for each in broken]] = False
    rows = pa.array(np.flatnonzero(present))
    told = tuple(each for each in broken if each.text is None or each.text.strip())
    empty = table.column(0).is_null()
    for column in table.columns[1:]:
        if not pc.any(empty).as_py():
            break
        empty = pc.and_(empty, column.is_null())
    if pc.any(empty).as_py():
        keep = pc.invert(empty)
        table, rows = table.filter(keep), rows.filter(keep.combine_chunks())
    columns = [column.combine_chunks() for column in table.columns]
    blank = count - len(rows) - len(told)
    return _Parsed(pa.RecordBatch.from_arrays(columns, schema=table.schema), told, blank, rows, count)


def _malformed(row: Any, before: int, delimiter: str) -> Malformed:
    text = row.text or ""
    cells = f"{row.actual_columns} cell{'' if row.actual_columns == 1 else 's'}"
    reason = f"{cells} where the header has {row.expected_columns}"
    if row.actual_columns == row.expected_columns + 1 and text.rstrip().endswith(delimiter):
        reason += f"; the line ends in {delimiter!r}, the header does not"
    return Malformed(before + row.number - 1, text, reason)


def _explain(dialect: Dialect, error: pa.ArrowInvalid) -> DataError:
    if "invalid UTF8" in str(error):
        return _find_invalid(dialect)
    return DataError(f"{dialect.path} cannot be read as CSV: {error}")


def _find_invalid(dialect: Dialect) -> DataError:
    """Return where the file stops being UTF-8; only called when it does."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 1
    for chunk in utf8_chunks(dialect):
        try:
            decoder.decode(chunk)
        except UnicodeDecodeError as error:
            return not_utf8(dialect.path, error.object, error.start, lines)
        lines += chunk.count(b"\n")
    return DataError(f"{dialect.path} is not UTF-8; pass encoding= as it was saved")
