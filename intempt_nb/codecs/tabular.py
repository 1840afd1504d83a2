"""Anything tabular → one form (`Tabular`): a CSV file, a DataFrame, Arrow data."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from intempt_nb.codecs.csv import open_csv
from intempt_nb.codecs.frames import open_frame, open_table
from intempt_nb.errors import DataError
from intempt_nb.schema.inference import InferredSchema, infer

if TYPE_CHECKING:
    from intempt_nb.codecs.blocks import Tabular

__all__ = ["infer_schema", "open_tabular"]

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
COMPRESSED = (".gz", ".bz2", ".zst")


def open_tabular(source: Any, *, encoding: str | None = None, delimiter: str | None = None) -> Tabular:
    """Open a source of rows.

    Parameters
    ----------
    source
        A path to a CSV file (``.csv``, ``.tsv``, ``.txt``, maybe compressed), a DataFrame, or Arrow data: a table, a
        batch, or anything with the PyCapsule interface (polars frames, DuckDB results).
    encoding, delimiter
        Of a CSV file; None to take UTF-8 and what the header shows. See :func:`intempt_nb.codecs.csv.open_csv`.

    Raises
    ------
    DataError
        If the source is of another kind, or cannot be read.
    """
    if isinstance(source, str | PathLike):
        return _open_path(Path(source), encoding, delimiter)
    if encoding is not None or delimiter is not None:
        raise DataError(f"encoding and delimiter are for CSV files; the source is a {type(source).__name__}")
    if isinstance(source, pd.DataFrame):
        return open_frame(source)
    if isinstance(source, pa.Table):
        return open_table(source)
    if isinstance(source, pa.RecordBatch):
        return open_table(pa.Table.from_batches([source]))
    if isinstance(source, pd.Series):
        raise DataError("rows cannot be read from a Series; make it a table: series.to_frame('name')")
    if hasattr(source, "__arrow_c_stream__"):
        return open_table(pa.table(source), type(source).__name__)
    raise DataError(f"rows cannot be read from {type(source).__name__}; expected a CSV path, a DataFrame or Arrow data")


def _open_path(path: Path, encoding: str | None, delimiter: str | None) -> Tabular:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] in COMPRESSED else (suffixes or [""])[-1]
    if path.is_file() and kind not in CSV_SUFFIXES:
        raise DataError(
            f"{path} does not end in {', '.join(CSV_SUFFIXES)}. Read other formats with pandas or pyarrow first, "
            "and pass the DataFrame or table"
        )
    return open_csv(path, encoding=encoding, delimiter=delimiter or ("\t" if kind == ".tsv" else None))


def infer_schema(
    source: Any,
    name: str | None = None,
    *,
    namespace: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> InferredSchema:
    """Infer an Avro record schema from data; every row is looked at.

    Parameters
    ----------
    source
        As :func:`open_tabular` takes it.
    name
        Of the record; None for the file's name without its suffix, or ``record``.
    namespace
        Of the record; None for none.
    encoding, delimiter
        Of a CSV file.

    Returns
    -------
    InferredSchema
        The schema, and ``evidence``: a DataFrame that says for each column why its type was chosen.

    Raises
    ------
    DataError
        If the source cannot be read.
    """
    opened = open_tabular(source, encoding=encoding, delimiter=delimiter)
    if name is None:
        name = Path(source).name.partition(".")[0] if isinstance(source, str | PathLike) else "record"
    batches = ((block.batch, block.rows) for block in opened.blocks())
    return infer(batches, opened.schema, name=name, namespace=namespace, text=opened.text)
