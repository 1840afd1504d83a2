"""Anything tabular → one form (`Tabular`): files by their suffix, DataFrames, Arrow data, lists of items."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.rows.columnar import open_avro, open_ipc, open_parquet
from intempt_nb.codecs.rows.csv import open_csv
from intempt_nb.codecs.rows.csv_dialect import CsvOptions
from intempt_nb.codecs.rows.files import missing_file
from intempt_nb.codecs.rows.frames import open_frame, open_table
from intempt_nb.codecs.rows.items import open_items
from intempt_nb.codecs.rows.jsonlines import LINES, open_jsonlines
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.commas import swap_in_numbers
from intempt_nb.schema.inferring.inference import InferredSchema, infer
from intempt_nb.schema.parsing.avro import SchemaWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from intempt_nb.codecs.rows.blocks import Block, Malformed, Tabular

__all__ = ["infer_opened", "infer_schema", "is_csv", "is_known", "known_suffixes", "open_tabular"]

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
COMPRESSED = (".gz", ".bz2", ".zst")
MOST_TOLD = 3

_OPENERS: Mapping[str, Callable[[Path], Tabular]] = {
    ".parquet": open_parquet,
    ".pq": open_parquet,
    ".avro": open_avro,
    ".feather": open_ipc,
    ".arrow": open_ipc,
    ".arrows": open_ipc,
    ".ipc": open_ipc,
    ".jsonl": open_jsonlines,
    ".ndjson": open_jsonlines,
}
"""What opens a file that is no CSV, by its suffix."""


def open_tabular(
    source: Any,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    quotechar: str | None = '"',
    decimal: str = ".",
) -> Tabular:
    """Open a source of rows.

    Parameters
    ----------
    source
        A path, a DataFrame, Arrow data (a table, a batch, or anything with the PyCapsule interface: polars frames,
        DuckDB results), or a list of items (dicts). A path is opened by its suffix:

        - ``.csv``, ``.tsv``, ``.txt``: CSV, maybe compressed (``.gz``, ``.bz2``, ``.zst``);
        - ``.jsonl``, ``.ndjson``: JSON lines, maybe compressed;
        - ``.parquet``, ``.pq``: Parquet; ``.avro``: an Avro container file;
        - ``.feather``, ``.arrow``, ``.arrows``, ``.ipc``: Feather, Arrow IPC files and streams.
    encoding, delimiter, quotechar, decimal
        Of a CSV file; see :class:`intempt_nb.codecs.rows.csv_dialect.CsvOptions`.

    Raises
    ------
    DataError
        If the source is of another kind, or cannot be read.
    """
    options = CsvOptions(encoding, delimiter, quotechar, decimal)
    if isinstance(source, str | PathLike):
        return _open_path(Path(source), options)
    _refuse_csv_options(options, f"the source is a {type(source).__name__}")
    if isinstance(source, pd.DataFrame):
        return open_frame(source)
    if isinstance(source, pa.Table):
        return open_table(source)
    if isinstance(source, pa.RecordBatch):
        return open_table(pa.Table.from_batches([source]))
    if isinstance(source, list | tuple):
        return open_items(source)
    if isinstance(source, pd.Series):
        raise DataError("rows cannot be read from a Series; make it a table: series.to_frame('name')")
    if hasattr(source, "__arrow_c_stream__"):
        return open_table(pa.table(source), type(source).__name__)
    expected = "expected a file's path, a DataFrame, Arrow data or a list of dicts"
    raise DataError(f"rows cannot be read from {type(source).__name__}; {expected}")


def is_csv(source: Any) -> bool:
    """Return whether a source is a path that is read as CSV."""
    return isinstance(source, str | PathLike) and _kind(Path(source)) in CSV_SUFFIXES


def is_known(path: Path) -> bool:
    """Return whether a file is of a kind that can be opened, by its suffix."""
    return _kind(path) in (*CSV_SUFFIXES, *_OPENERS)


def known_suffixes() -> tuple[str, ...]:
    """Return the suffixes of files that can be opened, those of compressed ones too."""
    return (*CSV_SUFFIXES, *_OPENERS, *COMPRESSED)


def _kind(path: Path) -> str:
    """Return the suffix that says what a file is, in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes] or [""]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in COMPRESSED else suffixes[-1]


def _refuse_csv_options(options: CsvOptions, found: str) -> None:
    if options.given:
        raise DataError(f"encoding, delimiter, quotechar and decimal are for CSV files; {found}")


def _open_path(path: Path, options: CsvOptions) -> Tabular:
    kind = _kind(path)
    opener = _OPENERS.get(kind)
    try:
        found = path.is_file()
    except OSError as error:  # a name that the system does not take: text in a path's place
        raise DataError(f"{shorten(repr(str(path)))} cannot be a file's path: {error.strerror}") from None
    if not found:
        raise missing_file(path)
    if opener is not None:
        _refuse_csv_options(options, f"{path} is not one by its suffix")
        return opener(path)
    if kind not in CSV_SUFFIXES:
        known = ", ".join((*CSV_SUFFIXES, *_OPENERS))
        advice = "for a JSON document, pass what json.load gives" if kind == ".json" else "or pass a DataFrame"
        raise DataError(f"{path} does not end in a known suffix ({known}). Rename it, {advice}")
    if kind == ".tsv" and options.delimiter is None:
        options = replace(options, delimiter="\t")
    return open_csv(path, options)


def infer_schema(
    source: Any,
    name: str | None = None,
    *,
    namespace: str | None = None,
    types: Mapping[str, Any] | None = None,
    sample: int | None = None,
    verify: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    quotechar: str | None = '"',
    decimal: str = ".",
) -> InferredSchema:
    """Infer an Avro record schema from data; every row is looked at, unless `sample` says otherwise.

    Parameters
    ----------
    source
        As :func:`open_tabular` takes it.
    name
        Of the record; None for the file's name without its suffix, or ``record``.
    namespace
        Of the record; None for none.
    types
        Types of columns that are known: Avro JSON by the column's name, or by its path where it is nested
        (``address.zip``, ``tags[]``, ``prices{}``): ``{"zip": "string"}``. The evidence says how many values do not
        fit.
    sample
        How many rows to look at, from the first; None for all.
    verify
        Whether to go on after the sample: what it said is widened where a later row does not fit, and the evidence
        tells both.
    encoding, delimiter, quotechar, decimal
        Of a CSV file, as :func:`open_tabular` takes them.

    Returns
    -------
    InferredSchema
        The schema, ``evidence`` (a DataFrame that says for each column why its type was chosen) and
        ``identifier_candidates``.

    Raises
    ------
    DataError
        If the source cannot be read, or `types` is no mapping or names no column.
    SchemaError
        If one of `types` is no Avro type.

    Warns
    -----
    SchemaWarning
        For lines of a file that are no rows and are left out: with too few or too many cells, or no JSON objects.
    """
    if sample is not None and (isinstance(sample, bool) or not isinstance(sample, int) or sample < 1):
        raise DataError(f"sample is {sample!r}; expected a number of rows, or None for all")
    if types is not None and not isinstance(types, Mapping):
        raise DataError(f"types is {shorten(repr(types))}; expected a dict: types of columns by their names")
    opened = open_tabular(source, encoding=encoding, delimiter=delimiter, quotechar=quotechar, decimal=decimal)
    is_path = isinstance(source, str | PathLike)
    inferred, left_out = infer_opened(
        opened,
        name if name is not None else Path(source).name.partition(".")[0] if is_path else "record",
        namespace=namespace,
        types=types,
        sample=sample,
        verify=verify,
        origin=Path(source).name if is_path else opened.origin,
    )
    if left_out:
        warnings.warn(left_out, SchemaWarning, stacklevel=2)
    return inferred


def infer_opened(
    opened: Tabular,
    name: str,
    *,
    namespace: str | None = None,
    types: Mapping[str, Any] | None = None,
    sample: int | None = None,
    verify: bool = False,
    origin: str,
) -> tuple[InferredSchema, str]:
    """Infer a schema as :func:`infer_schema` does, and tell of lines that are left out instead of warning of them.

    Parameters
    ----------
    opened
        The rows.
    name, namespace, types, sample, verify
        As :func:`infer_schema` has them.
    origin
        What the rows are rows of.
    """
    left_out = _LeftOut()
    batches = left_out.passed_by(opened.blocks())
    inferred = infer(
        _with_points(batches) if opened.decimal == "," else batches,
        opened.schema,
        name=name,
        namespace=namespace,
        text=opened.text,
        types=types,
        sample=sample,
        verify=verify,
        origin=origin,
    )
    unit = "line" if opened.numbering == LINES else "row"
    return inferred, f"{opened.origin}: {left_out.told(unit)}" if left_out.count else ""


def _with_points(batches: Iterable[tuple[pa.RecordBatch, pa.Int64Array]]) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    for batch, rows in batches:
        columns = [swap_in_numbers(column) for column in batch.columns]
        yield pa.RecordBatch.from_arrays(columns, schema=batch.schema), rows


@dataclass(slots=True)
class _LeftOut:
    """Counts the rows that cannot be cut into columns, and keeps the first of them."""

    count: int = 0
    first: tuple[Malformed, ...] = ()

    def passed_by(self, blocks: Iterable[Block]) -> Iterator[tuple[pa.RecordBatch, pa.Int64Array]]:
        for block in blocks:
            self.count += len(block.malformed)
            self.first = (self.first + block.malformed[:MOST_TOLD])[:MOST_TOLD]
            yield block.batch, block.rows

    def told(self, unit: str) -> str:
        listed = "; ".join(f"{unit} {each.row}: {each.reason}" for each in self.first)
        more = "; …" if self.count > len(self.first) else ""
        return f"{self.count:,} {unit}{' is' if self.count == 1 else 's are'} left out ({listed}{more})"
