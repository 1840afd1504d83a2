"""skrub's report takes what a collection has."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb

MOMENT = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
ROWS = {
    "day": pa.array([dt.date(1600, 1, 1), dt.date(2020, 1, 1), None]),
    "at": pa.array([MOMENT, None, MOMENT]),
    "price": pa.array([Decimal("1.10"), None, Decimal("2.25")], pa.decimal128(10, 2)),
    "enum": pa.array(["A", "B", None]).dictionary_encode(),
    "raw": pa.array([b"\0\xff", None, b""]),
    "key": pa.array([uuid.UUID(int=7).bytes] * 3, pa.uuid()),
    "elapsed": pa.array([(1, 2, 3), None, (0, 0, 1)], pa.month_day_nano_interval()),
    "tags": pa.array([["a"], None, []]),
    "url": pa.array([{"host": "a", "at": MOMENT}, None, {"host": None, "at": None}]),
    "prices": pa.array([[("x", b"\1")], None, []], pa.map_(pa.string(), pa.binary())),
    "nothing": pa.nulls(3),
}


@pytest.fixture(autouse=True)
def close_figures() -> Any:
    yield
    plt.close("all")


def test_every_type_is_reported_and_nothing_is_fetched() -> None:
    report = inb.analysis.table_report(pa.table(ROWS))
    columns = {each["name"]: each for each in report.dict()["columns"]}
    assert list(columns) == list(ROWS)
    assert columns["price"]["mean"] == pytest.approx(1.675)
    assert columns["day"]["null_count"] == 1
    html = report.html()
    assert "00ff" in html
    assert str(uuid.UUID(int=7)) in html
    assert 'src="http' not in html
    assert "url(http" not in html


@pytest.mark.parametrize("wrap", [pd.DataFrame, pa.table])
def test_only_the_first_rows_are_looked_at(wrap: Any) -> None:
    report = inb.analysis.table_report(wrap({"n": np.arange(50)}), limit=20)
    assert report.dict()["n_rows"] == 20
    assert report.title == "The first 20 rows"
    whole = inb.analysis.table_report(wrap({"n": np.arange(20)}), limit=20)
    assert whole.title is None


def test_a_scan_is_asked_for_no_more_rows(shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "id", "type": "int"}]}
    things = shop.create_collection("things", schema)
    things.create_identifier("key", fields=["id"])
    things.upload(pa.table({"id": pa.array(range(30), pa.int32())}), progress=False)
    taken: list[int] = []
    batches = inb.Scan.to_batches

    def counted(scan: inb.Scan) -> Any:
        for batch in batches(scan):
            taken.append(len(batch))
            yield batch

    monkeypatch.setattr(inb.Scan, "to_batches", counted)
    assert inb.analysis.table_report(things.scan(), limit=5).dict()["n_rows"] == 5
    assert sum(taken) == 6
    with pytest.raises(inb.DataError, match=r"take its scan: collection\.scan\(\)"):
        inb.analysis.table_report(things)


def test_a_limit_that_is_none_is_refused() -> None:
    with pytest.raises(inb.DataError, match="limit is 0; expected a whole number of rows from 1 on"):
        inb.analysis.table_report(pa.table(ROWS), limit=0)
