"""JSON Schema → Avro: the vendor's pairs, every keyword, every problem at its pointer, and what documents become."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.errors import Problem, SchemaError
from intempt_nb.schema.parsing.avro import SchemaWarning
from intempt_nb.schema.parsing.jsonschema import avro_from_json_schema
from intempt_nb.schema.schema import Schema
from shared import shared_path

PAIRS = ("array", "default", "main", "no_namespace", "optional", "simple")


def pair(name: str, file: str) -> Any:
    return json.loads(shared_path(f"conformance/jsonschema/{name}/{file}.json").read_text(encoding="utf-8"))


def unwrapped(avro: Any) -> Any:
    """Return a pair's output with the field-like object in the place of an array's items, no valid Avro, unwrapped."""
    match avro:
        case {"type": "array", "items": {"name": _, "type": items, **_rest}} if items != "record":
            return {"type": "array", "items": unwrapped(items)}
        case dict():
            return {key: unwrapped(each) for key, each in avro.items()}
        case list():
            return [unwrapped(each) for each in avro]
        case _:
            return avro


# What `required` does in each pair:
# array         'list' is required: no null. Its items, which no 'required' can name, may be null.
# default       nothing is required; a default stands in for what is absent, so there is no null.
# main          no properties.
# no_namespace  'first_name' is not required: ["null", "string"], default null. As in 'simple'.
# optional      'address' is required: no null; inside of it nothing is, one property has a default.
@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_becomes_what_is_expected(name: str) -> None:
    made = avro_from_json_schema(pair(name, "input"))
    assert made == unwrapped(pair(name, "expected"))
    assert Schema.parse(made).to_avro() == made


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_becomes_what_the_vendors_converter_shows(name: str) -> None:
    made = avro_from_json_schema(pair(name, "input"), display=True)
    upstream = unwrapped(pair(name, "upstream_output_display_true"))
    if name == "array":
        # Here the converter takes its 'display' for 'required', so that items lose their null when it is on.
        assert upstream["fields"][0]["type"].pop("items") == "string"
        assert made["fields"][0]["type"].pop("items") == ["null", "string"]
    assert made == upstream


def convert(**properties: Any) -> dict[str, Any]:
    """Return the Avro types of properties that are all required."""
    source = {"type": "object", "properties": properties, "required": list(properties)}
    made = avro_from_json_schema(source)
    Schema.parse(made)
    return {field["name"]: field["type"] for field in made["fields"]}


def type_of(schema: Any) -> Any:
    return convert(x=schema)["x"]


@pytest.mark.parametrize(
    ("schema", "avro"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer"}, "long"),
        ({"type": "number"}, "double"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "null"}, "null"),
        ({"type": ["number", "integer"]}, ["double", "long"]),
        ({"type": ["string", "null"]}, ["null", "string"]),
        ({"type": "string", "format": "date"}, {"type": "string", "logicalType": "date"}),
        ({"type": "string", "format": "uuid"}, {"type": "string", "logicalType": "uuid"}),
        ({"type": "string", "format": "date-time"}, "string"),
        ({"type": "string", "pattern": "^a", "maxLength": 5}, "string"),
        ({"enum": ["a", "b"]}, {"type": "enum", "name": "x_enum", "symbols": ["a", "b"]}),
        ({"enum": [None, "a"]}, ["null", {"type": "enum", "name": "x_enum", "symbols": ["a"]}]),
        ({"type": "string", "enum": ["One or the other", "b"]}, "string"),
        ({"enum": [1, 2]}, "long"),
        ({"enum": [1, 2.5]}, "double"),
        ({"enum": [1, "a b", True]}, ["long", "string", "boolean"]),
        ({"enum": [None]}, "null"),
        ({"const": "fixed text"}, "string"),
        ({"type": "array", "items": {"type": "integer"}}, {"type": "array", "items": ["null", "long"]}),
        (
            {"items": {"enum": ["a"]}},
            {"type": "array", "items": ["null", {"type": "enum", "name": "x_enum", "symbols": ["a"]}]},
        ),
        (
            {"type": "array", "items": [{"type": "integer"}, {"type": "string"}]},
            {"type": "array", "items": ["null", "long", "string"]},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
            {"type": "array", "items": ["null", "long", "string"]},
        ),
        (
            {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
            {"type": "array", "items": {"type": "array", "items": ["null", "string"]}},
        ),
        (
            {"type": "array", "items": {"properties": {"a": {"type": "string"}}, "required": ["a"]}},
            {
                "type": "array",
                "items": {"type": "record", "name": "x_record", "fields": [{"name": "a", "type": "string"}]},
            },
        ),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"type": "map", "values": "long"}),
        (
            {"patternProperties": {"^a": {"type": "integer"}, "^b": {"type": "string"}}},
            {"type": "map", "values": ["long", "string"]},
        ),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["null", "string"]),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "string"}]}, ["string", "long"]),
        ({"anyOf": [{"type": ["string", "null"]}, {"anyOf": [{"type": "boolean"}]}]}, ["null", "string", "boolean"]),
        ({"type": "string", "anyOf": [{"minLength": 3}, {"pattern": "a"}]}, "string"),
        ({"allOf": [{"type": "string"}, {"minLength": 3}]}, "string"),
        ({"description": "d", "allOf": [{"type": "integer"}]}, "long"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_a_required_property_becomes(schema: Any, avro: Any) -> None:
    assert type_of(schema) == avro


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"type": "string"}, {"type": ["null", "string"], "default": None}),
        ({"type": ["number", "integer"]}, {"type": ["null", "double", "long"], "default": None}),
        ({"type": "string", "default": "a"}, {"type": "string", "default": "a"}),
        ({"type": "string", "default": None}, {"type": ["null", "string"], "default": None}),
        ({"type": ["null", "string"], "default": "a"}, {"type": ["string", "null"], "default": "a"}),
        ({"type": ["string", "integer"], "default": 0}, {"type": ["long", "string"], "default": 0}),
        ({"type": "number", "default": 1}, {"type": "double", "default": 1}),
        (
            {"enum": ["a", "b"]},
            {"type": ["null", {"type": "enum", "name": "x_enum", "symbols": ["a", "b"]}], "default": None},
        ),
        (
            {"items": {"type": "string"}},
            {"type": ["null", {"type": "array", "items": ["null", "string"]}], "default": None},
        ),
        (
            {"items": {"type": "string"}, "default": []},
            {"type": {"type": "array", "items": ["null", "string"]}, "default": []},
        ),
        (
            {"type": "string", "format": "date", "default": "2020-01-01"},
            {"type": {"type": "string", "logicalType": "date"}, "default": "2020-01-01"},
        ),
        (
            {"type": "string", "title": "First name", "description": "d"},
            {"type": ["null", "string"], "default": None, "title": "First name", "doc": "d"},
        ),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_a_property_that_may_be_absent_takes_null_or_its_default(schema: Any, field: Any) -> None:
    made = avro_from_json_schema({"type": "object", "properties": {"x": schema}})
    assert made["fields"] == [{"name": "x", **field}]
    Schema.parse(made)


@pytest.mark.parametrize(
    ("identity", "name", "namespace"),
    [
        ("http://yourdomain.com/schemas/myschema.json", "myschema_json", "com.yourdomain.schemas"),
        ("https://my-shop.example.com:8080/v1/order.schema.json#", "order_schema_json", "com.example.my_shop.v1"),
        ("http://shop.com", "main", "com.shop"),
        ("myschema.json", "myschema_json", None),
        ("urn:example:order", "example_order", None),
        ("http://[", "http____", None),
        (None, "main", None),
        (5, "main", None),
    ],
)
@pytest.mark.parametrize("key", ["id", "$id"])
def test_the_names_come_from_the_id(key: str, identity: Any, name: str, namespace: str | None) -> None:
    made = avro_from_json_schema({key: identity, "type": "object", "properties": {}})
    assert (made["name"], made.get("namespace")) == (name, namespace)
    assert Schema.parse(made).record.name == (f"{namespace}.{name}" if namespace else name)


def test_given_names_come_before_those_of_the_id() -> None:
    source = json.dumps({"$id": "http://shop.com/a/b.json", "type": "object"})
    made = avro_from_json_schema(source, name="order", namespace="com.example")
    assert made == {"type": "record", "name": "order", "namespace": "com.example", "fields": []}


def test_names_that_avro_does_not_take_are_changed_and_kept_as_titles() -> None:
    made = avro_from_json_schema(
        {
            "type": "object",
            "properties": {"first name": {"type": "string"}, "first-name": {}, "a": {"type": "null", "title": "a"}}
            | {"first-name": {"type": "integer"}},
        }
    )
    assert [(field["name"], field.get("title")) for field in made["fields"]] == [
        ("first_name", "first name"),
        ("first_name_2", "first-name"),
        ("a", None),
    ]


def test_types_of_the_same_name_are_told_apart() -> None:
    address = {
        "type": "object",
        "properties": {"kind": {"enum": ["a"]}, "address": {"properties": {"x": {"type": "null"}}}},
    }
    made = avro_from_json_schema({"type": "object", "properties": {"address": address, "kind": {"enum": ["b"]}}})
    assert set(Schema.parse(made).named) == {"main", "address_record", "address_record_2", "kind_enum", "kind_enum_2"}


# References


def test_what_is_referred_to_twice_is_defined_once() -> None:
    made = avro_from_json_schema(
        {
            "type": "object",
            "properties": {"home": {"$ref": "#/$defs/place", "description": "own"}, "work": {"$ref": "#/$defs/place"}},
            "required": ["home", "work"],
            "$defs": {
                "place": {
                    "description": "a place",
                    "properties": {"city": {"$ref": "#/$defs/a~1b%20c"}},
                    "required": ["city"],
                },
                "a/b c": {"type": "string"},
            },
        }
    )
    place = {"type": "record", "name": "place_record", "fields": [{"name": "city", "type": "string"}]}
    assert made["fields"] == [
        {"name": "home", "doc": "own", "type": place},
        {"name": "work", "doc": "a place", "type": "place_record"},
    ]
    Schema.parse(made)


@pytest.mark.parametrize(
    "next_one",
    [
        {"$ref": "#"},
        {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
        {"type": "array", "items": {"$ref": "#"}},
        {"additionalProperties": {"$ref": "#"}},
        {"allOf": [{"$ref": "#"}]},
        {"$ref": "#/definitions/node"},
        {"$ref": "#/properties/next"},
    ],
    ids=json.dumps,
)
def test_an_object_may_contain_itself(next_one: Any) -> None:
    node = {
        "properties": {"next": {"type": ["object", "null"], "properties": {"again": {"$ref": "#/definitions/node"}}}}
    }
    source = {"type": "object", "properties": {"next": next_one}, "definitions": {"node": node}}
    if next_one == {"$ref": "#/properties/next"}:
        with pytest.raises(SchemaError, match=r"/properties/next/\$ref: .* without an object in between"):
            avro_from_json_schema(source)
    else:
        assert Schema.parse(avro_from_json_schema(source)).names == ["next"]


def test_a_nullable_object_that_contains_itself_keeps_its_null() -> None:
    node = {"type": ["null", "object"], "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
    made = avro_from_json_schema({"properties": {"first": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}})
    (first,) = made["fields"]
    assert first["type"][1]["fields"] == [{"name": "next", "type": ["null", "node_record"]}]


def test_a_root_may_refer_to_a_definition() -> None:
    made = avro_from_json_schema(
        {
            "$ref": "#/$defs/Order",
            "$defs": {"Order": {"type": "object", "description": "d", "properties": {"n": {"$ref": "#/$defs/Order"}}}},
        }
    )
    assert made == {
        "type": "record",
        "name": "Order",
        "doc": "d",
        "fields": [{"name": "n", "type": ["null", "Order"], "default": None, "doc": "d"}],
    }


def test_all_of_puts_objects_together() -> None:
    made = avro_from_json_schema(
        {
            "allOf": [{"$ref": "#/$defs/animal"}, {"type": "object", "properties": {"barks": {"type": "boolean"}}}],
            "properties": {"name": {"type": "string"}},
            "required": ["barks"],
            "$defs": {
                "animal": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
                    "required": ["name"],
                }
            },
        }
    )
    assert {field["name"]: field["type"] for field in made["fields"]} == {
        "name": "string",
        "legs": ["null", "long"],
        "barks": "boolean",
    }


# Problems and warnings

PROBLEMS = [
    ({"type": "array", "items": {"type": "string"}}, "", "expected an object at the root"),
    (True, "", "expected an object at the root"),
    ({}, "", "expected an object at the root"),
    ({"x": {}}, "/properties/x", "says no type"),
    ({"x": True}, "/properties/x", "says no type"),
    ({"x": {"type": "strng"}}, "/properties/x/type", "did you mean 'string'?"),
    ({"x": {"type": "array"}}, "/properties/x", "an array without 'items'"),
    ({"x": {"enum": [{}]}}, "/properties/x", "objects and arrays as values"),
    ({"x": {"enum": []}}, "/properties/x", "no value"),
    ({"a/b": {"type": "array", "items": {}}}, "/properties/a~1b/items", "says no type"),
    ({"x": {"$ref": "other.json#/a"}}, "/properties/x/$ref", "put what it means under '$defs'"),
    ({"x": {"$ref": "#/definition/a"}}, "/properties/x/$ref", "leads nowhere; did you mean 'definitions'?"),
    ({"x": {"$ref": "#/definitions/loop"}}, "/definitions/loop/$ref", "without an object in between"),
    ({"x": {"$ref": 5}}, "/properties/x/$ref", "found 5"),
    ({"x": {"type": "integer", "default": "a"}}, "/properties/x/default", "expected a value of the property's type"),
    ({"x": {"enum": ["a"], "default": "b"}}, "/properties/x/default", "expected a value of the property's type"),
    ({"x": {"properties": []}}, "/properties/x/properties", "expected an object"),
    (
        {"x": {"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "integer"}}]}},
        "/properties/x/anyOf",
        "arrays of several kinds",
    ),
    ({"x": {"allOf": [{"type": "string"}, {"type": "object"}]}}, "/properties/x/allOf", "only objects"),
    (
        {"x": {"allOf": [{"properties": {"a": {"type": "null"}}}, {"properties": {"a": {"type": "string"}}}]}},
        "/properties/x/allOf/1/properties/a",
        "another 'a' than the one at /properties/x/allOf/0/properties/a",
    ),
    (
        {"x": {"allOf": [{"$ref": "#/properties/x"}, {"type": "object"}], "type": "object"}},
        "/properties/x",
        "from itself",
    ),
]


@pytest.mark.parametrize(("properties", "path", "message"), PROBLEMS, ids=lambda value: json.dumps(value)[:60])
def test_what_avro_has_no_type_for_is_named_by_its_pointer(properties: Any, path: str, message: str) -> None:
    source = properties
    if path:
        definitions = {"loop": {"$ref": "#/definitions/loop"}}
        source = {"type": "object", "properties": properties, "definitions": definitions}
    with pytest.raises(SchemaError) as caught:
        avro_from_json_schema(source)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert message in problem.message


def test_all_problems_are_listed() -> None:
    with pytest.raises(SchemaError) as caught:
        convert(a={}, b={"type": "x"}, c={"type": "string"}, d={"type": "array"})
    assert [problem.path for problem in caught.value.problems] == [
        "/properties/a",
        "/properties/b/type",
        "/properties/d",
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "object"}, "/properties/x: an object without 'properties'"),
        (
            {"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}},
            "/properties/x: properties that are not named in 'properties' are not kept",
        ),
    ],
)
def test_what_would_not_be_kept_is_warned_of(schema: Any, message: str) -> None:
    with pytest.warns(SchemaWarning, match=message):
        assert type_of(schema)["type"] == "record"


@pytest.mark.parametrize(
    "source", ["{", b"\xff", "[" * 100_000, '{"a": NaN}', 5, None, object()], ids=lambda v: repr(v)[:20]
)
def test_what_is_no_json_schema_is_a_schema_error(source: Any) -> None:
    with pytest.raises(SchemaError):
        avro_from_json_schema(source)


def test_references_that_multiply_end_in_an_error() -> None:
    pairs = {
        f"d{n}": {
            "anyOf": [{"items": {"$ref": f"#/$defs/d{n + 1}"}}, {"additionalProperties": {"$ref": f"#/$defs/d{n + 1}"}}]
        }
        for n in range(40)
    }
    source = {"properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": {**pairs, "d40": {"type": "string"}}}
    with pytest.raises(SchemaError, match="more than 20,000 types"):
        avro_from_json_schema(source)
    chain = {f"d{n}": {"properties": {"x": {"$ref": f"#/$defs/d{n + 1}"}}} for n in range(5_000)}
    with pytest.raises(SchemaError, match="nested more than 100 levels"):
        avro_from_json_schema({"$ref": "#/$defs/d0", "$defs": {**chain, "d5000": {"type": "string"}}})


KEYWORDS = [
    "type",
    "properties",
    "items",
    "enum",
    "anyOf",
    "allOf",
    "oneOf",
    "$ref",
    "required",
    "default",
    "additionalProperties",
    "patternProperties",
    "prefixItems",
    "description",
    "title",
    "const",
    "format",
    "id",
]
ODD = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 2),
        st.sampled_from(["object", "string", "null", "array", "date", "#", "#/properties/a", "#/items", "a"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*KEYWORDS, "a", "b c"]), inner, max_size=4),
    ),
    max_leaves=12,
)


def problems_of(avro: dict[str, Any]) -> tuple[Problem, ...]:
    try:
        Schema.parse(avro)
    except SchemaError as error:
        return error.problems
    return ()


@given(st.dictionaries(st.sampled_from(KEYWORDS), ODD, max_size=5), st.dictionaries(st.sampled_from(["a", "b c"]), ODD))
def test_anything_becomes_a_schema_or_a_schema_error(source: dict[str, Any], properties: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        try:
            made = avro_from_json_schema({**source, "type": "object", "properties": properties})
        except SchemaError:
            return
        # Defaults inside of an array or object are checked by the parser.
        problems = problems_of(made)
        assert all("/default" in problem.path for problem in problems)
