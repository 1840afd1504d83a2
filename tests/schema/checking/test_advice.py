"""The lines that are advised, run against the data that they are meant for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from intempt_nb.schema.checking.check import check
from intempt_nb.schema.schema import Schema

DATE = {"type": "string", "logicalType": "date"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
LOCAL = {"type": "long", "logicalType": "local-timestamp-micros"}
CLOCK = {"type": "int", "logicalType": "time-millis"}
MONEY = {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2}


def schema_of(**fields: Any) -> Schema:
    avro = [{"name": name, "type": each} for name, each in fields.items()]
    return Schema.parse({"type": "record", "name": "booking", "fields": avro})


class _Stream:
    """Arrow data that is known by its capsule alone."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


ADVISED: list[tuple[Any, Any]] = [
    (pa.array([5, None]), ["null", "string"]),
    (pa.array([True, False]), "long"),
    (pa.array([True, None]), ["null", "double"]),
    (pa.array([1, 0]), "boolean"),
    (pa.array([1.0, None]), ["null", "boolean"]),
    (pa.array([1.5, 2.0]), "long"),
    (pa.array([1.25, 3.0]), MONEY),
    (pa.array([1e12, None]), ["null", MILLIS]),
    (pa.array([dt.datetime(2020, 1, 1, 5)]), DATE),
    (pa.array([dt.datetime(2020, 1, 1, 5, tzinfo=dt.UTC)], pa.timestamp("us", "Europe/Paris")), DATE),
    (pa.array([dt.datetime(2020, 1, 1, 5, tzinfo=dt.UTC)], pa.timestamp("us", "Europe/Paris")), LOCAL),
    (pa.array([dt.datetime(2020, 1, 1, 5, 0, 0, 1)]), MILLIS),
    (pa.array([dt.datetime(2020, 1, 1, 5)]), CLOCK),
    (pa.array(["no base64!"]), "bytes"),
    (pa.array([dt.date(2020, 1, 1)]), "string"),
    (pa.array([1, None, 3]), "long"),
    (pa.array([True, False]).dictionary_encode(), "long"),
]


@pytest.mark.parametrize("kind", ["frame", "arrow frame", "table", "batch", "data"])
@pytest.mark.parametrize(("values", "avro"), ADVISED, ids=lambda value: str(getattr(value, "type", value))[:40])
def test_the_line_that_is_advised_runs_and_helps(values: pa.Array, avro: Any, kind: str) -> None:
    table = pa.table({"first": pa.nulls(len(values)), "the column": values})
    schema = schema_of(the_column=avro)
    given: dict[str, Any] = {
        "frame": table.to_pandas(),
        "arrow frame": table.to_pandas(types_mapper=pd.ArrowDtype),
        "table": table,
        "batch": table.to_batches()[0],
        "data": _Stream(table),
    }
    before = check(given[kind], schema)
    (advice,) = [each.advice for each in before.checks if each.field]
    if kind == "frame" and before:  # pandas made booleans with gaps objects, which fit already
        return
    assert advice is not None, before
    variable = {"arrow frame": "frame", "data": "table"}.get(kind, kind)
    names = {"pd": pd, "pa": pa, "pc": pc, variable: given[kind], kind: given[kind]}
    exec(advice, names)
    after = check(names[variable], schema)
    assert after, after


def test_advice_for_a_level_of_the_index_makes_it_a_column_first() -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index([True, False], name="id"))
    (advice,) = [each.advice for each in check(frame, schema_of(id="long")).checks if each.field]
    assert advice == "frame = frame.reset_index('id'); frame['id'] = frame['id'].astype('Int64')"
    names = {"frame": frame}
    exec(advice, names)
    assert check(names["frame"], schema_of(id="long"))


@pytest.mark.parametrize("kind", ["frame", "table", "batch", "data"])
def test_a_column_that_may_be_meant_is_renamed(kind: str) -> None:
    table = pa.table({"Bookng Id": [1]})
    given = {"frame": table.to_pandas(), "table": table, "batch": table.to_batches()[0], "data": _Stream(table)}[kind]
    (advice,) = [each.advice for each in check(given, schema_of(bookingId="long")).checks if each.field]
    assert advice is not None
    names = {"pa": pa, kind: given}
    exec(advice, names)
    assert check(names["table" if kind == "data" else kind], schema_of(bookingId="long"))


@pytest.mark.parametrize(
    ("frame", "avro"),
    [
        (pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}), "long"),
        (pd.DataFrame({"a": [1, "2"]}), "long"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "long"),
        (pd.DataFrame([[1, 2]], columns=["a", 0]), "long"),
    ],
)
def test_the_line_for_a_column_that_cannot_be_read_makes_it_one_that_can(frame: pd.DataFrame, avro: str) -> None:
    (advice,) = [each.advice for each in check(frame, schema_of(a=avro)).checks if each.advice]
    names = {"frame": frame}
    exec(advice, names)
    assert check(names["frame"], schema_of(a=avro))


@pytest.mark.parametrize(
    ("values", "avro"),
    [([[1]], "string"), ([b"ab"], MILLIS), (["x"], "long"), (pa.array([1], pa.duration("s")), CLOCK)],
)
def test_where_no_cast_helps_none_is_advised(values: Any, avro: Any) -> None:
    result = check(pa.table({"a": values}), schema_of(a=avro))
    assert not result
    assert [each.advice for each in result.checks] == [None]
