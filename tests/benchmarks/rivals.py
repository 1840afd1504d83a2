"""The same jobs without intempt_nb: the way that one writes first, and the best known libraries.

Each gives the same rows in the same types, as far as it can. polars and DuckDB are imported where they are used, so
that the obvious ways run without them.
"""

from __future__ import annotations

import io
import json
import tempfile
from typing import TYPE_CHECKING, Any

import fastavro
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from nullserver import NAME
from samples import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BATCH = 1_000
"""The rows of a request's body."""
_SQL = {
    pa.string(): "VARCHAR",
    pa.int64(): "BIGINT",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.date32(): "DATE",
    pa.timestamp("ms", "UTC"): "BIGINT",
}


def load_obvious(page: bytes, kind: str) -> pd.DataFrame:
    """json.loads, a DataFrame, casts; nested values stay dicts."""
    return typed([item["data"] for item in json.loads(page)["_embedded"]["dataItemList"]], kind)


def typed(rows: list[dict[str, Any]], kind: str) -> pd.DataFrame:
    """Make a DataFrame of rows out of JSON."""
    frame = pd.DataFrame(rows)
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True)
    if kind == "nested":
        return frame.astype({"title": "string"})
    frame["orderDate"] = pd.to_datetime(frame["orderDate"])
    return frame.astype({"quantity": "Int64", "comment": "string"})


def load_duckdb(page: bytes, kind: str) -> pd.DataFrame:
    """DuckDB reads files only, and is fast on the bare list of items only, so that is cut out and goes through one."""
    import duckdb

    schema = SCHEMAS[kind].to_arrow()
    columns = ", ".join(f'data."{name}"' for name in schema.names)
    shape = f"columns = {{'data': '{_sql_type(pa.struct(list(schema)))}'}}"
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(memoryview(page)[page.index(b"[") : page.rindex(b"]") + 1])
        file.flush()
        query = f"SELECT {columns} FROM read_json('{file.name}', format = 'array', {shape})"
        table = duckdb.connect().sql(query).to_arrow_table()
    return _frame(table)


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "STRUCT(" + ", ".join(f'"{field.name}" {_sql_type(field.type)}' for field in kind) + ")"
    return f"{_sql_type(kind.value_type)}[]" if pa.types.is_list(kind) else _SQL[kind]


def load_polars(page: bytes, kind: str) -> pd.DataFrame:
    import polars as pl

    data = pl.Struct({field.name: _polars_type(field.type) for field in SCHEMAS[kind].to_arrow()})
    shape = {"_embedded": pl.Struct({"dataItemList": pl.List(pl.Struct({"data": data}))})}
    rows = pl.read_json(page, schema=shape).unnest("_embedded").explode("dataItemList").unnest("dataItemList")
    frame = rows.unnest("data")
    if kind == "flat":
        frame = frame.with_columns(pl.col("orderDate").str.to_date("%Y-%m-%d"))
    return _frame(frame.to_arrow())


def _polars_type(kind: pa.DataType) -> Any:
    import polars as pl

    if pa.types.is_struct(kind):
        return pl.Struct({field.name: _polars_type(field.type) for field in kind})
    if pa.types.is_list(kind):
        return pl.List(_polars_type(kind.value_type))
    return {"BIGINT": pl.Int64, "INTEGER": pl.Int32, "DOUBLE": pl.Float64}.get(_SQL[kind], pl.String)


def _frame(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame of Arrow's types, with instants where the table has milliseconds."""
    place = table.column_names.index("timestamp")
    instants = table["timestamp"].cast(pa.timestamp("ms", "UTC"))
    return table.set_column(place, "timestamp", instants).to_pandas(types_mapper=pd.ArrowDtype)


def encode_obvious(frame: pd.DataFrame) -> list[bytes]:
    """to_dict and json.dumps."""
    frame = frame.assign(timestamp=frame["timestamp"].dt.as_unit("ms").astype("int64"))
    if "orderDate" in frame:
        frame["orderDate"] = frame["orderDate"].astype("str")
    bodies = []
    for start in range(0, len(frame), BATCH):
        records = frame.iloc[start : start + BATCH].to_dict("records")
        bodies.append(json.dumps({NAME: [_without_gaps(record) for record in records]}).encode())
    return bodies


def _without_gaps(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with None for pandas' other missing values, which are no JSON."""
    return {name: None if value is pd.NA or value != value else value for name, value in record.items()}


def encode_polars(frame: Any) -> list[bytes]:
    import polars as pl

    out = io.BytesIO()
    frame.with_columns(pl.col("timestamp").dt.epoch("ms")).write_ndjson(out)
    lines = out.getvalue().splitlines()
    start = f'{{"{NAME}":['.encode()
    return [start + b",".join(lines[at : at + BATCH]) + b"]}" for at in range(0, len(lines), BATCH)]


def csv_obvious(path: Path) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Read as text, coerce, look for what became missing."""
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame = text.assign(
        quantity=pd.to_numeric(text["quantity"], errors="coerce"),
        price=pd.to_numeric(text["price"], errors="coerce"),
        orderDate=pd.to_datetime(text["orderDate"], errors="coerce"),
        timestamp=pd.to_datetime(text["timestamp"], errors="coerce", utc=True, format="ISO8601"),
    )
    numeric = ("quantity", "price", "orderDate", "timestamp")
    bad = {name: text.index[frame[name].isna() & (text[name] != "")].tolist() for name in numeric}
    return frame, bad


def csv_polars(path: Path) -> tuple[Any, dict[str, list[int]]]:
    """Read as text, cast, look for what became null."""
    import polars as pl

    text = pl.read_csv(path, infer_schema=False)
    frame = text.with_columns(
        pl.col("quantity").cast(pl.Int64, strict=False),
        pl.col("price").cast(pl.Float64, strict=False),
        pl.col("orderDate").str.to_date("%Y-%m-%d", strict=False),
        pl.col("timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S%.f%:z", time_unit="ms", strict=False),
    )
    changed = ("quantity", "price", "orderDate", "timestamp")
    return frame, {name: (frame[name].is_null() & text[name].is_not_null()).arg_true().to_list() for name in changed}


def csv_pyarrow(path: Path) -> pa.Table:
    """All types at once, on all cores; one bad cell and it raises."""
    types = {field.name: field.type for field in SCHEMAS["flat"].to_arrow()}
    return pa_csv.read_csv(path, convert_options=pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True))


def jsonlines_obvious(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8") as lines:
        return typed([json.loads(line) for line in lines], "flat")


def jsonlines_polars(path: Path) -> Any:
    import polars as pl

    schema = {field.name: _polars_type(field.type) for field in SCHEMAS["flat"].to_arrow()}
    frame = pl.read_ndjson(path, schema=schema)
    return frame.with_columns(
        pl.col("orderDate").str.to_date("%Y-%m-%d"),
        pl.from_epoch("timestamp", time_unit="ms").dt.replace_time_zone("UTC"),
    )


def parquet_obvious(path: Path) -> pd.DataFrame:
    """Read; nothing says whether the values fit the schema."""
    return pd.read_parquet(path, dtype_backend="pyarrow")


def avro_obvious(path: Path) -> pd.DataFrame:
    with path.open("rb") as file:
        return pd.DataFrame(list(fastavro.reader(file)))


def avro_polars(path: Path) -> pd.DataFrame:
    import polars as pl

    return pl.read_avro(path).to_pandas(use_pyarrow_extension_array=True)


def write_avro_obvious(frame: pd.DataFrame, kind: str) -> bytes:
    """to_dict and fastavro; instants as numbers, which are ten times as fast to write."""
    frame = frame.assign(timestamp=frame["timestamp"].astype("int64"))
    if "orderDate" in frame:
        frame = frame.assign(orderDate=frame["orderDate"].astype("str"))
    out = io.BytesIO()
    fastavro.writer(out, SCHEMAS[kind].to_avro(), _records(frame))
    return out.getvalue()


def _records(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for record in frame.to_dict("records"):
        yield _without_gaps(record)


def write_avro_polars(frame: Any) -> bytes:
    """Names and types come out as polars has them: its writer takes no schema."""
    import polars as pl

    out = io.BytesIO()
    frame.with_columns(pl.col("timestamp").dt.epoch("ms")).write_avro(out)
    return out.getvalue()
