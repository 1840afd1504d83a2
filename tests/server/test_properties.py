"""Random schemas and items over HTTP: what matches comes back exactly, what does not is refused by its name."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
PRIMITIVES = st.sampled_from(["null", "boolean", "int", "long", "float", "double", "string", "bytes"])
LOGICALS = st.sampled_from(
    [
        {"type": "string", "logicalType": "date"},
        {"type": "int", "logicalType": "date"},
        {"type": "int", "logicalType": "time-millis"},
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "long", "logicalType": "local-timestamp-micros"},
        {"type": "string", "logicalType": "uuid"},
        {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 3},
    ]
)


def kind(avro_type: Any) -> str:
    """Return what may not repeat in a union."""
    if isinstance(avro_type, str):
        return avro_type
    return avro_type.get("name", avro_type["type"]) if isinstance(avro_type, dict) else "union"


def records(types: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, types, max_size=5).map(
        lambda fields: {
            "type": "record",
            "name": "",
            "fields": [{"name": name, "type": each} for name, each in fields.items()],
        }
    )


def grow(types: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = types.filter(lambda each: not isinstance(each, list))
    return st.one_of(
        plain.map(lambda each: {"type": "array", "items": each}),
        plain.map(lambda each: {"type": "map", "values": each}),
        records(types),
        # A union of several records or numbers says little by the bare value, so these have one branch and null.
        plain.filter(lambda each: each != "null").map(lambda each: ["null", each]),
        st.just(["null", "string", "long"]),
        st.just(["boolean", "string", {"type": "array", "items": "int"}]),
    )


ENUMS = st.lists(NAMES, min_size=1, max_size=4, unique=True).map(lambda symbols: {"type": "enum", "symbols": symbols})
FIXED = st.integers(0, 20).map(lambda size: {"type": "fixed", "size": size})
TYPES = st.recursive(st.one_of(PRIMITIVES, LOGICALS, ENUMS, FIXED), grow, max_leaves=8)


def named(avro_type: Any, numbers: Any) -> Any:
    """Return the type with a name of its own for everything that needs one."""
    if isinstance(avro_type, list):
        return [named(each, numbers) for each in avro_type]
    if not isinstance(avro_type, dict):
        return avro_type
    fresh = {key: named(each, numbers) if key in ("items", "values") else each for key, each in avro_type.items()}
    if fresh["type"] in ("record", "enum", "fixed"):
        fresh["name"] = f"T{next(numbers)}"
    if fresh["type"] == "record":
        fresh["fields"] = [{**field, "type": named(field["type"], numbers)} for field in fresh["fields"]]
    return fresh


def base64_text(low: int, high: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=low, max_size=high).map(lambda data: base64.b64encode(data).decode())


TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
PLAIN_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False) | st.integers(-(2**24), 2**24),
    "double": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**80), 2**80),
    "string": TEXT,
    "bytes": base64_text(0, 12),
}
LOGICAL_VALUES: dict[tuple[str, str], st.SearchStrategy[Any]] = {
    ("string", "date"): st.dates().map(str),
    ("int", "date"): st.integers(-(2**31), 2**31 - 1) | st.dates().map(str),
    ("int", "time-millis"): st.integers(0, 86_399_999),
    ("long", "timestamp-millis"): PLAIN_VALUES["long"],
    ("long", "local-timestamp-micros"): PLAIN_VALUES["long"],
    ("string", "uuid"): st.uuids().map(str),
    ("bytes", "decimal"): st.decimals("-999999999", "999999999", places=3).map(str) | st.integers(-999, 999),
}


def values(avro_type: Any) -> st.SearchStrategy[Any]:
    if isinstance(avro_type, list):
        return st.one_of([values(each) for each in avro_type])
    if isinstance(avro_type, str):
        return PLAIN_VALUES[avro_type]
    if "logicalType" in avro_type:
        return LOGICAL_VALUES[avro_type["type"], avro_type["logicalType"]]
    match avro_type["type"]:
        case "record":
            return objects(avro_type)
        case "array":
            return st.lists(values(avro_type["items"]), max_size=3)
        case "map":
            return st.dictionaries(TEXT, values(avro_type["values"]), max_size=3)
        case "enum":
            return st.sampled_from(avro_type["symbols"])
        case _:
            return base64_text(avro_type["size"], avro_type["size"])


@st.composite
def objects(draw: Any, record: Any) -> dict[str, Any]:
    """Return a value of a record, in any order of keys, now and then without a field that may be absent."""
    item = {}
    for field in draw(st.permutations(record["fields"])):
        absent = field["type"] == "null" or (isinstance(field["type"], list) and "null" in field["type"])
        if not (absent and draw(st.booleans())):
            item[field["name"]] = draw(values(field["type"]))
    return item


@st.composite
def schemas(draw: Any) -> dict[str, Any]:
    schema = named(draw(records(TYPES)), itertools.count())
    key = {"name": "key__", "type": draw(st.sampled_from(["string", "long"]))}
    return {**schema, "fields": [*schema["fields"], key]}


@pytest.fixture(scope="module")
def shop(api):
    """Return a way to get a collection of a schema; all are in one source."""
    source = api.source()
    numbers = itertools.count()

    def make(schema: dict[str, Any]) -> tuple[Any, str, Any]:
        name = f"c{next(numbers)}"
        collection = api.collection(source, schema, name)
        api.identifier(collection, fields=["key__"])
        return source, name, collection

    return make


def add_unnamed(value: Any) -> Any:
    """Return the value with a further field in every object; the schema may call for that, if it is a map's."""
    if isinstance(value, dict):
        return {**{key: add_unnamed(each) for key, each in value.items()}, "unnamed\u0000": [{}]}
    return [add_unnamed(each) for each in value] if isinstance(value, list) else value


def has_map(avro_type: Any) -> bool:
    return '"map"' in json.dumps(avro_type)


@QUICK
@given(data=st.data())
def test_what_matches_comes_back_exactly(api, shop, data):
    schema = data.draw(schemas())
    items = data.draw(st.lists(objects(schema), min_size=1, max_size=4, unique_by=lambda item: item["key__"]))
    source, name, collection = shop(schema)
    stored = api.make(f"/sources/{source['id']}/data", {name: items})["_embedded"]["data"]
    found = api.items(collection, limit=2)
    for each in (stored, found):
        assert [json.dumps(item["data"]) for item in each] == [json.dumps(item) for item in items]
    assert api.get(f"/collections/{collection['id']}")["schema"] == schema
    if not has_map(schema):
        more = [add_unnamed(item) for item in items]
        again = api.make(f"/sources/{source['id']}/data", {name: more})["_embedded"]["data"]
        assert [(item["id"], json.dumps(item["data"])) for item in again] == [
            (item["id"], json.dumps(item["data"])) for item in stored
        ]


WRONG = [None, True, 10**40, 1e39, "§", [], {}, [["§"]], {"§": "§"}]


def fits(avro_type: Any, value: Any) -> bool:
    """Return whether one of `WRONG` is right, told from the schema in another way than the server does."""
    match avro_type, value:
        case [*branches], _:
            return any(fits(each, value) for each in branches)
        case ("null", None) | ("string", "§") | ("double", float()) | ({"type": "array"} | {"type": "array"}, []):
            return True
        case ("boolean", bool()):
            return True
        case "double", int():
            return not isinstance(value, bool)
        case {"type": "array", "items": items}, list():
            return all(fits(items, each) for each in value)
        case {"type": "map", "values": inner}, dict():
            return all(fits(inner, each) for each in value.values())
        case {"type": "record", "fields": fields}, dict():
            return all(fits(field["type"], None) for field in fields)
        case {"type": "string" as base}, "§":
            return "logicalType" not in avro_type and fits(base, value)
        case _:
            return False


@QUICK
@given(data=st.data())
def test_a_mutated_item_is_refused_by_the_name_of_its_field(api, shop, data):
    schema = data.draw(schemas())
    items = data.draw(st.lists(objects(schema), min_size=1, max_size=4, unique_by=lambda item: item["key__"]))
    index = data.draw(st.integers(0, len(items) - 1))
    field = data.draw(st.sampled_from(schema["fields"]))
    name = field["name"]
    optional = fits(field["type"], None)
    wrong = data.draw(st.sampled_from([*WRONG, ...]))
    if wrong is ...:
        assume(not optional)
        items[index].pop(name)
    else:
        assume(not fits(field["type"], wrong))
        items[index][name] = wrong
    source, collection_name, collection = shop(schema)
    response = api.bulk(source, items, collection_name)
    assert response.status_code == 400, response.text
    body = response.json()
    [error] = body["errors"]
    assert (error["collection"], error["index"]) == (collection_name, index)
    assert error["field"].split(".")[0].split("[")[0] == name
    assert name in body["message"]
    assert api.items(collection) == []
