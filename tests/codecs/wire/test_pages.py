"""Pages of items: form, columns, gaps, ids and what is said of a page that cannot be read."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from typing import Any

import pytest

from intempt_nb.codecs.wire import pages
from intempt_nb.codecs.wire.envelope import cut_page, decode_page
from intempt_nb.codecs.wire.pages import read_page
from intempt_nb.errors import DataError
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.schema import Schema

URL = {
    "type": "record",
    "name": "Url",
    "fields": [{"name": "host", "type": "string"}, {"name": "port", "type": ["null", "int"], "default": None}],
}
VISIT = Schema.parse(
    {
        "type": "record",
        "name": "visit",
        "fields": [
            {"name": "visitorId", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "title", "type": ["null", "string"], "default": None},
            {"name": "url", "type": ["null", URL]},
            {"name": "attributes", "type": {"type": "map", "values": "string"}, "default": {}},
            {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}, "default": "B"},
        ],
    }
)
DATA = {"visitorId": "v", "at": 0, "title": "t", "url": {"host": "h", "port": 1}, "attributes": {"a": "b"}, "kind": "A"}


def page_of(*data: Any, **around: Any) -> bytes:
    items = [{"collId": "7", "id": str(row), "data": each} for row, each in enumerate(data)]
    return json.dumps({"_embedded": {"dataItemList": items}, **around}).encode()


def fields(*each: dict[str, Any]) -> Schema:
    return Schema.parse({"type": "record", "name": "r", "fields": list(each)})


def ids_of(body: bytes) -> list[str | None]:
    return read_page(body, LONG, item_ids="$id").table["$id"].to_pylist()


LONG = fields({"name": "c", "type": "long"})


@pytest.fixture(params=["fast", "exact", "pieces"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the ways a page may be read."""
    if request.param == "exact":
        monkeypatch.setattr(pages, "cut_page", decode_page)
    if request.param == "pieces":
        monkeypatch.setattr(pages, "cut_page", partial(cut_page, piece_size=1))
    return str(request.param)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"_embedded":{}}',
        b'{"_embedded":null}',
        b'{"_embedded":{"dataItemList":null}}',
        b' {"page":{"totalElements":0},"_embedded":{"dataItemList":[ ]}}',
        b'\xef\xbb\xbf{"_embedded":{"dataItemList":[]}}',
    ],
)
@pytest.mark.parametrize("columns", [None, ["at", "url"], []])
def test_an_empty_page_is_an_empty_table(body: bytes, columns: list[str] | None) -> None:
    found = read_page(body, VISIT, columns)
    expected = VISIT.to_arrow() if columns is None else VISIT.select(columns)
    assert found.table.schema.equals(expected, check_metadata=True)
    assert (found.table.num_rows, found.next) == (0, None)


def test_an_empty_page_may_have_a_next_one() -> None:
    found = read_page(b'{"_links":{"next":{"href":"/n"}},"page":{"totalElements":7}}', VISIT)
    assert found.next == "/n"


@pytest.mark.usefixtures("way")
def test_columns_are_those_asked_for_in_that_order() -> None:
    spoiled = {**DATA, "title": 5, "visitorId": None, "extra": {"a": [1]}}
    found = read_page(page_of(spoiled, DATA), VISIT, ("kind", "attributes", "at"))
    assert found.table.schema.equals(VISIT.select(["kind", "attributes", "at"]), check_metadata=True)
    assert found.table["attributes"].to_pylist() == [[("a", "b")]] * 2
    assert read_page(page_of(spoiled, DATA), VISIT, []).table.shape == (2, 0)


@pytest.mark.parametrize(
    ("columns", "message"), [(["at", "titel"], "did you mean 'title'"), (["at", "at"], "asked for twice")]
)
def test_columns_that_cannot_be_had(columns: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_page(page_of(DATA), VISIT, columns)


@pytest.mark.usefixtures("way")
def test_absent_fields_are_null_or_the_default() -> None:
    found = read_page(page_of({"visitorId": "v", "at": 1}, DATA, {**DATA, "kind": None}), VISIT).table
    assert found["title"].to_pylist() == [None, "t", "t"]
    assert found["url"].to_pylist() == [None, {"host": "h", "port": 1}, {"host": "h", "port": 1}]
    assert found["attributes"].to_pylist() == [[], [("a", "b")], [("a", "b")]]
    assert found["kind"].to_pylist() == ["B", "A", "B"]
    assert {tuple(chunk.dictionary.to_pylist()) for chunk in found["kind"].chunks} == {("A", "B")}


@pytest.mark.parametrize(
    ("avro", "default", "expected"),
    [
        ("long", 5, 5),
        ("double", 0.1, 0.1),
        ("float", 0.5, 0.5),
        ("string", "é", "é"),
        ("bytes", "\u00ff\u0000", b"\xff\x00"),
        ({"type": "fixed", "name": "F", "size": 2}, "\u00ffa", b"\xffa"),
        ({"type": "long", "logicalType": "local-timestamp-millis"}, 0, "1970-01-01T00:00:00"),
        ({"type": "string", "logicalType": "date"}, "2020-05-25", "2020-05-25"),
        ({"type": "int", "logicalType": "date"}, 18407, "2020-05-25"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}, "\u00ff\u0085", "-1.23"),
        ({"type": "array", "items": "bytes"}, ["\u00ff"], [b"\xff"]),
        ({"type": "record", "name": "p", "fields": [{"name": "b", "type": "bytes"}]}, {"b": "\u00ff"}, {"b": b"\xff"}),
        ({"type": "enum", "name": "E", "symbols": ["X", "Y"]}, "Y", "Y"),
        (["long", {"type": "map", "values": "long"}], {"a": 1}, '{"a":1}'),
    ],
)
def test_defaults_of_every_kind(avro: Any, default: Any, expected: Any, way: str) -> None:
    schema = fields({"name": "c", "type": avro, "default": default}, {"name": "d", "type": "long"})
    with pytest.MonkeyPatch.context() as patch:
        if way == "fast" and not isinstance(avro, list):
            patch.setattr(pages, "_exact_batch", lambda *_: pytest.fail("the fast way refused"))
        found = read_page(page_of({"d": 1}, {"d": 2, "c": None}), schema).table["c"].to_pylist()
    assert [each.isoformat() if hasattr(each, "isoformat") else each for each in found] == [
        type(each)(expected) if type(each).__name__ == "Decimal" else expected for each in found
    ]


@pytest.mark.usefixtures("way")
def test_a_field_with_neither_null_nor_default_must_be_there() -> None:
    for data in ({}, {"c": None}):
        with pytest.raises(DataError) as caught:
            read_page(page_of({"c": 1}, data), LONG)
        error = caught.value
        assert (error.row, error.field, error.value, error.expected) == (1, "c", "null", "long")
        assert error.message == (
            "item 1: no value, and the schema gives no default; "
            "name the other columns in columns= to load them without this one"
        )


@pytest.mark.usefixtures("way")
def test_a_default_that_does_not_fit_is_said() -> None:
    day = {"type": "string", "logicalType": "date"}  # to Avro itself this is text
    with pytest.warns(SchemaWarning, match='/fields/0/default: "soon" is not a date as YYYY-MM-DD'):
        schema = fields({"name": "c", "type": day, "default": "soon"})
    assert read_page(page_of({"c": "2020-05-25"}), schema).table["c"].to_pylist() == [dt.date(2020, 5, 25)]
    with pytest.raises(DataError, match='the schema\'s default "soon" does not fit'):
        read_page(page_of({"c": "2020-05-25"}, {}), schema)


@pytest.mark.usefixtures("way")
def test_defaults_inside_records() -> None:
    inner = {"type": "record", "name": "p", "fields": [{"name": "n", "type": "long", "default": 7}]}
    found = read_page(page_of({"c": {}}, {"c": None}, {"c": {"n": 1}}), fields({"name": "c", "type": ["null", inner]}))
    assert found.table["c"].to_pylist() == [{"n": 7}, None, {"n": 1}]


@pytest.mark.parametrize(
    ("item", "found", "field"),
    [
        ({"id": "5"}, "null", "data"),
        ({"id": "5", "data": None}, "null", "data"),
        ({"id": "5", "data": [1]}, "[1]", "data"),
        (None, "null", None),
        ("x", '"x"', None),
        ([], "[]", None),
    ],
)
@pytest.mark.usefixtures("way")
def test_an_item_without_data_is_no_item(item: Any, found: str, field: str | None) -> None:
    good = {"id": "1", "data": {"c": 1}}
    body = json.dumps({"_embedded": {"dataItemList": [good, good, item, good]}}).encode()
    with pytest.raises(DataError, match="expected an object") as caught:
        read_page(body, LONG)
    assert (caught.value.row, caught.value.field, caught.value.value) == (2, field, found)


@pytest.mark.usefixtures("way")
def test_ids_are_text_however_they_come() -> None:
    body = b'{"_embedded":{"dataItemList":[%b]}}'
    item = b'{"id":%b,"data":{"c":1}}'
    many = [b"98092788222918656", b"9223372036854775807"]
    for ids in (many, [b'"%b"' % each for each in many], [many[0], b'"%b"' % many[1]]):
        assert ids_of(body % b",".join(item % each for each in ids)) == ["98092788222918656", "9223372036854775807"]
    assert ids_of(body % (item % b"-0")) == ["0"]
    assert ids_of(body % (item % b"18446744073709551616")) == ["18446744073709551616"]
    assert ids_of(body % b'{"data":{"c":1}}') == [None]
    for wrong in (b"1.5", b"1e3", b"true", b"[]", b'"\\ud800"', b"9" * 5000):
        with pytest.raises(DataError, match="expected text or a whole number") as caught:
            ids_of(body % (item % wrong))
        assert caught.value.field == "id"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the page is not JSON"),
        (b"<html>", "the page is not JSON"),
        (b"[]", "a page is a JSON object"),
        (b"null", "a page is a JSON object"),
        (b'{"_embedded":[]}', "expected an object"),
        (b'{"_embedded":{"dataItemList":{}}}', "expected a list of items"),
        (b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":1}}]}', "the page is not JSON"),
        (b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":1}},]}}', "the page is not JSON"),
        (b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":1}}{"id":"2","data":{"c":1}}]}}', "not JSON"),
        (b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":1}}]} ,"items":[]}{"items":[]}', "not JSON"),
        (b'{"_embedded":{"dataItemList":[{"id":"1\xff","data":{"c":1}}]}}', "the page is not JSON"),
        (b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":01}}]}}', "the page is not JSON"),
        ('{"_embedded":{"dataItemList":[{"data":{"c":1}}]}}'.encode("utf-16"), "the page is not JSON"),
    ],
)
@pytest.mark.usefixtures("way")
def test_what_is_no_page(body: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_page(body, LONG)


def test_text_that_closes_the_list_early_is_not_believed() -> None:
    """Each piece is parsed on its own; one that closes the list and opens another must not pass."""
    body = b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":1}}]}\n{"items":[{"id":"2","data":{"c":2}}]}}'
    with pytest.raises(DataError, match="the page is not JSON"):
        read_page(body, LONG)


@pytest.mark.usefixtures("way")
def test_of_equal_keys_the_last_counts() -> None:
    body = b'{"_embedded":{"dataItemList":[{"id":"1","data":{"c":1,"c":2}}]}}'
    assert read_page(body, LONG).table["c"].to_pylist() == [2]
    body = b'{"_embedded":{"dataItemList":[{"data":{"c":1}}]},"_embedded":{"dataItemList":[]}}'
    assert read_page(body, LONG).table.num_rows == 0


def test_items_that_hold_items_are_not_mixed_up() -> None:
    inner = {"type": "record", "name": "I", "fields": [{"name": "id", "type": "string"}]}
    schema = fields({"name": "parts", "type": {"type": "array", "items": inner}})
    parts = [{"id": str(n), "data": {"parts": []}} for n in range(300)]
    items = [{"id": str(n), "data": {"parts": parts}} for n in range(200)]
    found = read_page(json.dumps({"_embedded": {"dataItemList": items}}).encode(), schema, item_ids="$id")
    assert found.table["$id"].to_pylist() == [str(n) for n in range(200)]
    assert found.table["parts"].to_pylist() == [[{"id": str(n)} for n in range(300)]] * 200


def test_a_row_is_counted_on_the_page_not_in_its_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_EXACT_ROWS", 7)
    data = [{"c": row} for row in range(50)]
    data[33] = {"c": 0.5}
    for piece in (1, 200, 1 << 20):
        monkeypatch.setattr(pages, "cut_page", partial(cut_page, piece_size=piece))
        with pytest.raises(DataError) as caught:
            read_page(page_of(*data), LONG)
        assert (caught.value.row, caught.value.value) == (33, "0.5")
    monkeypatch.setattr(pages, "cut_page", decode_page)
    with pytest.raises(DataError) as caught:
        read_page(page_of(*data), LONG)
    assert caught.value.row == 33


def test_only_the_piece_with_an_oddity_is_read_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "cut_page", partial(cut_page, piece_size=1))
    rows: list[int] = []
    read = pages._exact_batch
    monkeypatch.setattr(pages, "_exact_batch", lambda items, plan: rows.append(len(items)) or read(items, plan))
    data = [{"c": row} for row in range(20)]
    data[7] = {"c": 7.0}
    assert read_page(page_of(*data), LONG).table["c"].to_pylist() == list(range(20))
    assert rows == [1]


def test_numbers_sent_as_text_do_not_slow_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "_exact_batch", lambda *_: pytest.fail("the fast way refused"))
    schema = fields(
        {"name": "c", "type": ["null", "long"]}, {"name": "d", "type": "double"}, {"name": "e", "type": "int"}
    )
    data = [{"c": str(2**62 + row), "d": f"{row}.5", "e": row} for row in range(9)] + [{"c": None, "d": "1e3", "e": 9}]
    found = read_page(page_of(*data), schema).table
    assert found["c"].to_pylist() == [*range(2**62, 2**62 + 9), None]
    assert found["d"].to_pylist() == [*(row + 0.5 for row in range(9)), 1000.0]


def test_only_the_items_around_an_odd_one_are_read_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    read = pages._exact_batch
    monkeypatch.setattr(pages, "_SMALLEST_SPLIT", 5_000)
    monkeypatch.setattr(pages, "_exact_batch", lambda items, plan: rows.append(len(items)) or read(items, plan))
    data: list[dict[str, Any]] = [{"c": row} for row in range(1_000)]
    data[700] = {"c": "700"}
    assert read_page(page_of(*data), LONG).table["c"].to_pylist() == list(range(1_000))
    assert sum(rows) < 100
    data[700] = {"c": "x"}
    with pytest.raises(DataError, match='item 700: found "x"; expected long') as caught:
        read_page(page_of(*data), LONG)
    assert caught.value.row == 700


def test_a_column_of_maps_does_not_slow_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Maps go the exact way, the other columns of the same items the fast one."""
    monkeypatch.setattr(pages, "_exact_batch", lambda *_: pytest.fail("the fast way refused"))
    found = read_page(page_of(DATA, DATA), VISIT).table
    assert found["attributes"].to_pylist() == [[("a", "b")]] * 2
    assert found["kind"].to_pylist() == ["A", "A"]
