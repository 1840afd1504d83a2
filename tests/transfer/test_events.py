"""Events as they are sent: the same JSON as an upload's, and bodies within their limits."""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.codecs.wire.bodies import encode_rows
from intempt_nb.codecs.wire.wire import wire_schema
from intempt_nb.transfer.events import Event, EventForm, cut_events, events_body
from intempt_nb.transfer.options import Limits

DAY = st.dates()
MILLIS = st.integers(0, 86_399_999).map(lambda ms: (dt.datetime(2020, 1, 1) + dt.timedelta(milliseconds=ms)).time())
MOMENT = st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2262, 1, 1))
LONG = st.integers(-(2**63), 2**63 - 1)
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "boolean": ("boolean", st.booleans()),
    "int": ("int", st.integers(-(2**31), 2**31 - 1)),
    "long": ("long", LONG),
    "float": ("float", st.floats(width=32, allow_nan=False, allow_infinity=False)),
    "double": ("double", st.floats(allow_nan=False, allow_infinity=False)),
    "string": ("string", st.text()),
    "bytes": ("bytes", st.binary()),
    "fixed": ({"type": "fixed", "name": "four", "size": 4}, st.binary(min_size=4, max_size=4)),
    "enum": ({"type": "enum", "name": "ab", "symbols": ["A", "B"]}, st.sampled_from("AB")),
    "day": ({"type": "string", "logicalType": "date"}, DAY),
    "days": ({"type": "int", "logicalType": "date"}, DAY),
    "time": ({"type": "int", "logicalType": "time-millis"}, MILLIS),
    "times": ({"type": "long", "logicalType": "time-micros"}, st.times()),
    "at": ({"type": "long", "logicalType": "timestamp-micros"}, MOMENT.map(lambda each: each.replace(tzinfo=dt.UTC))),
    "here": ({"type": "long", "logicalType": "local-timestamp-micros"}, MOMENT),
    "nanos": ({"type": "long", "logicalType": "local-timestamp-nanos"}, MOMENT),
    "decimal": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        st.decimals(-9_999_999, 9_999_999, places=2),
    ),
    "uuid": ({"type": "string", "logicalType": "uuid"}, st.uuids().map(str)),
    "packed": (
        {"type": "fixed", "name": "sixteen", "size": 16, "logicalType": "uuid"},
        st.uuids(),
    ),
    "list": (
        {"type": "array", "items": ["null", {"type": "string", "logicalType": "date"}]},
        st.lists(st.none() | DAY),
    ),
    "record": (
        {
            "type": "record",
            "name": "inner",
            "fields": [{"name": "x", "type": ["null", "long"]}, {"name": "t", "type": "float"}],
        },
        st.fixed_dictionaries({"x": st.none() | LONG, "t": st.floats(width=32, allow_nan=False, allow_infinity=False)}),
    ),
}
SCHEMA = inb.Schema.parse(
    {
        "type": "record",
        "name": "all",
        "fields": [{"name": name, "type": ["null", avro]} for name, (avro, _) in KINDS.items()],
    }
)

FORM = EventForm("all", SCHEMA)


@given(st.fixed_dictionaries({name: st.none() | values for name, (_, values) in KINDS.items()}))
def test_an_event_is_written_as_a_row_of_an_upload(item: dict[str, Any]) -> None:
    arrow = wire_schema(SCHEMA)
    columns = [pa.array([item[field.name]], field.type) for field in arrow]
    rows = encode_rows(pa.RecordBatch.from_arrays(columns, schema=arrow), SCHEMA)
    sent = json.loads(FORM.event(item, "v").data)
    assert sent == json.loads(bytes(rows.data[: rows.offsets[1] - 1]))


class Word(enum.StrEnum):
    YES = "yes"


def form_of(avro: Any, **others: Any) -> EventForm:
    fields = [{"name": "it", "type": avro}, *({"name": name, "type": each} for name, each in others.items())]
    return EventForm("booking", inb.Schema.parse({"type": "record", "name": "r", "fields": fields}))


@pytest.mark.parametrize(
    ("avro", "value", "sent"),
    [
        ("long", np.int32(5), 5),
        ("float", np.float32(0.1), 0.1),
        ("string", Word.YES, "yes"),
        (["null", "double"], float("nan"), None),
        (["null", "long"], pd.NA, None),
        ({"type": "array", "items": "long"}, np.array([1, 2]), [1, 2]),
        ({"type": "array", "items": "long"}, (1, 2), [1, 2]),
        ({"type": "map", "values": ["null", "long"]}, {"a": None, "b": 2}, {"a": None, "b": 2}),
        ({"type": "int", "logicalType": "date"}, pd.Timestamp("1970-01-03"), 2),
        ({"type": "string", "logicalType": "date"}, np.datetime64("2020-05-25"), "2020-05-25"),
        ({"type": "long", "logicalType": "timestamp-millis"}, pd.Timestamp("1970-01-01 02:00", tz="+02:00"), 0),
        ({"type": "long", "logicalType": "timestamp-millis"}, dt.datetime(1970, 1, 1, 0, 0, 1), 1000),
        ({"type": "bytes", "logicalType": "decimal", "precision": 40, "scale": 2}, Decimal("1E+30"), f"1{'0' * 30}.00"),
        ({"type": "string", "logicalType": "uuid"}, uuid.UUID(int=1), str(uuid.UUID(int=1))),
        (["null", "long", "string"], "text", "text"),
        (["null", "long", "string"], 2**60, 2**60),
        (["null", "string", {"type": "array", "items": "int"}], [1], [1]),
    ],
)
def test_python_values_take_the_form_of_the_wire(avro: Any, value: Any, sent: Any) -> None:
    assert json.loads(form_of(avro).event({"it": value}, "v").data) == {"it": sent}


def test_what_is_absent_stays_absent_also_inside() -> None:
    inner = {"type": "record", "name": "i", "fields": [{"name": each, "type": ["null", "int"]} for each in "xy"]}
    form = form_of(inner, more=["null", "string"])
    assert form.event({"it": {"x": 1}}, "v").data == b'{"it":{"x":1}}'


@pytest.mark.parametrize(
    ("properties", "field", "message"),
    [
        ({"it": "5"}, "it", "text where long is expected"),
        ({"it": 2**63}, "it", "too large for int64"),
        ({}, "it", "missing, and the schema has no default"),
        ({"it": float("nan")}, "it", "no value where long is expected"),
        ({"it": 1, "day": "2020-02-30"}, "day", "no such day"),
        ({"it": True, "day": 3}, "it", r"a boolean where long is expected \(and 1 more: day\)"),
        ({"it": 1, "at": [{"n": "x"}]}, "at[0].n", "text where int is expected"),
        ([1], None, r"found \[1\]; expected a dict"),
    ],
)
def test_what_does_not_fit_is_told_with_its_field(properties: Any, field: str | None, message: str) -> None:
    inner = {"type": "record", "name": "i", "fields": [{"name": "n", "type": "int"}]}
    optional = ["null", {"type": "string", "logicalType": "date"}]
    with pytest.raises(inb.DataError, match=f"{message}.*, in an event for 'booking'") as caught:
        form_of("long", day=optional, at=["null", {"type": "array", "items": inner}]).event(properties, "v")
    assert caught.value.field == field


def test_an_event_inside_itself_is_told() -> None:
    item: dict[str, Any] = {}
    item["it"] = item
    with pytest.raises(inb.DataError, match="nested more than 200 levels deep"):
        form_of({"type": "map", "values": "long"}).event(item, "v")


def test_ids_and_time_are_added_where_the_schema_has_them_and_the_event_has_not() -> None:
    given = {"it": 1, "timestamp": 5}
    event = form_of("int", eventId="string", visitorId=["null", "string"], timestamp="long").event(given, "me")
    added = event.item()
    assert uuid.UUID(added["eventId"]).version == 4
    assert added == {"it": 1, "eventId": event.event_id, "visitorId": "me", "timestamp": 5}
    assert event.event_id == uuid.UUID(event.event_id).hex
    assert given == {"it": 1, "timestamp": 5}
    own = {"it": 1, "eventId": "mine", "visitorId": None}
    now = form_of("int", eventId="string", visitorId=["null", "string"], timestamp="long").event(own, "me").item()
    before = dt.datetime.now(dt.UTC).timestamp() * 1000
    assert now == own | {"timestamp": now["timestamp"]}
    assert before - 60_000 < now["timestamp"] <= before + 1
    assert form_of("int").event({"it": 1}, "me").item() == {"it": 1}


def test_ids_of_the_type_uuid_have_dashes_and_times_their_unit() -> None:
    dashed, micros = {"type": "string", "logicalType": "uuid"}, {"type": "long", "logicalType": "timestamp-micros"}
    sent = form_of("int", eventId=dashed, visitorId=dashed, timestamp=micros).event({"it": 1}, uuid.UUID(int=7).hex)
    assert sent.item()["visitorId"] == str(uuid.UUID(int=7))
    assert str(uuid.UUID(sent.event_id)) == sent.event_id
    assert sent.item()["timestamp"] > 10**15


@given(
    st.lists(st.tuples(st.sampled_from(["a", "größer", "c"]), st.binary(min_size=2, max_size=40)), max_size=60),
    st.integers(60, 300),
    st.integers(1, 20),
)
def test_cut_events_keep_their_order_and_the_limits(
    given: list[tuple[str, bytes]], most_bytes: int, most_rows: int
) -> None:
    events = [Event(name, data) for name, data in given]
    parts = cut_events(events, Limits(most_rows, most_bytes))
    assert [event for part in parts for event in part] == events
    for part in parts:
        assert 0 < len(part) <= most_rows
        assert len(events_body(part)) <= most_bytes
    for part, following in pairwise(parts):  # one more would have been too much
        assert len(part) == most_rows or len(events_body([*part, following[0]])) > most_bytes


def test_a_body_holds_the_events_by_collection() -> None:
    events = [Event("b", b'{"n":1}'), Event('a"', b"{}"), Event("b", b'{"n":2}')]
    assert json.loads(events_body(events)) == {"b": [{"n": 1}, {"n": 2}], 'a"': [{}]}
