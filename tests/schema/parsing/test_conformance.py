"""The schemas of nine public suites: what the specification takes is taken, and what it does not is refused."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from intempt_nb.errors import SchemaError
from intempt_nb.schema.model import Bytes, Fixed, Float, Int, Long, String
from intempt_nb.schema.schema import Schema
from shared import cases

VALID = cases("conformance/avro/valid_schemas.json")
INVALID = cases("conformance/avro/invalid_schemas.json")

# Where this package decides otherwise than the specification, and why.
STRICTER: dict[str, str] = {}
MORE_LENIENT: dict[str, str] = {}


def refused(text: str) -> str | None:
    """Return what is wrong with a schema, None if it is taken; anything but a `SchemaError` fails the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Schema.parse(text)
        except SchemaError as error:
            return str(error)
    return None


@pytest.mark.parametrize("case", [*VALID, *INVALID])
def test_a_schema_is_valid_as_the_specification_has_it(case: dict[str, Any]) -> None:
    problem = refused(case["text"])
    if case["spec_1_12_valid"]:
        assert problem is None or case["id"] in STRICTER, problem
    else:
        assert problem is not None or case["id"] in MORE_LENIENT


def test_few_schemas_are_judged_otherwise() -> None:
    judged = [case.values[0] for case in (*VALID, *INVALID) if case.values[0] is not None]
    assert len(STRICTER) + len(MORE_LENIENT) <= 0.03 * len(judged)


@pytest.mark.parametrize("case", VALID)
@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
def test_a_schema_comes_back_as_it_was_written(case: dict[str, Any]) -> None:
    if case["spec_1_12_valid"]:
        assert Schema.parse(case["text"]).to_avro() == case["schema"]


BASES = {"long": Long, "int": Int, "string": String, "float": Float, "bytes": Bytes, "fixed": Fixed}


@pytest.mark.parametrize("case", [case for case in (*VALID, *INVALID) if "malformed_logical" in str(case.values[0])])
def test_a_malformed_logical_type_is_warned_of_and_its_base_type_used(case: dict[str, Any]) -> None:
    if case["id"] in {"s197", "s233"}:  # not malformed: its other attributes are all that is unusual about it
        assert Schema.parse(case["text"]).root
        return
    with pytest.warns(match="using the base type|stays (bytes|fixed)"):
        root = Schema.parse(case["text"]).root
    assert type(root) is BASES[case["schema"]["type"]]


@pytest.mark.parametrize("case", cases("conformance/avro/canonical_vectors.json"))
@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
def test_canonical_forms(case: dict[str, Any]) -> None:
    assert (Schema.parse(case["input"]).canonical_form() == case["canonical"]) != case.get("contested", False)


@pytest.mark.parametrize("case", cases("conformance/avro/fingerprints.json"))
@pytest.mark.filterwarnings("ignore::intempt_nb.SchemaWarning")
def test_fingerprints(case: dict[str, Any]) -> None:
    schema = Schema.parse(case["input"])
    if case.get("contested"):  # the suite writes the definition of a type again where its name belongs
        assert schema.fingerprint("MD5") != case["md5"]
        return
    expected = {name: case[key] for key, name in KEYS.items() if key in case}
    assert expected == {name: schema.fingerprint(name) for name in expected}
    if "rabin64_signed" in case:
        assert int.from_bytes(bytes.fromhex(schema.fingerprint()), "little", signed=True) == case["rabin64_signed"]


KEYS: dict[str, Any] = {"rabin64_le_hex": "CRC-64-AVRO", "md5": "MD5", "sha256": "SHA-256"}
