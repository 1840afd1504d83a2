"""The main job: a file into a collection and back out as the same frame, dtypes included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.csv as pa_csv
import pytest

import intempt_nb as inb

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "airlines": ["carrier"],
    "airports": ["faa"],
    "planes": ["tailnum"],
    "flights": ["time_hour", "carrier", "flight"],
    "purchases": [],
}


def expected_frame(path: Path, schema: inb.Schema) -> pd.DataFrame:
    """What another reader makes of the file in the same types."""
    types = {field.name: field.type for field in schema.to_arrow()}
    options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    return pa_csv.read_csv(path, convert_options=options).to_pandas(types_mapper=pd.ArrowDtype)


def test_every_data_file_has_its_round_trip(data: Path) -> None:
    assert sorted(KEYS) == sorted(path.stem for path in data.glob("*.csv"))


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("way", ["file", "frame"])
def test_upload_and_load_give_back_an_equal_frame(data: Path, shop: inb.SourceHandle, name: str, way: str) -> None:
    path = data / f"{name}.csv"
    schema = inb.infer_schema(path).schema
    expected = expected_frame(path, schema)
    assert [dtype.pyarrow_dtype for dtype in expected.dtypes] == [field.type for field in schema.to_arrow()]
    if not KEYS[name]:
        schema = schema.with_field({"name": "eventId", "type": "string"})
    collection = shop.create_collection(name, schema, kind="event")
    collection.create_identifier("key", fields=KEYS[name] or ["eventId"], type="primary")
    report = collection.upload(path if way == "file" else expected, progress=False)
    report.raise_for_rejects()
    assert report.accepted == len(expected)
    loaded = collection.load(columns=list(expected.columns))
    pd.testing.assert_frame_equal(loaded, expected)


def test_uploading_again_changes_nothing(data: Path, shop: inb.SourceHandle) -> None:
    path = data / "purchases.csv"
    schema = inb.infer_schema(path).schema.with_field({"name": "eventId", "type": "string"})
    purchases = shop.create_collection("purchases", schema, kind="event")
    purchases.create_identifier("key", fields=["eventId"], type="primary")
    purchases.upload(path, progress=False)
    first = purchases.load()
    report = purchases.upload(path, progress=False)
    assert report.accepted == len(first)
    assert report.key_rule is not None
    pd.testing.assert_frame_equal(purchases.load(), first)
