from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.widgets.designing.places import found_at
from intempt_nb.widgets.designing.positions import line_and_column, positions, rounded

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES, st.sampled_from([None, 2]))
def test_every_value_is_found_where_it_stands(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    found = positions(text)
    decoder = json.JSONDecoder()
    for path, offset in found.items():
        assert decoder.raw_decode(text, offset)[0] == found_at(value, path)
    assert len(found) == 1 + sum(map(count, [value]))


def count(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(1 + count(each) for each in inner)


def test_numbers_that_would_become_others_are_told_where_they_stand() -> None:
    text = '{"a": [1.10, 1e2, -0.0, 1.0000000000000000001], "b": {"c": 1e-999999999999999999999}, "d": "0.1e-400"}'
    assert [(each.path, each.message.split(";")[0]) for each in rounded(text)] == [
        ("/a/3", "a double cannot hold 1.0000000000000000001"),
        ("/b/c", "a double cannot hold 1e-999999999999999999999"),
    ]


def test_lines_and_columns_are_counted_from_one() -> None:
    text = '{"a":\n  [1,\n 22]}'
    assert line_and_column(text, positions(text)["/a/1"]) == (3, 2)
    assert line_and_column(text, 0) == (1, 1)
