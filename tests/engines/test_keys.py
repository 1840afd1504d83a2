"""Keys that do not depend on how rows are divided."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.engines.keys import keys_of, lot_of, with_keys
from intempt_nb.transfer.options import Target, UploadOptions

SCHEMA = inb.Schema.parse(
    {
        "type": "record",
        "name": "p",
        "fields": [{"name": "id", "type": "string"}, {"name": "shop", "type": "string"}],
    }
)
TARGET = Target("s", "c", "purchases", SCHEMA, ("id",))
KEYLESS = pd.DataFrame({"shop": pd.Series([], dtype="str")})


def test_keys_are_the_same_each_time_and_differ_between_rows_partitions_and_uploads() -> None:
    lot = lot_of(TARGET, KEYLESS, UploadOptions(), whole_files=False, at_least_once=True)
    other = lot_of(TARGET, KEYLESS, UploadOptions(), whole_files=False, at_least_once=True)
    assert lot is not None
    assert other is not None
    first = keys_of(lot, 0, 0, 1000)
    assert keys_of(lot, 0, 400, 10).equals(first.slice(400, 10))
    everything = [*first.to_pylist(), *keys_of(lot, 1, 0, 1000).to_pylist(), *keys_of(other, 0, 0, 1000).to_pylist()]
    assert len(set(everything)) == 3000


@pytest.mark.parametrize("key", ["content", ["shop"]])
def test_rows_that_have_or_are_given_keys_need_none_made(key: object) -> None:
    keyed = pd.DataFrame({"id": pd.Series([], dtype="str"), **KEYLESS})
    assert lot_of(TARGET, keyed, UploadOptions(), whole_files=False, at_least_once=False) is None
    assert lot_of(TARGET, KEYLESS, UploadOptions(key=key), whole_files=False, at_least_once=False) is None  # type: ignore[arg-type]  # (one of each)
    assert lot_of(TARGET, KEYLESS, UploadOptions(key="row"), whole_files=True, at_least_once=False) is None
    assert lot_of(TARGET, KEYLESS, UploadOptions(), whole_files=True, at_least_once=False) is None


def test_rows_without_keys_are_refused() -> None:
    with pytest.raises(inb.ConfigurationError, match=r"no column for the primary key, 'id'.*at_least_once=True"):
        lot_of(TARGET, KEYLESS, UploadOptions(), whole_files=False, at_least_once=False)
    with pytest.raises(inb.ConfigurationError, match=r"key='row' makes keys of row numbers"):
        lot_of(TARGET, KEYLESS, UploadOptions(key="row"), whole_files=False, at_least_once=True)


def test_a_column_of_keys_is_added_to_any_kind_of_rows_and_the_rows_stay_as_they_were() -> None:
    frame = pd.DataFrame({"shop": ["a", "b"], "id": ["x", "y"]}, index=[7, 7])
    before = frame.copy()
    table = pa.table({"shop": ["a", "b"], "id": ["x", "y"]})
    options = UploadOptions(columns={"id": None})
    for rows in (frame, table, table.to_batches()[0], table.to_reader()):
        given, mapped = with_keys(rows, "lot", 3, TARGET, options)
        keys = given["_intempt_key"].to_numpy().tolist() if rows is frame else given["_intempt_key"].to_pylist()
        assert keys == keys_of("lot", 3, 0, 2).to_pylist()
        assert mapped.columns == {"id": None, "_intempt_key": "id"}
    own = pd.DataFrame({"shop": ["a"], "_intempt_key": ["mine"]})
    for rows in (own, pa.Table.from_pandas(own)):
        given, mapped = with_keys(rows, "lot", 3, TARGET, UploadOptions())
        assert list(given["_intempt_key"].to_numpy()) == ["mine"]
        assert mapped.columns == {"_intempt_key_": "id"}
    pd.testing.assert_frame_equal(frame, before)
    assert options.columns == {"id": None}


@pytest.mark.parametrize("kind", [pd.DataFrame, pa.table])
def test_a_partition_goes_by_its_own_columns(kind: Any) -> None:
    keyed, keyless = kind({"shop": ["a"], "id": ["x"]}), kind({"shop": ["a"]})
    assert with_keys(keyed, "lot", 0, TARGET, UploadOptions())[0].equals(keyed)  # its keys are not replaced
    assert with_keys(keyless, None, 0, TARGET, UploadOptions(key="content"))[0].equals(keyless)
    with pytest.raises(inb.ConfigurationError, match=r"partition has no column for the primary key, 'id'.*'content'"):
        with_keys(keyless, None, 0, TARGET, UploadOptions())
