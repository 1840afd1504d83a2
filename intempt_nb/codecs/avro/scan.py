"""Avro object container files → Arrow and pandas; the way back is :mod:`intempt_nb.codecs.avro.write`."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from intempt_nb.codecs.avro.container import Container
from intempt_nb.codecs.avro.fast import read_fast
from intempt_nb.codecs.avro.resolve import resolve_blocks
from intempt_nb.codecs.avro.rows import Rows, read_rows
from intempt_nb.codecs.sinks import Sinks
from intempt_nb.errors import DataError, Problem, SchemaError
from intempt_nb.schema.mapping.arrow import ArrowForm
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    import pandas as pd
    import pyarrow as pa

    from intempt_nb.schema.mapping.arrow import StringDates, Unions
    from intempt_nb.schema.mapping.pandas import DtypeBackend

__all__ = ["AvroScan", "AvroSource", "read_avro", "scan_avro"]

AvroSource: TypeAlias = "str | os.PathLike[str] | bytes | BinaryIO"


def scan_avro(
    source: AvroSource,
    *,
    columns: Sequence[str] | None = None,
    unions: Unions = "dense",
    string_dates: StringDates = "date32",
    reader_schema: str | bytes | Mapping[str, Any] | Schema | None = None,
) -> AvroScan:
    """Open an Avro container file; its rows are read when a sink of the scan is called.

    Codecs are null, deflate, snappy (its checksum is held against the data), zstandard, bzip2 and xz. A block may have
    1 GiB, compressed or not (:data:`intempt_nb.codecs.avro.container.MAX_BLOCK`), and 16,777,216 values that take no
    byte. Rows whose types the fast way knows (:mod:`intempt_nb.codecs.avro.fast`) are read by polars if it is
    installed.

    Parameters
    ----------
    source
        A path, a binary file, or the file's bytes. A binary file is read from where it stands; one that cannot seek can
        be read once.
    columns
        The columns to read, in this order; None for all.
    unions, string_dates
        Which Arrow types stand for unions of several types and for dates on string, see
        :class:`intempt_nb.schema.mapping.arrow.ArrowForm`.
    reader_schema
        The schema to read the data as, by Avro's rules of schema resolution; None for the one they were written with.

    Returns
    -------
    AvroScan
        With ``schema``, ``codec``, ``metadata`` and ``origin``.

    Raises
    ------
    DataError
        If the source cannot be opened, has no header of a container file, names an unknown codec, or lacks a column.
    SchemaError
        If the schema in the header, or the reader's, cannot be used.
    """
    opened = _Source(source)
    with opened.container() as container:
        header = container.header
    try:
        written = Schema.parse(header.schema, strict=False)
    except SchemaError as error:
        problems = [Problem(each.path, f"{each.message} (in the header of {opened.origin})") for each in error.problems]
        raise SchemaError(problems) from None
    schema = written if reader_schema is None else Schema.parse(reader_schema)
    if isinstance(columns, str):
        raise DataError(f"columns is {columns!r}; expected a list of names: [{columns!r}]")
    if columns is not None and len(set(columns)) < len(columns):
        raise DataError("columns names a column twice; each can be read once")
    scan = AvroScan(
        schema=schema,
        codec=header.codec,
        metadata=dict(header.metadata),
        origin=opened.origin,
        form=ArrowForm(unions, string_dates),
        columns=None if columns is None else tuple(columns),
        written=written,
        source=opened,
    )
    scan.arrow_schema  # noqa: B018  (refuses columns that there are not)
    return scan


def read_avro(
    source: AvroSource,
    *,
    columns: Sequence[str] | None = None,
    unions: Unions = "json",
    string_dates: StringDates = "date32",
    reader_schema: str | bytes | Mapping[str, Any] | Schema | None = None,
    dtype_backend: DtypeBackend = "pyarrow",
) -> pd.DataFrame:
    """Read an Avro container file as a DataFrame.

    Parameters
    ----------
    source, columns, unions, string_dates, reader_schema
        As for :func:`scan_avro`, but that unions of several types are JSON text unless said otherwise, as in what is
        loaded from a collection: pandas cannot show a frame with a dense union, though it keeps its values.
    dtype_backend
        ``"pyarrow"`` keeps every type of the schema; ``"numpy_nullable"`` and None (pandas' own) as pandas has them.

    Raises
    ------
    DataError
        If the file or a value in it cannot be read, with the row and the field where they are known.
    SchemaError
        If a schema cannot be used.
    """
    scan = scan_avro(source, columns=columns, unions=unions, string_dates=string_dates, reader_schema=reader_schema)
    return scan.to_pandas(dtype_backend)


@dataclass(frozen=True, slots=True, repr=False)
class AvroScan(Sinks):
    """An Avro container file whose rows are not read yet: one scan, many sinks.

    Takes part in Arrow's PyCapsule protocol, so that ``polars.DataFrame(scan)`` and DuckDB read it directly.

    Parameters
    ----------
    schema
        What the rows are read as: the file's own schema, or the reader's.
    codec
        How the file's blocks are compressed.
    metadata
        The file's other metadata, as bytes by name.
    origin
        What the file is, for messages.
    form
        Which Arrow types stand for unions and dates on string.
    columns
        The columns to read, in this order; None for all.
    written
        The schema in the file's header.
    source
        Opens the file.
    """

    schema: Schema
    codec: str
    metadata: Mapping[str, bytes]
    origin: str
    form: ArrowForm
    columns: tuple[str, ...] | None
    written: Schema
    source: _Source

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the rows: :meth:`Schema.to_arrow`, or some columns of it."""
        unions, dates = self.form.unions, self.form.string_dates
        if self.columns is None:
            return self.schema.to_arrow(unions=unions, string_dates=dates)
        return self.schema.select(self.columns, unions=unions, string_dates=dates)

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as record batches, reading a block at a time.

        Raises
        ------
        DataError
            For what is wrong with the file, with the block and its byte offset, and the row (from 0) and field where
            they are known. The batches before it were right.
        """
        with self.source.container() as container:
            if container.header.schema != self.written.text:
                raise DataError(f"{self.origin} has another schema than when the scan was made; scan it again")
            rows = Rows(self.schema, self.arrow_schema, self.form, self.origin)
            blocks = container.blocks()
            if self.schema is not self.written:
                blocks = resolve_blocks(blocks, self.written, self.schema, self.origin)
            yield from read_fast(blocks, rows) or read_rows(blocks, rows)

    def __repr__(self) -> str:
        columns = "all columns" if self.columns is None else f"columns {', '.join(self.columns)}"
        return f"AvroScan of {self.origin}: {columns}, codec {self.codec}; nothing is read before a sink is called"


@dataclass(slots=True)
class _Source:
    """Where a file comes from; opened from its start each time.

    Parameters
    ----------
    source
        As :func:`scan_avro` takes it.
    start
        Where a binary file stood.
    waiting
        The container of a file that cannot seek, once its header is read.
    """

    source: AvroSource
    start: int | None = field(init=False, default=None)
    waiting: Container | None = field(init=False, default=None)
    reads: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | os.PathLike | bytes | bytearray | memoryview):
            if not hasattr(self.source, "read"):
                kind = type(self.source).__name__
                raise DataError(f"an Avro file cannot be read from {kind}; expected a path, a binary file or bytes")
            if hasattr(self.source, "seekable") and self.source.seekable():
                self.start = self.source.tell()

    @property
    def origin(self) -> str:
        """What the source is, for messages."""
        if isinstance(self.source, str | os.PathLike):
            return str(self.source)
        if isinstance(self.source, bytes | bytearray | memoryview):
            return "bytes"
        return str(getattr(self.source, "name", type(self.source).__name__))

    @contextmanager
    def container(self) -> Iterator[Container]:
        """Open the file, and close it again if it was opened here."""
        if isinstance(self.source, str | os.PathLike):
            try:
                file = open(self.source, "rb")  # noqa: SIM115  (closed below)
            except OSError as error:
                raise DataError(f"{self.origin} cannot be opened: {error.strerror}") from None
            with file:
                yield Container(file, self.origin)
        elif isinstance(self.source, bytes | bytearray | memoryview):
            yield Container(io.BytesIO(self.source), self.origin)
        elif self.start is not None:
            self.source.seek(self.start)
            yield Container(self.source, self.origin)
        else:
            yield self._once(self.source)

    def _once(self, file: BinaryIO) -> Container:
        """Return the container of a file that cannot seek: for its header as often as need be, for its rows once."""
        self.reads += 1
        if self.waiting is None:
            self.waiting = Container(file, self.origin)
        elif self.reads > 2:
            raise DataError(f"{self.origin} was read already and cannot seek; read it into bytes to read it twice")
        return self.waiting
