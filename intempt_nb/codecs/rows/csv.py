"""CSV files → blocks of text cells with their row numbers.

Rows are counted as a spreadsheet counts them: the header is row 1. An empty cell is null, a quoted empty one (``""``)
is an empty text. Lines with too few or too many cells are reported, never padded; empty lines are passed over.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from intempt_nb.codecs.rows.blocks import Block, Malformed, Tabular
from intempt_nb.codecs.rows.files import file_digest, missing_file
from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

    import numpy.typing as npt

__all__ = ["open_csv"]

CSV_ROWS = "rows are counted as a spreadsheet does, the header being row 1"
BLOCK_BYTES = 8 << 20
SAMPLE_BYTES = 1 << 20
DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class _Dialect:
    path: Path
    encoding: str
    delimiter: str
    names: tuple[str, ...]


def open_csv(path: str | Path, *, encoding: str | None = None, delimiter: str | None = None) -> Tabular:
    """Open a CSV file; the header is read, the rows are not.

    Parameters
    ----------
    path
        The file; ``.gz``, ``.bz2`` and ``.zst`` are decompressed on the way.
    encoding
        Of the text, as Python names encodings. None: UTF-8, or UTF-16 where a byte order mark says so; never guessed.
    delimiter
        Between the cells. None: a comma, or the semicolon, tab or bar that the header has in its place.

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
    _check_options(encoding, delimiter)
    if not path.is_file():
        raise missing_file(path)
    sample = _sample(path)
    encoding = encoding or _encoding(path, sample)
    header = _header(path, sample, encoding)
    delimiter = delimiter or _delimiter(header)
    dialect = _Dialect(path, encoding, delimiter, _names(path, header, delimiter))
    return Tabular(
        origin=str(path),
        schema=_text_schema(dialect.names),
        text=True,
        numbering=CSV_ROWS,
        length=None,
        read=lambda wanted: _blocks(dialect),
        digest=lambda: file_digest(path),
    )


def _check_options(encoding: str | None, delimiter: str | None) -> None:
    if delimiter is not None and (not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n'):
        raise DataError(f"delimiter is {delimiter!r}; expected one character, such as ',' or ';'")
    if encoding is None:
        return
    try:
        "a".encode(encoding).decode(encoding)
    except (LookupError, TypeError, ValueError):
        raise DataError(f"encoding is {encoding!r}; expected a text encoding, such as 'utf-8' or 'latin-1'") from None


def _delimiter(header: str) -> str:
    """Return the first known delimiter that the header has outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return next((each for each in DELIMITERS if each in bare), ",")


def _text_schema(names: Iterable[str]) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string()) for name in names])


def _open(path: Path) -> IO[bytes]:
    stream: IO[bytes] = pa.input_stream(str(path), compression="detect")
    return stream


def _sample(path: Path) -> bytes:
    try:
        with _open(path) as stream:
            sample = bytes(stream.read(SAMPLE_BYTES))
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if not sample.strip():
        raise DataError(f"{path} is empty; expected a header line")
    return sample


def _encoding(path: Path, sample: bytes) -> str:
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in sample:
        raise DataError(f"{path} holds zero bytes: not UTF-8 text. If it is UTF-16, pass encoding='utf-16-le'")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError as error:
        raise _not_utf8(path, sample, error.start) from None
    return "utf-8"


def _not_utf8(path: Path, text: bytes, start: int, lines_before: int = 0) -> DataError:
    line = lines_before + text.count(b"\n", 0, start) + 1
    found = text[max(0, text.rfind(b"\n", 0, start) + 1, start - 20) : start + 20].splitlines()[0]
    return DataError(
        f"{path} is not UTF-8: byte 0x{text[start]:02x} in line {line}, near {found.decode('latin-1')!r} "
        "(read as Latin-1). If that looks right, pass encoding='latin-1'; otherwise the encoding it was saved in"
    )


def _header(path: Path, sample: bytes, encoding: str) -> str:
    """Return the text of the first record, quoted line ends included."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample).removeprefix("\ufeff")
    except UnicodeError as error:
        raise DataError(f"{path} cannot be read as {encoding}: {error}") from None
    lines = io.StringIO(text, newline="")
    header = lines.readline()
    while header.count('"') % 2 and (more := lines.readline()):
        header += more
    if not header.strip():
        raise DataError(f"the first line of {path} is empty; expected a header line")
    return header


def _names(path: Path, header: str, delimiter: str) -> tuple[str, ...]:
    names = next(csv.reader(io.StringIO(header, newline=""), delimiter=delimiter))
    places: dict[str, list[int]] = {}
    for column, name in enumerate(names, 1):
        places.setdefault(name, []).append(column)
    for name, columns in places.items():
        if not name.strip():
            advice = "If pandas wrote the file, to_csv(index=False) leaves the index out"
            if columns[0] == len(names):
                advice = f"The header ends in {delimiter!r}; take it away there, and where rows end in it"
            raise DataError(f"column {columns[0]} of {path} has no name in the header. {advice}")
        if len(columns) > 1:
            listed = " and ".join(map(str, columns))
            raise DataError(f"the header of {path} has {shorten(name)!r} more than once: columns {listed}", field=name)
    return tuple(names)


def _blocks(dialect: _Dialect) -> Iterator[Block]:
    broken: list[Any] = []  # appended to by the reader, which is ahead of the batches it hands out
    good, reported = 0, 0
    try:
        with _open(dialect.path) as stream:
            for batch in _reader(stream, dialect, broken):
                rows = _number(good, len(batch), broken[reported:], reported)
                last = rows[-1] if len(rows) else 0
                inside = [each for each in broken[reported:] if each.number < last]
                good, reported = good + len(batch), reported + len(inside)
                _refuse_open_quote(dialect, batch, last)
                yield _without_blanks(batch, pa.array(rows), inside, dialect.delimiter)
    except pa.ArrowInvalid as error:
        raise _explain(dialect, error) from error
    except UnicodeError as error:
        raise DataError(f"{dialect.path} cannot be read as {dialect.encoding}: {error}") from None
    if reported < len(broken):
        nothing = pa.RecordBatch.from_pylist([], _text_schema(dialect.names))
        yield _without_blanks(nothing, pa.array([], pa.int64()), broken[reported:], dialect.delimiter)


def _refuse_open_quote(dialect: _Dialect, batch: pa.RecordBatch, row: int) -> None:
    """Raise if a quote was never closed: the last cell would hold the rest of the file.

    Only the cell that ends the file can do so, and it then holds a line end; few files are read again for it.
    """
    last = batch.column(batch.num_columns - 1)[-1].as_py() if len(batch) else None
    if last is None or "\n" not in last:
        return
    end = b""
    with _open(dialect.path) as stream:
        while chunk := bytes(stream.read(SAMPLE_BYTES)):
            end = (end + chunk)[-len(last.encode(dialect.encoding)) - 8 :]
    tail = end.decode(dialect.encoding, errors="ignore")
    if tail.endswith(last) and not tail.rstrip("\r\n").endswith('"'):
        raise DataError(f"a quote that opens in row {row} of {dialect.path} never closes", row=row)


def _number(good: int, count: int, broken: list[Any], reported: int) -> npt.NDArray[np.int64]:
    """Return the row numbers of the next `count` good rows, after `good` good and `reported` broken ones.

    The k-th good row, from 0, is row k + 2 of the file plus the broken rows before it.
    """
    numbers = np.array([each.number for each in broken], np.int64)
    good_before = numbers - 2 - reported - np.arange(len(numbers))
    index = np.arange(good, good + count, dtype=np.int64)
    return index + 2 + reported + np.searchsorted(good_before, index, side="right")


def _reader(stream: IO[bytes], dialect: _Dialect, malformed: list[Any]) -> Iterator[pa.RecordBatch]:
    def skip(row: Any) -> str:
        malformed.append(row)
        return "skip"

    try:
        reader = pa_csv.open_csv(
            stream,
            # Row numbers are only known without threads.
            read_options=pa_csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, encoding=dialect.encoding),
            parse_options=pa_csv.ParseOptions(
                delimiter=dialect.delimiter,
                newlines_in_values=True,
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
    except pa.ArrowInvalid as error:
        if "Empty CSV file" in str(error):  # a header without a line end, and nothing else
            return
        raise
    with reader:
        yield from reader


def _malformed(row: Any, delimiter: str) -> Malformed:
    text = row.text or ""
    cells = f"{row.actual_columns} cell{'' if row.actual_columns == 1 else 's'}"
    reason = f"{cells} where the header has {row.expected_columns}"
    if row.actual_columns == row.expected_columns + 1 and text.rstrip().endswith(delimiter):
        reason += f"; the line ends in {delimiter!r}, the header does not"
    return Malformed(row.number, shorten(text, 200), reason)


def _without_blanks(batch: pa.RecordBatch, rows: pa.Array, broken: list[Any], delimiter: str) -> Block:
    """Return the block without its empty lines, which Arrow reads as rows without a value."""
    malformed = tuple(_malformed(each, delimiter) for each in broken if each.text is None or each.text.strip())
    blank = len(broken) - len(malformed)
    if len(batch):
        empty = batch.column(0).is_null()
        for column in batch.columns[1:]:
            if not pc.any(empty).as_py():
                break
            empty = pc.and_(empty, column.is_null())
        if pc.any(empty).as_py():
            keep = pc.invert(empty)
            blank += len(batch) - pc.sum(keep).as_py()
            batch, rows = batch.filter(keep), rows.filter(keep)
    return Block(batch, rows, malformed, blank)


def _explain(dialect: _Dialect, error: pa.ArrowInvalid) -> DataError:
    text = str(error)
    if "invalid UTF8" in text:
        return _find_invalid(dialect.path)
    if "straddl" in text:
        return DataError(
            f"{dialect.path} has a row of more than {BLOCK_BYTES >> 20} MiB, or a quote that never closes: {text}"
        )
    return DataError(f"{dialect.path} cannot be read as CSV: {text}")


def _find_invalid(path: Path) -> DataError:
    """Return where the file stops being UTF-8; only called when it does."""
    decoder, lines = codecs.getincrementaldecoder("utf-8")(), 0
    with _open(path) as stream:
        while chunk := bytes(stream.read(SAMPLE_BYTES)):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return _not_utf8(path, error.object, error.start, lines)
            lines += chunk.count(b"\n")
    return DataError(f"{path} is not UTF-8; pass encoding= as it was saved")
