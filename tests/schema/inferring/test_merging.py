"""Two inferred schemas in one, and a sample whose verdict is verified over the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb

if TYPE_CHECKING:
    from pathlib import Path

DATE = {"type": "string", "logicalType": "date"}


def infer(data: Any, name: str = "one") -> inb.InferredSchema:
    return inb.infer_schema(data, name)


def merged(one: Any, two: Any) -> inb.InferredSchema:
    return infer(one).merge(infer(two, "two"))


def types(inferred: inb.InferredSchema) -> dict[str, Any]:
    return {field["name"]: field["type"] for field in inferred.schema.to_avro()["fields"]}


def csv(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_second_file_widens_types_and_adds_to_the_evidence(tmp_path: Path) -> None:
    one = csv(tmp_path, "one.csv", "id,n,d,gone\n1,5,2020-01-01,x\n2,6,2020-01-02,y\n")
    two = csv(tmp_path, "two.csv", "id,n,d,new\n3,1.5,2020-01-03,\n4,8,q,z\n")
    both = merged(one, two)
    assert both.schema.record.name == "one"
    assert types(both) == {
        "id": "long",
        "n": "double",
        "d": "string",
        "gone": ["null", "string"],
        "new": ["null", "string"],
    }
    evidence = both.evidence.set_index("field")
    assert evidence["rows"].tolist() == [4, 4, 4, 4, 4]
    assert evidence["nulls"].tolist() == [0, 0, 0, 2, 3]
    assert evidence.loc["d", "reason"] == "1 of 4 values is not a date: row 3 of two.csv 'q'"
    assert both.identifier_candidates == ("id", "d")


def test_a_value_that_is_in_both_is_no_identifier() -> None:
    assert merged(pd.DataFrame({"id": [1, 2]}), pd.DataFrame({"id": [3, 4]})).identifier_candidates == ("id",)
    assert merged(pd.DataFrame({"id": [1, 2]}), pd.DataFrame({"id": [2, 4]})).identifier_candidates == ()


@pytest.mark.parametrize(
    ("one", "two", "avro"),
    [
        (pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1.5]}), "double"),
        (pd.DataFrame({"x": [1]}), pd.DataFrame({"x": ["a"]}), "string"),
        (pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [None]}), ["null", "long"]),
        (pd.DataFrame({"x": [None]}), pd.DataFrame({"x": [{"a": 1}]}), None),
        ([{"x": {"a": 1}}], [{"x": {"a": 2, "b": "q"}}], None),
        ([{"x": [1]}], [{"x": ["a"]}], {"type": "array", "items": "string"}),
        ([{"x": [1]}], [{"x": 5}], "string"),
        (
            pa.table({"x": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32()))}),
            pa.table({"x": pa.array([[("b", 1)]], pa.map_(pa.string(), pa.int64()))}),
            {"type": "map", "values": "long"},
        ),
        (pa.table({"x": pa.array([1], pa.timestamp("s"))}), pa.table({"x": pa.array([1], pa.timestamp("us"))}), None),
    ],
)
def test_columns_of_different_kinds_get_the_type_that_holds_both(one: Any, two: Any, avro: Any) -> None:
    found, other = types(merged(one, two))["x"], types(merged(two, one))["x"]
    assert found == other or isinstance(found, dict | list)
    if avro is not None:
        assert found == avro


def test_objects_are_merged_field_by_field() -> None:
    both = merged([{"x": {"a": 1}}, {"x": None}], [{"x": {"a": 2, "b": "2020-01-01"}}])
    record = types(both)["x"][1]
    assert record["fields"] == [
        {"name": "a", "type": "long"},
        {"name": "b", "type": ["null", DATE], "default": None},
    ]
    lines = both.evidence.set_index("field")
    assert lines.loc["x.b", ["rows", "nulls"]].tolist() == [2, 1]


def test_the_reason_says_what_each_of_two_kinds_was() -> None:
    both = merged(pd.DataFrame({"x": [1]}), pd.DataFrame({"x": ["a"]})).merge(infer(pd.DataFrame({"x": ["b"]})))
    assert both.evidence["reason"].tolist() == ["the column holds int64; in the other data: all 2 values are text"]
    assert both.evidence["rows"].tolist() == [3]


CELLS = st.lists(
    st.one_of(
        st.none(),
        st.sampled_from(["1", "007", "1.5", "true", "2020-01-01", "2020-01-01T10:00", "NA", "x", "9007199254740993"]),
    ),
    max_size=6,
)


def infer_cells(cells: list[str | None]) -> inb.InferredSchema:
    from intempt_nb.schema.inferring.inference import infer as infer_rows

    batch = pa.record_batch({"x": pa.array(cells, pa.string())})
    return infer_rows([(batch, None)], batch.schema, name="r", text=True)


@given(CELLS, CELLS)
def test_merging_is_inferring_from_all_rows(one: list[str | None], two: list[str | None]) -> None:
    whole, both = infer_cells(one + two), infer_cells(one).merge(infer_cells(two))
    assert both.schema == whole.schema
    columns = ["type", "rows", "nulls", "unique", "examples"]
    assert both.evidence[columns].equals(whole.evidence[columns])
    assert both.identifier_candidates == whole.identifier_candidates


# Samples


def test_a_sample_looks_at_the_first_rows_alone(tmp_path: Path) -> None:
    path = csv(tmp_path, "a.csv", "id,n\n1,1\n2,2\n3,x\n")
    inferred = inb.infer_schema(path, sample=2)
    assert types(inferred) == {"id": "long", "n": "long"}
    assert inferred.evidence["rows"].tolist() == [2, 2]
    assert inferred.evidence["unique"].tolist() == [None, None]
    assert inferred.identifier_candidates == ("id", "n")
    assert repr(inferred).startswith("a: 2 fields, inferred; from a sample of 2 rows; could be the identifier: id, n")


@pytest.mark.parametrize("sample", [1, 2, 3, 100])
def test_a_verified_sample_says_what_the_rest_changed(tmp_path: Path, sample: int) -> None:
    path = csv(tmp_path, "a.csv", "id,n\n1,1\n2,2\n3,x\n")
    inferred = inb.infer_schema(path, sample=sample, verify=True)
    whole = inb.infer_schema(path)
    assert inferred.schema == whole.schema
    assert inferred.evidence["unique"].tolist() == whole.evidence["unique"].tolist()
    note = f"; the first {sample} rows said long" if sample < 3 else ""
    assert inferred.evidence["reason"].tolist()[1] == f"1 of 3 values is not a whole number: row 4 'x'{note}"
    assert "sample" not in repr(inferred)


def test_a_sample_reads_no_further_than_it_must() -> None:
    from intempt_nb.schema.inferring.inference import infer as infer_rows

    def batches() -> Any:
        yield pa.record_batch({"n": [1, 2, 3]}), None
        pytest.fail("the second batch was read")

    schema = pa.schema([("n", pa.int64())])
    assert infer_rows(batches(), schema, name="r", text=False, sample=2).evidence["rows"].tolist() == [2]


def test_only_what_was_inferred_can_be_merged() -> None:
    inferred = infer([{"a": 1}])
    for other in (None, inferred.schema, [{"a": 2}]):
        with pytest.raises(TypeError, match="expected an InferredSchema"):
            inferred.merge(other)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("sample", [0, -1, True, 2.5, "10"])
def test_a_sample_is_a_number_of_rows(sample: Any) -> None:
    with pytest.raises(inb.DataError, match="expected a number of rows"):
        inb.infer_schema(pd.DataFrame({"a": [1]}), sample=sample)


def test_views_stay_short_when_there_is_much(tmp_path: Path) -> None:
    frame = pd.DataFrame({f"c{n}": [n] for n in range(500)})
    inferred = inb.infer_schema(frame)
    assert len(inferred.evidence) == 500
    assert len(repr(inferred).splitlines()) == 202
    assert "200 of 500 lines; .evidence has all" in repr(inferred).splitlines()[0]
    assert inferred._repr_html_().count("<tr>") == 201
