"""`Schema`: the text as it was written, its forms and how it shows itself."""

from __future__ import annotations

import copy
import json
import pickle
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.model import Field, Long, Null, String, Union
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema

BOOKING: dict[str, Any] = {
    "type": "record",
    "name": "booking",
    "namespace": "com.shop",
    "doc": "A booking of a flight",
    "fields": [
        {"name": "bookingId", "type": "long", "title": "Booking", "primary": True},
        {"name": "note", "type": ["null", "string"], "default": None, "doc": "Free text"},
        {"name": "day", "type": {"type": "string", "logicalType": "date"}},
    ],
}


def booking() -> Schema:
    return Schema.parse(BOOKING)


# Text


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(BOOKING),
        json.dumps(BOOKING, indent=4),
        '{ "fields" :[],"name":\t"r" , "type":"record"}\n',
        '{"type":"record","name":"r","fields":[],"doc":"Größe \\u00e9 ✓"}',
        '{"type":"record","name":"r","fields":[],"n":1.50,"big":12345678901234567890123,"e":1E2}',
        '{"type":"error","name":"r","fields":[{"name":"a","type":"int"}]}',
        '["null", "long"]',
    ],
    ids=range(7),
)
def test_the_text_is_kept_as_it_was_given(text: str) -> None:
    for source in (text, text.encode()):
        schema = Schema.parse(source)
        assert schema.text == text
        assert schema.to_avro() == json.loads(text)
        assert Schema.from_arrow(schema.to_arrow()).text == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
def test_bytes_are_read_in_any_encoding_of_json(encoding: str) -> None:
    assert Schema.parse(json.dumps(BOOKING).encode(encoding)).text == json.dumps(BOOKING)


def test_a_mapping_is_not_shared() -> None:
    source = copy.deepcopy(BOOKING)
    schema = Schema.parse(source)
    source["fields"].clear()
    schema.to_avro()["fields"].clear()
    assert schema.names == ["bookingId", "note", "day"]
    assert list(schema.to_avro()) == list(BOOKING)


def test_any_mapping_will_do() -> None:
    assert Schema.parse(MappingProxyType({**BOOKING, "extra": MappingProxyType({"a": (1, 2)})})).to_avro() == {
        **BOOKING,
        "extra": {"a": [1, 2]},
    }


def test_a_schema_is_its_own_schema() -> None:
    schema = booking()
    assert Schema.parse(schema) is schema


# Fields


def test_fields_are_found_by_name() -> None:
    schema = booking()
    assert schema.names == ["bookingId", "note", "day"]
    assert schema["bookingId"] == Field("bookingId", Long(), title="Booking", attributes={"primary": True})
    assert schema["note"].type == Union((Null(), String()))
    assert [field.required for field in schema.fields] == [True, False, True]
    assert schema.record.name == "com.shop.booking"
    assert schema._ipython_key_completions_() == schema.names


def test_a_field_that_is_not_there_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(DataError, match="no field 'bookingid'; did you mean 'bookingId'") as caught:
        booking()["bookingid"]
    assert caught.value.field == "bookingid"


def test_a_field_can_be_added() -> None:
    schema = booking()
    more = schema.with_field({"name": "eventId", "type": "string"})
    assert more.names == ["eventId", "bookingId", "note", "day"]
    assert schema.with_field({"name": "eventId", "type": "string"}, at=2).names == [
        "bookingId",
        "note",
        "eventId",
        "day",
    ]
    assert schema.names == ["bookingId", "note", "day"]
    with pytest.raises(SchemaError, match="a second field 'note'"):
        schema.with_field({"name": "note", "type": "string"})


# Arrow and pandas


def test_selected_columns_come_in_the_order_asked_for_with_what_they_carry() -> None:
    schema = booking()
    selected = schema.select(["day", "bookingId"])
    assert selected.names == ["day", "bookingId"]
    assert selected.field("bookingId").equals(schema.to_arrow().field("bookingId"), check_metadata=True)
    assert Schema.from_arrow(selected).to_avro()["fields"] == [BOOKING["fields"][2], BOOKING["fields"][0]]
    with pytest.raises(DataError, match="no field 'nothing'"):
        schema.select(["nothing"])


def test_what_fields_carry_survives_renaming() -> None:
    table = booking().to_arrow().empty_table().rename_columns(["a", "b", "c d"])
    assert Schema.from_arrow(table.schema, name="r").to_avro()["fields"] == [
        {"name": "a", "type": "long", "title": "Booking", "primary": True},
        {"name": "b", "type": ["null", "string"], "default": None, "doc": "Free text"},
        {"name": "c_d", "type": {"type": "string", "logicalType": "date"}, "title": "c d"},
    ]


def test_a_namespace_that_is_none_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"'9 9\.orders' is not a name"):
        Schema.from_arrow(pa.schema([("a", pa.int32())]), "orders", "9 9")


def test_an_arrow_schema_gets_the_name_and_namespace_asked_for() -> None:
    made = Schema.from_arrow(pa.schema([pa.field("Booking ID", pa.int64(), False)]), "my bookings", "com.shop")
    assert made.to_avro() == {
        "type": "record",
        "name": "my_bookings",
        "namespace": "com.shop",
        "fields": [{"name": "Booking_ID", "type": "long", "title": "Booking ID"}],
    }


def test_a_schema_that_is_no_record_is_one_column() -> None:
    schema = Schema.parse({"type": "array", "items": "long"})
    assert schema.names == ["value"]
    assert schema.to_arrow().types == [pa.list_(pa.field("item", pa.int64(), nullable=False))]
    assert Schema.from_arrow(schema.to_arrow()).to_avro() == {"type": "array", "items": "long"}
    with pytest.raises(SchemaError, match="a collection's schema is a record"):
        schema.with_field({"name": "x", "type": "long"})


def test_what_cannot_be_used_as_said_is_warned_of_once_and_not_on_the_way_back() -> None:
    source = {
        "type": "record",
        "name": "r",
        "fields": [{"name": "a", "type": {"type": "long", "logicalType": "eon"}}],
    }
    with pytest.warns(SchemaWarning) as caught:
        schema = Schema.parse(source)
    assert len(caught) == 1
    assert Schema.from_arrow(schema.to_arrow()).text == schema.text


def test_a_warning_names_the_line_that_asked_for_the_schema() -> None:
    with pytest.warns(SchemaWarning) as caught:
        Schema.parse('{"type": "int", "type": "long"}')
    assert [each.filename for each in caught] == [__file__]
    open_object = {"type": "object", "properties": {"a": {"type": "object"}}}
    with pytest.warns(SchemaWarning) as caught:
        Schema.from_json_schema(open_object)
    assert [each.filename for each in caught] == [__file__]


def test_what_is_no_schema_is_not_compared_with_one() -> None:
    schema = Schema.parse("int")
    for other in ('"int"', {"type": "int"}, None):
        with pytest.raises(TypeError, match=r"expected a Schema, as Schema\.parse makes"):
            schema.compatibility(other)  # type: ignore[arg-type]  (what it is about)
        with pytest.raises(TypeError, match=r"expected a Schema, as Schema\.parse makes"):
            schema.diff(other)  # type: ignore[arg-type]  (what it is about)


@pytest.mark.parametrize("source", [None, {"a": "int64"}, pa.array([1])], ids=lambda source: type(source).__name__)
def test_what_is_not_arrow_data_is_a_clear_error(source: Any) -> None:
    with pytest.raises(DataError, match="expected an Arrow schema, table or batch"):
        Schema.from_arrow(source)


# Equality and copies


def test_schemas_are_equal_if_their_json_is() -> None:
    other = Schema.parse(json.dumps(dict(reversed(BOOKING.items())), indent=2))
    assert booking() == other
    assert hash(booking()) == hash(other)
    assert len({booking(), other}) == 1
    assert booking() != Schema.parse({**BOOKING, "doc": "Another"})
    assert booking() != Schema.parse({**BOOKING, "fields": BOOKING["fields"][::-1]})
    assert booking() != BOOKING


@pytest.mark.parametrize(("one", "two"), [(1, 1.0), (1, True), (0, False), (0.0, -0.0), (None, 0)])
def test_values_that_python_takes_for_equal_are_different_json(one: Any, two: Any) -> None:
    schemas = [
        Schema.parse({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long", "note": note}]})
        for note in (one, two)
    ]
    assert schemas[0] != schemas[1]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["note", "more"]),
            st.one_of(st.integers(-1, 1), st.floats(-1, 1), st.booleans(), st.lists(st.integers(0, 1), max_size=1)),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_equal_schemas_have_equal_hashes(more: list[dict[str, Any]]) -> None:
    one, two = (
        Schema.parse({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long", **each}]})
        for each in more
    )
    assert one != two or hash(one) == hash(two)


def test_copies_and_pickles_are_equal() -> None:
    schema = booking()
    assert copy.copy(schema) == copy.deepcopy(schema) == schema
    unpickled = pickle.loads(pickle.dumps(schema))
    assert unpickled == schema
    assert unpickled.record == schema.record
    assert unpickled.to_arrow().equals(schema.to_arrow(), check_metadata=True)


def test_a_schema_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        booking().text = ""


# Showing itself


def test_it_shows_its_fields_as_a_table() -> None:
    lines = repr(booking()).splitlines()
    assert lines[0] == "com.shop.booking: 3 fields"
    assert lines[1].split() == ["field", "type", "required", "default", "title", "doc"]
    assert lines[2].split() == ["bookingId", "long", "yes", "Booking"]
    assert lines[3].split() == ["note", "string", "or", "null", "null", "Free", "text"]
    assert lines[4].split() == ["day", "date", "(text)", "yes"]
    assert repr(Schema.parse({"type": "record", "name": "r", "fields": []})).startswith("r: 0 fields\n")


def test_html_is_escaped_everywhere() -> None:
    evil = "<script>alert('x')</script>"
    html = Schema.parse(
        {
            "type": "record",
            "name": "r",
            "doc": evil,
            "fields": [{"name": "a", "type": "string", "title": evil, "doc": evil, "default": evil, evil: evil}],
        }
    )._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 3


def test_an_evil_name_is_refused_and_its_message_is_plain_text() -> None:
    with pytest.raises(SchemaError, match="is not a name"):
        Schema.parse({"type": "record", "name": "<script>", "fields": []})
