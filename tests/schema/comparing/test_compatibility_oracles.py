"""Compatibility held against two peers: the avro package's own check, and what fastavro can in fact read."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import avro.compatibility
import avro.errors
import avro.schema
import fastavro
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from intempt_nb.errors import SchemaError
from intempt_nb.schema.comparing.compatibility import Compatibility, compatibility
from intempt_nb.schema.parsing.avro import read_schema
from random_schemas import Maker, Values, decimal, field, fixed, record

# A seed rather than hypothesis' own choices, which keep to small schemas without changes for most of the examples.
SEEDED = st.integers(0, 2**32).map(random.Random)


def check(reader: Any, writer: Any) -> Compatibility:
    return compatibility(read_schema(reader)[0], read_schema(writer)[0])


def pair(chance: random.Random) -> tuple[Any, Any]:
    """Return a schema and a changed one that both we and the peer accept."""
    maker = Maker(chance)
    writer = maker.record(3)
    reader = maker.changed(writer)
    try:
        for each in (reader, writer):
            read_schema(each)
            avro.schema.parse(json.dumps(each))
    except (SchemaError, avro.errors.AvroException):  # a change took away what another part names, say
        reject()
    return reader, writer


def the_avro_packages_answer(reader: Any, writer: Any) -> bool:
    checker: Any = avro.compatibility.ReaderWriterCompatibilityChecker  # without types
    found = checker().get_compatibility(*(avro.schema.parse(json.dumps(each)) for each in (reader, writer)))
    return bool(found.compatibility is avro.compatibility.SchemaCompatibilityType.compatible)


@settings(max_examples=300)
@given(SEEDED)
def test_random_pairs_have_the_answer_of_the_avro_package(chance: random.Random) -> None:
    reader, writer = pair(chance)
    found = check(reader, writer)
    assert found.compatible is the_avro_packages_answer(reader, writer), found


def in_a_circle(avro: Any) -> dict[str, Any]:
    return record(field("b", record(field("a", ["A"]), name="B")), field("x", avro), name="A")


DECISIONS = [
    pytest.param(
        # "fully namespace-qualified, or relative to the namespace of the name it is an alias for": the package
        # compares the alias as it is written with the full name.
        record(name="x.New", aliases=["Old"]),
        record(name="x.Old"),
        True,
        id="an alias is relative to the namespace",
    ),
    pytest.param(
        # "the implementation would act as though 'x' were named 'y' when reading": then nothing is named x any more.
        # The package has one field of the writer's read twice, which no reader does.
        record(field("x", "int"), field("y", "int", aliases=["x"])),
        record(field("x", "int")),
        False,
        id="no field is read twice",
    ),
    pytest.param(
        # "match if their scales and precisions match": the package looks at the bases alone.
        decimal(4, 2),
        decimal(4, 2, fixed(2)),
        True,
        id="equal decimals match on any base",
    ),
    pytest.param(
        # While A is looked at, B inside it is taken to fit. Then A does not, by its x, and the union has another branch
        # for it. The package keeps the answer for B all the same, though the A in it has no other branch.
        record(field("a", [in_a_circle("int"), record(name="z.A")]), field("b", "B")),
        record(field("a", in_a_circle("long")), field("b", "B")),
        False,
        id="what was taken to fit is looked at again",
    ),
]


@pytest.mark.parametrize(("reader", "writer", "compatible"), DECISIONS)
def test_where_the_avro_package_is_not_followed(reader: Any, writer: Any, compatible: bool) -> None:
    assert check(reader, writer).compatible is compatible
    assert the_avro_packages_answer(reader, writer) is not compatible, "it has learnt: take it off the list"


@settings(max_examples=300)
@given(SEEDED)
def test_fastavro_reads_what_is_said_to_be_compatible(chance: random.Random) -> None:
    reader, writer = pair(chance)
    assume(check(reader, writer))
    values = Values(chance, writer)
    for _ in range(3):
        encoded = io.BytesIO()
        fastavro.schemaless_writer(encoded, fastavro.parse_schema(writer), values.of(writer))
        encoded.seek(0)
        fastavro.schemaless_reader(encoded, fastavro.parse_schema(writer), fastavro.parse_schema(reader))  # may raise
        assert not encoded.read()
