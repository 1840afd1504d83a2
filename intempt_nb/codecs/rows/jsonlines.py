"""JSON lines → blocks of typed rows with their line numbers.

The file is read twice: once for what its values look like (:mod:`intempt_nb.codecs.rows.shapes`), once for the rows.
Each time pyarrow reads pieces of some MiB at once; a piece that it refuses, or in which it could lose digits, is
decoded line by line in Python instead. Lines that are no JSON object are reported and passed over, empty ones counted.
"""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from intempt_nb.codecs.ahead import in_order
from intempt_nb.codecs.rows.blocks import Block, Malformed, Tabular
from intempt_nb.codecs.rows.files import file_digest
from intempt_nb.codecs.rows.shapes import Shape, arrow_field, build, shape_of_array, shape_of_values
from intempt_nb.codecs.utf8 import is_utf8
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.parsing.source import MAX_DEPTH, refuse_depth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path
    from typing import IO

    import numpy.typing as npt

__all__ = ["open_jsonlines"]

LINES = "lines are counted from 1"
PIECE_BYTES = 4 << 20
MOST_LINE_BYTES = 256 << 20
MOST_OPEN = 2_000  # objects and arrays on a line, and so levels of nesting
_BRACE, _NEWLINE, _RETURN = b"{\n\r"


def open_jsonlines(path: Path) -> Tabular:
    """Open a file with a JSON object on each line; it is read once to see what the objects hold.

    Parameters
    ----------
    path
        The file; ``.gz``, ``.bz2`` and ``.zst`` are decompressed on the way.

    Returns
    -------
    Tabular
        A column a key, in the order met; a key that an object does not have is null.

    Raises
    ------
    DataError
        If it cannot be read, is not UTF-8, or has no line that is a JSON object.
    """
    shape, length, first_bad = Shape(), 0, None
    for found in _read_all(path, None):
        shape, length = shape + found.shape, length + len(found.lines)
        first_bad = first_bad or next(iter(found.malformed), None)
    if not length:
        raise _no_objects(path, first_bad)
    schema = _schema_of(shape)
    return Tabular(
        origin=str(path),
        schema=schema,
        text=False,
        numbering=LINES,
        length=length,
        read=lambda wanted: _blocks(path, _narrowed(schema, wanted)),
        digest=lambda: file_digest(path),
        path=path,
    )


def _schema_of(shape: Shape) -> pa.Schema:
    return pa.schema([arrow_field(key, each) for key, each in shape.fields.items()])


def _narrowed(schema: pa.Schema, wanted: Collection[str]) -> pa.Schema:
    """Return a schema without types for the columns that are not wanted: they are passed over, and come as nulls."""
    if not wanted:
        return schema
    return pa.schema([each if each.name in wanted else pa.field(each.name, pa.null()) for each in schema])


def _no_objects(path: Path, bad: Malformed | None) -> DataError:
    if bad is None:
        return DataError(f"{path} is empty; expected a JSON object on each line")
    found = f"{path} has no line that is a JSON object; line {bad.row}: {bad.reason}"
    return DataError(f"{found}. If it is one JSON document, pass what json.load gives: a list of objects")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some whole lines of a file, and the number of the first."""

    text: bytes
    first: int


def _pieces(path: Path) -> Iterator[_Piece]:
    line, rest = 1, bytearray()
    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            start = _start(path, stream)
            while chunk := start or bytes(stream.read(PIECE_BYTES)):
                start = b""
                end = chunk.rfind(b"\n") + 1
                if end:
                    text = bytes(rest + chunk[:end])
                    yield _Piece(text, line)
                    line += text.count(b"\n")
                    rest = bytearray()
                rest += chunk[end:]
                if len(rest) > MOST_LINE_BYTES:
                    raise DataError(f"line {line} of {path} has more than {MOST_LINE_BYTES >> 20} MiB")
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if rest:
        yield _Piece(bytes(rest), line)


def _start(path: Path, stream: IO[bytes]) -> bytes:
    start = bytes(stream.read(PIECE_BYTES))
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path} is UTF-16; JSON lines are UTF-8")
    return start.removeprefix(codecs.BOM_UTF8)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the lines of a piece hold.

    Parameters
    ----------
    columns
        The rows; of the schema that was asked for.
    shape
        Of the objects; empty where a schema was asked for.
    lines
        The number of each row's line.
    malformed
        Lines that are no JSON object.
    blank
        How many lines were empty.
    """

    columns: list[pa.Array]
    shape: Shape
    lines: npt.NDArray[np.int64]
    malformed: tuple[Malformed, ...] = ()
    blank: int = 0


def _blocks(path: Path, schema: pa.Schema) -> Iterator[Block]:
    for found in _read_all(path, schema):
        batch = pa.RecordBatch.from_arrays(found.columns, schema=schema)
        if not len(schema):  # a batch of no columns would have no rows
            batch = pa.RecordBatch.from_struct_array(pa.array([{}] * len(found.lines), pa.struct([])))
        yield Block(batch, pa.array(found.lines), found.malformed, found.blank)


def _read_all(path: Path, schema: pa.Schema | None) -> Iterator[_Read]:
    """Read the pieces of a file in order, a few at the same time."""
    return in_order(partial(_read, schema=schema), _pieces(path))


def _read(piece: _Piece, schema: pa.Schema | None) -> _Read:
    return _read_at_once(piece, schema) or _read_by_line(piece, schema)


def _read_at_once(piece: _Piece, schema: pa.Schema | None) -> _Read | None:
    """Return what pyarrow reads; None where it refuses, or could be wrong."""
    objects, blank = _object_lines(piece.text)
    if objects is None or not is_utf8(piece.text):
        return None
    try:
        return _read_objects(piece, objects, blank, schema)
    except RecursionError:
        return None


def _read_objects(piece: _Piece, objects: npt.NDArray[np.int64], blank: int, schema: pa.Schema | None) -> _Read | None:
    # pyarrow takes one type for a column, so that of nothing but nulls is left out and put back.
    known = None if schema is None else pa.schema([each for each in schema if each.type != pa.null()])
    try:
        table = pa_json.read_json(
            pa.BufferReader(piece.text),
            read_options=pa_json.ReadOptions(block_size=len(piece.text) + 1, use_threads=False),
            parse_options=pa_json.ParseOptions(
                explicit_schema=known, unexpected_field_behavior="infer" if schema is None else "ignore"
            ),
        )
        table.validate()  # of lists of nothing but nulls, pyarrow can make arrays that are none
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if len(table) != len(objects):  # an object over several lines, or several on one
        return None
    lines = objects + piece.first
    if schema is None:
        shape = shape_of_array(table.to_struct_array().combine_chunks()) if table.num_columns else _NO_KEYS
        return None if shape is None else _Read([], shape, lines, blank=blank)
    columns = [
        pa.nulls(len(table), each.type) if each.type == pa.null() else table[each.name].combine_chunks()
        for each in schema
    ]
    return _Read(columns, Shape(), lines, blank=blank)


_NO_KEYS = shape_of_values([{}])


def _object_lines(text: bytes) -> tuple[npt.NDArray[np.int64] | None, int]:
    """Return which lines, from 0, begin with a brace, and how many are empty; None if pyarrow must not see them.

    A bare ``null`` can end the process, and so can thousands of levels of nesting.
    """
    data = np.frombuffer(text, np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(data[:-1] == _NEWLINE) + 1])
    first = data[starts]
    braces = first == _BRACE
    empty = (first == _NEWLINE) | (first == _RETURN)
    if not (braces | empty).all():
        return None, 0
    ends = np.append(starts[1:], len(text))
    for line in np.flatnonzero(ends - starts > MOST_OPEN):  # a shorter one cannot open as many
        where = int(starts[line]), int(ends[line])
        if text.count(b"{", *where) + text.count(b"[", *where) > MOST_OPEN:
            return None, 0
    return np.flatnonzero(braces), int(empty.sum())


def _read_by_line(piece: _Piece, schema: pa.Schema | None) -> _Read:
    values, lines, malformed, blank = [], [], [], 0
    texts = piece.text.split(b"\n")
    for number, text in enumerate(texts if texts[-1] else texts[:-1], piece.first):
        if not text.strip():
            blank += 1
            continue
        value = _decode(text)
        if isinstance(value, str):
            malformed.append(Malformed(number, text.decode(errors="backslashreplace"), value))
        else:
            values.append(value)
            lines.append(number)
    columns = [
        pa.nulls(len(values)) if each.type == pa.null() else build([value.get(each.name) for value in values], each)
        for each in schema or ()
    ]
    shape = shape_of_values(values) if schema is None else Shape()
    return _Read(columns, shape, np.array(lines, np.int64), tuple(malformed), blank)


def _decode(line: bytes) -> dict[str, Any] | str:
    """Return the object on a line, or what is wrong with it."""
    try:
        value = loads(line.decode())
        if not isinstance(value, dict):
            return "not a JSON object"
        if line.count(b"{") + line.count(b"[") > MAX_DEPTH:
            refuse_depth(value)
        if b"\\ud" in line.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        return "not UTF-8"
    except UnicodeEncodeError:
        return "text with half of a surrogate pair, which is not Unicode"
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at column {error.colno}"
    except SchemaError:
        return f"nested more than {MAX_DEPTH} levels deep"
    except ValueError as error:
        return f"not JSON: {error}"
    return value
