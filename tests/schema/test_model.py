"""The Avro types: nullability, descriptions, and that they are values."""

from __future__ import annotations

from typing import get_args

import pytest

from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    BigDecimal,
    Boolean,
    Bytes,
    Date,
    Decimal,
    Double,
    Duration,
    Enum,
    Field,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Null,
    Record,
    Reference,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
    describe,
    is_nullable,
    without_null,
)

DESCRIPTIONS: list[tuple[AvroType, str]] = [
    (Null(), "null"),
    (Boolean(), "boolean"),
    (Int(), "int"),
    (Long(), "long"),
    (Float(), "float"),
    (Double(), "double"),
    (Bytes(), "bytes"),
    (String(), "string"),
    (Fixed("f", 16), "fixed of 16 bytes"),
    (Enum("e", ("a", "b")), "enum of a, b"),
    (Enum("e", ("a", "b", "c", "d", "e")), "enum of a, b, c, d, …"),
    (Array(Array(Long())), "array of array of long"),
    (Map(Union((Null(), String()))), "map of string or null"),
    (Record("r", (Field("a", Long()), Field("b", Long()))), "record of a, b"),
    (Record("r", tuple(Field(name, Long()) for name in "abcde")), "record of a, b, c, d, …"),
    (Union((Null(), Long())), "long or null"),
    (Union((Long(), Null(), Double())), "long or double or null"),
    (Union((Long(), Double())), "long or double"),
    (Reference("com.shop.Address"), "com.shop.Address"),
    (Date("string"), "date (text)"),
    (Date("int"), "date"),
    (Time("ms"), "time-millis"),
    (Time("us"), "time-micros"),
    (Timestamp("ns"), "timestamp-nanos"),
    (Timestamp("us", local=True), "local-timestamp-micros"),
    (Decimal(10, 2), "decimal(10, 2)"),
    (BigDecimal(), "big-decimal"),
    (Duration(Fixed("d", 12)), "duration"),
    (Record("r", ()), "record of nothing"),
    (Union(()), "a union of nothing"),
    (Uuid(), "uuid"),
]


@pytest.mark.parametrize(("avro_type", "words"), DESCRIPTIONS, ids=str)
def test_every_type_is_described(avro_type: AvroType, words: str) -> None:
    assert describe(avro_type) == words


def test_no_type_is_left_out() -> None:
    assert {type(avro_type) for avro_type, _ in DESCRIPTIONS} == set(get_args(AvroType))


@pytest.mark.parametrize(
    ("avro_type", "nullable", "rest"),
    [
        (Null(), True, Null()),
        (Long(), False, Long()),
        (Union((Null(), Long())), True, Long()),
        (Union((Long(), Null())), True, Long()),
        (Union((Long(),)), False, Long()),
        (Union((Null(),)), True, Null()),
        (Union((Long(), Null(), String())), True, Union((Long(), String()))),
        (Union((Long(), String())), False, Union((Long(), String()))),
    ],
    ids=str,
)
def test_the_null_branch_is_found_and_taken_off(avro_type: AvroType, nullable: bool, rest: AvroType) -> None:
    assert is_nullable(avro_type) == nullable
    assert without_null(avro_type) == rest


@pytest.mark.parametrize(
    ("field", "required"),
    [
        (Field("a", Long()), True),
        (Field("a", Long(), default=0), False),
        (Field("a", Long(), default=None), False),
        (Field("a", Union((Null(), Long()))), False),
    ],
    ids=str,
)
def test_a_field_is_required_without_default_or_null(field: Field, required: bool) -> None:
    assert field.required == required


def test_no_default_is_not_a_default_of_null() -> None:
    assert Field("a", Null()).default is MISSING
    assert Field("a", Null(), default=None) != Field("a", Null())


def test_types_are_values() -> None:
    one = Record("r", (Field("a", Union((Null(), Enum("e", ("x",)))), default={"k": []}, attributes={"x": [1]}),))
    two = Record("r", (Field("a", Union((Null(), Enum("e", ("x",)))), default={"k": []}, attributes={"x": [1]}),))
    assert one == two
    assert hash(one) == hash(two)
    with pytest.raises(AttributeError):
        one.name = "s"
