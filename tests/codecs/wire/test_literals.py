"""JSON with its numbers as they stand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.wire.literals import Number, dumps, loads

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON)
def test_what_is_decoded_is_written_again(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert dumps(loads(text)) == text
    assert dumps(loads(json.dumps(value, indent=2))) == text


@pytest.mark.parametrize("text", ["0", "-0", "1.10", "1E+400", "12345678901234567890.0", "9" * 5000, '"NaN"'])
def test_numbers_are_verbatim(text: str) -> None:
    assert dumps(loads(text)) == text
    assert isinstance(loads(text), Number) is not text.startswith('"')


def test_half_a_surrogate_pair_is_written_as_its_escape() -> None:
    assert dumps(loads('["\\ud800é\\udc00",{"\\udfff":"\\ud83d\\ude00"}]')) == '["\\ud800é\\udc00",{"\\udfff":"😀"}]'
    dumps(loads('"\\ud800"')).encode()


@pytest.mark.parametrize("text", ["", "{", "[1,]", "01", "+1", "1.", "nan", "'a'", '"\n"', "[" * 100_000])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a":-Infinity}'])
def test_tokens_beyond_json_are_read_and_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        dumps(loads(text))
