"""Canonical forms and fingerprints of random schemas, beside fastavro's; the public vectors are in test_conformance."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastavro.schema import SchemaParseException, UnknownType, to_parsing_canonical_form
from hypothesis import given

from intempt_nb.schema.schema import Schema
from random_avro import schemas


@given(schemas())
def test_what_is_parsed_is_what_was_written(avro: dict[str, Any]) -> None:
    schema = Schema.parse(avro)
    assert schema.to_avro() == avro
    assert Schema.parse(schema.text).text == schema.text


@given(schemas())
def test_the_canonical_form_is_a_schema_with_the_same_canonical_form(avro: dict[str, Any]) -> None:
    schema = Schema.parse(avro)
    if len({"." in name for name in schema.named}) > 1:
        return  # a name without a namespace cannot be said inside one without the attribute that the form leaves out
    canonical = schema.canonical_form()
    again = Schema.parse(canonical)
    assert again.canonical_form() == canonical
    assert json.dumps(json.loads(canonical), ensure_ascii=False, separators=(",", ":")) == canonical


@given(schemas())
def test_the_canonical_form_is_fastavros_where_fastavro_knows_the_names(avro: dict[str, Any]) -> None:
    try:
        theirs = to_parsing_canonical_form(avro)
    except (UnknownType, SchemaParseException):  # a name without a namespace, used inside one
        return
    assert Schema.parse(avro).canonical_form() == theirs


def test_what_readers_do_not_look_at_does_not_change_the_fingerprint() -> None:
    field = {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0, "doc": "when"}
    one = Schema.parse({"type": "record", "name": "visit", "namespace": "com.shop", "fields": [field]})
    two = Schema.parse({"type": "record", "name": "com.shop.visit", "fields": [{"name": "at", "type": "long"}]})
    three = Schema.parse({"type": "record", "name": "com.shop.visit", "fields": [{"name": "at", "type": "int"}]})
    for algorithm, digits in [("CRC-64-AVRO", 16), ("MD5", 32), ("SHA-256", 64)]:
        assert one.fingerprint(algorithm) == two.fingerprint(algorithm) != three.fingerprint(algorithm)
        assert len(one.fingerprint(algorithm)) == digits


def test_an_unknown_algorithm_is_an_error() -> None:
    schema: Any = Schema.parse("long")
    with pytest.raises(ValueError, match="algorithm is 'SHA-1'; expected 'CRC-64-AVRO', 'MD5' or 'SHA-256'"):
        schema.fingerprint("SHA-1")
