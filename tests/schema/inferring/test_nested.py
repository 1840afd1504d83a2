"""Records, lists and maps are looked into by the rules that hold for columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.schema.checking.columns import convert

DATE = {"type": "string", "logicalType": "date"}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}


def infer(values: list[Any], kind: pa.DataType | None = None) -> inb.InferredSchema:
    return inb.infer_schema(pa.table({"x": pa.array(values, kind)}), "things")


def type_of(values: list[Any], kind: pa.DataType | None = None) -> Any:
    (field,) = infer(values, kind).schema.to_avro()["fields"]
    return field["type"]


def record(**fields: Any) -> dict[str, Any]:
    entries = [{"name": name, "type": avro} for name, avro in fields.items()]
    optional = [{**each, "default": None} if "null" in each["type"] else each for each in entries]
    return {"type": "record", "name": "x_record", "fields": optional}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


@pytest.mark.parametrize(
    ("values", "avro"),
    [
        ([{"a": 1, "b": "2020-01-01"}], record(a="long", b=DATE)),
        ([{"a": 1}, {"a": None}], record(a=["null", "long"])),
        ([{"a": 1}, None], ["null", record(a="long")]),
        ([{"a": dt.datetime(2020, 1, 1)}], record(a=MILLIS)),
        ([["2020-01-01T10:00Z"], []], array(MILLIS)),
        ([["2020-01-01", None]], array(["null", DATE])),
        ([["2020-01-01", "x"]], array("string")),
        ([[[1], []]], array(array("long"))),
        ([[], []], array(["null", "string"])),
        ([[], None], ["null", array(["null", "string"])]),
        ([[{"a": "2020-01-01"}], []], array(record(a=DATE))),
        (
            [{"a": {"b": 1}}],
            record(a={"type": "record", "name": "x_a_record", "fields": [{"name": "b", "type": "long"}]}),
        ),
    ],
)
def test_what_is_inside_gets_the_type_of_its_values(values: list[Any], avro: Any) -> None:
    assert type_of(values) == avro


@pytest.mark.parametrize(
    "kind",
    [pa.large_list(pa.string()), pa.list_(pa.string(), 2), pa.list_view(pa.string()), pa.large_list_view(pa.string())],
    ids=str,
)
def test_every_kind_of_list_is_looked_into(kind: pa.DataType) -> None:
    assert type_of([["2020-01-01", "2020-01-02"], None], kind) == ["null", array(DATE)]


def test_maps_are_looked_into() -> None:
    kind = pa.map_(pa.string(), pa.string())
    assert type_of([[("a", "2020-01-01")], [("b", "2020-01-02"), ("c", None)], None], kind) == [
        "null",
        {"type": "map", "values": ["null", DATE]},
    ]
    assert type_of([], kind)[1] == {"type": "map", "values": ["null", "string"]}


def test_a_time_without_a_zone_is_utc_at_every_depth() -> None:
    time = dt.datetime(2020, 1, 1)
    inferred = inb.infer_schema(pd.DataFrame({"a": [time], "b": [{"c": time}], "d": [[time]]}))
    reasons = inferred.evidence.set_index("field")["reason"]
    for path in ("a", "b.c", "d[]"):
        assert reasons[path].endswith("no time zone: read as UTC")


def test_the_evidence_has_a_line_for_every_place_with_the_rows_of_the_whole() -> None:
    values = [{"Zip Code": str(n), "t": ["2020-01-01"]} for n in range(5)] + [
        {"Zip Code": None, "t": ["x", "2020-01-02"]}
    ]
    evidence = infer(values).evidence
    assert evidence["field"].tolist() == ["x", "x.Zip_Code", "x.t", "x.t[]"]
    assert evidence["column"].tolist() == ["x", "x.Zip Code", "x.t", "x.t[]"]
    assert evidence["rows"].tolist() == [6, 6, 6, 7]
    assert evidence["nulls"].tolist() == [0, 1, 0, 0]
    assert evidence["reason"].tolist() == [
        "objects of 2 fields",
        "all 5 values are text",
        "7 items in 6 lists",
        "1 of 7 values is not a date: row 5 'x'",
    ]
    assert infer([[], []]).evidence["reason"].tolist()[0] == "every list is empty"
    assert infer([None], pa.list_(pa.string())).evidence["reason"].tolist()[0] == "no values"


def test_rows_are_right_in_slices_and_among_gaps() -> None:
    column = pa.array([["a"], None, [], ["2020-01-01", "2020-01-01"], None, ["2020-01-01", "b"]]).slice(2)
    inferred = inb.infer_schema(pa.table({"x": column}))
    assert inferred.evidence["reason"].tolist()[1] == "1 of 4 values is not a date: row 3 'b'"


def test_a_type_that_is_nested_too_deeply_is_a_schema_error() -> None:
    kind = pa.int64()
    for _ in range(60):
        kind = pa.struct([("a", kind)])
    with pytest.raises(inb.SchemaError, match="levels deep"):
        infer([], kind)


LEAVES = st.one_of(st.none(), st.dates().map(str), st.sampled_from(["x", "2020-01-01T10:00Z", "NA"]))
VALUES = st.lists(
    st.one_of(
        st.none(),
        st.fixed_dictionaries({"a": LEAVES, "b": st.one_of(st.none(), st.lists(LEAVES, max_size=3))}),
    ),
    max_size=6,
)
KIND = pa.struct([("a", pa.string()), ("b", pa.list_(pa.string()))])


@given(VALUES, st.integers(1, 3))
def test_nested_values_can_be_read_as_the_inferred_type(values: list[Any], size: int) -> None:
    whole = pa.table({"x": pa.array(values, KIND)})
    inferred = inb.infer_schema(pa.Table.from_batches(whole.to_batches(size), whole.schema))
    (field,) = inferred.schema.fields
    assert not convert(pa.array(values, KIND), field.type, inferred.schema.named, "x").refusals
    assert inferred.schema == inb.infer_schema(whole).schema
