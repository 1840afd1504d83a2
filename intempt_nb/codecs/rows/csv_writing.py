"""Columns of text → a CSV file that is read as the same cells: null is an empty one, empty text is ``""``."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.rows.csv_dialect import DELIMITERS
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import IO

    from intempt_nb.codecs.rows.csv_dialect import Dialect

__all__ = ["remarks", "whole_lines", "write_csv"]

_LINE_ENDS = "\r\n"
_MARK = "\ufeff"


def write_csv(stream: IO[bytes], dialect: Dialect, blocks: Iterable[Sequence[pa.Array]]) -> None:
    """Write a header and rows.

    Parameters
    ----------
    stream
        Takes the bytes.
    dialect
        How to write, and the names of the columns.
    blocks
        A text column for each name.

    Raises
    ------
    DataError
        For text that the encoding does not have, or that needs quotes where the dialect has none.
    """
    encoder = codecs.getincrementalencoder(dialect.encoding)()
    try:
        stream.write(encoder.encode((_MARK if dialect.marked else "") + _header(dialect)))
        for columns in blocks:
            stream.write(encoder.encode(_lines(columns, dialect)))
        stream.write(encoder.encode("", final=True))
    except UnicodeEncodeError as error:
        found = error.object[error.start : error.start + 1]
        raise DataError(f"{found!r} cannot be written in {dialect.encoding}, the encoding of the source") from None


def _header(dialect: Dialect) -> str:
    # Other delimiters are quoted here too: an unquoted one would be taken for the file's.
    cells = [_quoted(pa.array([name]), dialect, DELIMITERS) for name in dialect.names]
    return _joined(cells, dialect)


def _lines(columns: Sequence[pa.Array], dialect: Dialect) -> str:
    return _joined([_quoted(column, dialect) for column in columns], dialect)


def _joined(cells: Sequence[pa.Array], dialect: Dialect) -> str:
    rows = pc.binary_join_element_wise(*cells, dialect.delimiter)
    lines = pc.binary_join_element_wise(rows, "", "\n")
    end = np.frombuffer(lines.buffers()[1], np.int32)[len(lines)]
    return str(lines.buffers()[2][:end], "utf-8")


def _quoted(cells: pa.Array, dialect: Dialect, also: str = "") -> pa.Array:
    """Return the cells as they stand in the file."""
    quote = dialect.quotechar
    special = _LINE_ENDS + dialect.delimiter
    if quote is None:
        if pc.any(pc.match_substring_regex(cells, _any_of(special))).as_py():
            raise DataError(f"a cell with a line end or {dialect.delimiter!r} cannot be written without quotes")
    else:
        needs = pc.match_substring_regex(cells, f"{_any_of(special + quote + also)}|^$")
        if pc.any(needs).as_py():
            doubled = pc.replace_substring(cells, quote, quote * 2)
            cells = pc.if_else(needs, pc.binary_join_element_wise(quote, doubled, quote, ""), cells)
    return pc.fill_null(cells, "")


def _any_of(characters: str) -> str:
    return "[" + "".join(f"\\x{{{ord(each):x}}}" for each in characters) + "]"


def remarks(texts: pa.Array, dialect: Dialect) -> pa.Array:
    """Return texts of our own so that the dialect can write them: what it has no way to say is replaced."""
    if not codecs.lookup(dialect.encoding).name.startswith("utf"):
        known = [None if each is None else _known(each, dialect.encoding) for each in texts.to_pylist()]
        texts = pa.array(known, pa.string())
    if dialect.quotechar is None:
        texts = pc.replace_substring_regex(texts, _any_of(_LINE_ENDS + dialect.delimiter), " ")
    return texts


def _known(text: str, encoding: str) -> str:
    return text.encode(encoding, "replace").decode(encoding)


def whole_lines(texts: pa.Array, dialect: Dialect) -> pa.Array:
    """Return whole lines as cells; without quotes, their delimiters are escaped as Python does it."""
    if dialect.quotechar is not None:
        return texts
    escaped = pc.replace_substring(texts, "\\", "\\\\")
    return pc.replace_substring(escaped, dialect.delimiter, f"\\x{ord(dialect.delimiter):02x}")
