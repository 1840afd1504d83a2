"""The random schemas of the tests: valid, of every kind, and with values that fastavro writes."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import fastavro
from hypothesis import given, settings
from hypothesis import strategies as st

from intempt_nb.schema.parsing.recursion import recursive_names
from intempt_nb.schema.schema import Schema
from random_avro import schemas, values_of, without_logical_types


def test_a_random_schema_has_values_that_come_back() -> None:
    met: Counter[str] = Counter()

    @settings(max_examples=60)
    @given(st.data())
    def one(data: st.DataObject) -> None:
        avro: dict[str, Any] = data.draw(schemas())
        schema = Schema.parse(avro)
        met["recursive"] += bool(recursive_names(schema.named))
        met.update({kind: 1 for kind in ("union", "map", "logicalType", "default") if kind in schema.text})
        met["null"] += '["null"' in schema.text
        rows = data.draw(st.lists(values_of(avro), max_size=2))
        try:
            plain = fastavro.parse_schema(without_logical_types(avro))
        except fastavro.schema.UnknownType:  # fastavro's own: a type without a namespace, named inside one
            return
        file = io.BytesIO()
        fastavro.writer(file, plain, rows)
        file.seek(0)
        assert len(list(fastavro.reader(file))) == len(rows)

    one()
    assert all(met[kind] for kind in ("recursive", "map", "logicalType", "default", "null")), met


@settings(max_examples=40)
@given(schemas(recursive=False, logical=False))
def test_what_is_not_wanted_is_not_there(avro: dict[str, Any]) -> None:
    schema = Schema.parse(avro)
    assert not recursive_names(schema.named)
    assert "logicalType" not in schema.text
