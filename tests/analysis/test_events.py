"""Rows as events: every type that holds persons and times gives the same, and what cannot be read is said clearly."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import intempt_nb as inb
from intempt_nb.analysis import funnel, intervals, retention, rfm, sessions
from intempt_nb.analysis.events import instants_of, limit_of, numbered

TIMES = pd.to_datetime(["2025-01-02 10:00", "2025-01-01 10:00", "2025-01-01 10:20", "2025-01-04 08:00"])
FRAME = pd.DataFrame({"visitorId": ["bob", "ann", "ann", "bob"], "timestamp": TIMES})


def told(frame: Any) -> list[tuple[Any, ...]]:
    """Return what a session table says, whatever its types."""
    found = sessions(frame)
    start = pd.to_datetime(found["start"], utc=True).astype("int64")
    return list(zip(found["visitorId"].astype(str), found["session"], start, found["events"], strict=True))


MILLISECONDS = TIMES.as_unit("ms").astype("int64")
SAME = {
    "shuffled": FRAME.iloc[[2, 0, 3, 1]],
    "categories": FRAME.astype({"visitorId": pd.CategoricalDtype(["nobody", "bob", "ann"])}),
    "objects": FRAME.astype({"visitorId": object}),
    "with a zone": FRAME.assign(timestamp=TIMES.tz_localize("UTC").tz_convert("Asia/Kolkata")),
    "nanoseconds": FRAME.assign(timestamp=TIMES.as_unit("ns")),
    "seconds": FRAME.assign(timestamp=TIMES.as_unit("s")),
    "milliseconds since 1970": FRAME.assign(timestamp=MILLISECONDS),
    "unsigned": FRAME.assign(timestamp=MILLISECONDS.astype("uint64")),
    "Arrow": pa.table(FRAME),
    "text as views": pa.table({"visitorId": pa.array(FRAME["visitorId"], pa.string_view()), "timestamp": TIMES}),
    "dictionaries with repeats": pa.table(
        {
            "visitorId": pa.chunked_array(
                [
                    pa.DictionaryArray.from_arrays([2, 0], ["ann", None, "bob"]),
                    pa.DictionaryArray.from_arrays([1, 2], ["cy", "ann", "bob"]),
                ]
            ),
            "timestamp": TIMES,
        }
    ),
    "dictionary with a value twice": pa.table(
        {"visitorId": pa.DictionaryArray.from_arrays([0, 1, 2, 3], ["bob", "ann", "ann", "bob"]), "timestamp": TIMES}
    ),
}


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
def test_neither_types_nor_the_order_of_rows_matter(data: Any) -> None:
    assert told(data) == told(FRAME) != []


def test_a_frame_is_not_changed() -> None:
    before = FRAME.copy(deep=True)
    sessions(FRAME)
    retention(FRAME)
    pd.testing.assert_frame_equal(FRAME, before)


def test_a_scan_is_read(shop: inb.SourceHandle) -> None:
    fields = [{"name": "visitorId", "type": "string"}, {"name": "timestamp", "type": "long"}]
    visits = shop.create_collection("visits", {"type": "record", "name": "visit", "fields": fields}, kind="event")
    visits.create_identifier("visit", fields=["timestamp"])
    for visitor, time in zip(FRAME["visitorId"], MILLISECONDS, strict=True):
        visits.post({"visitorId": visitor, "timestamp": time})
    assert told(visits.scan()) == told(FRAME)
    with pytest.raises(inb.DataError, match=r"collection\.scan\(\)"):
        sessions(visits)


ONE: dict[str, Any] = {"visitorId": "ann", "timestamp": TIMES[0]}


def at(time: int, kind: pa.DataType) -> pa.Table:
    numbers = np.array([0, time], {pa.date32(): "int32", pa.uint64(): "uint64"}.get(kind, "int64"))
    return pa.table({"visitorId": ["ann", "ann"], "timestamp": pa.array(numbers).cast(kind)})


REFUSED = {
    "no such column": (pd.DataFrame([ONE]).rename(columns={"timestamp": "time"}), "no column 'timestamp'", None),
    "a person is missing": (pd.DataFrame([ONE, ONE | {"visitorId": None}]), "no value here.*dropna", 1),
    "a time is missing": (pd.DataFrame([ONE, ONE | {"timestamp": pd.NaT}]), "no value here.*dropna", 1),
    "text for times": (pd.DataFrame([ONE | {"timestamp": "2025-01-01"}]), "to_datetime", None),
    "floats for times": (pd.DataFrame([ONE | {"timestamp": 1.5}]), "double; expected timestamps", None),
    "too large for 64 bits": (at(2**64 - 1, pa.uint64()), "1 to 9999", 1),
    "nanoseconds as a number": (at(1_735_689_600 * 10**9, pa.int64()), "whole numbers are milliseconds", 1),
    "seconds of a far year": (at(2**62, pa.timestamp("s")), "1 to 9999", 1),
    "a date of a far year": (at(2**31 - 1, pa.date32()), "1 to 9999", 1),
    "lists for persons": (pd.DataFrame([ONE | {"visitorId": ["ann"]}]), "list.*expected text or numbers", None),
    "no rows at all": ("events.csv", "rows cannot be read from str", None),
}


@pytest.mark.parametrize(("data", "message", "row"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(data: Any, message: str, row: int | None) -> None:
    with pytest.raises(inb.DataError, match=message) as caught:
        sessions(data)
    assert caught.value.row == row


def test_without_rows_there_are_no_results() -> None:
    none = pd.DataFrame({"visitorId": pd.Series(dtype=str), "timestamp": TIMES[:0], "event": pd.Series(dtype=str)})
    assert sessions(none).empty
    assert retention(none).active.shape == (0, 0)
    assert rfm(none.assign(amount=0.0), by="visitorId", at="timestamp").empty
    assert intervals(none, by="visitorId", at="timestamp").empty
    with pytest.warns(UserWarning, match="no event is 'a'"):
        assert funnel(none, ["a"])["persons"].tolist() == [0]


def test_days_are_those_of_the_clocks() -> None:
    summer = pd.to_datetime(["2025-03-29 22:59", "2025-03-29 23:00", "2025-03-30 21:59", "2025-03-30 22:00"], utc=True)
    found = instants_of(pa.table({"at": summer}), "at").days("Europe/Berlin")
    assert (found - found[0]).tolist() == [0, 1, 1, 2]  # the second has 23 hours
    before = instants_of(pa.table({"at": [dt.date(1969, 12, 31)]}), "at").days("America/New_York")
    assert before.tolist() == [-1]
    for edge, tz in (("0001-01-01T00:00", "America/New_York"), ("9999-12-31T23:00", "Asia/Tokyo")):
        far = FRAME.assign(timestamp=np.datetime64(edge, "us"))
        with pytest.raises(inb.DataError, match=f"{edge}.*no day of the years 1 to 9999 in {tz}"):
            retention(far, tz=tz)
        assert retention(far).persons.sum() == 2
    with pytest.raises(inb.DataError, match="tz is 'Berlin'"):
        retention(FRAME, tz="Berlin")


@pytest.mark.parametrize(
    ("until", "rows", "whole"),
    [
        ("2025-01-01", 2, True),
        (dt.date(2025, 1, 2), 3, True),
        (dt.datetime(2025, 1, 1, 10, 0), 1, False),
        ("2025-01-01T11:00+01:00", 1, False),
        (None, 4, False),
    ],
)
def test_a_limit_is_a_whole_day_or_an_instant(until: Any, rows: int, whole: bool) -> None:
    found = limit_of(until, instants_of(pa.table(FRAME), "timestamp"), "UTC", "until")
    assert (int(found.rows.sum()), found.whole) == (rows, whole)
    assert found.day == 20_089 + {2: 0, 3: 1, 1: 0, 4: 3}[rows]


@pytest.mark.parametrize("until", ["yesterday", 20_000, "2025-13-01", pd.NaT])
def test_what_is_no_day_is_refused(until: Any) -> None:
    with pytest.raises(inb.DataError, match=r"until is .*; expected a date"):
        retention(FRAME, until=until)


def test_values_are_numbered_in_many_chunks() -> None:
    random = np.random.default_rng(3).integers(0, 50, 999)
    column = pa.chunked_array([pa.array(random[at : at + 100].astype(str)) for at in range(0, 999, 100)])
    numbers, values = numbered(pa.table({"who": column}), "who")
    assert values.take(pa.array(numbers)).to_pylist() == column.to_pylist()
    assert len(values) == len(set(values.to_pylist())) == len(set(random.tolist()))
