from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.rows.formulas import guarded, neutralised, restored

CELLS = st.none() | st.text("'=+-@\t\r\n＝a1.,e ") | st.text()  # noqa: RUF001  (a wide form is meant)


def texts(*cells: str | None) -> pa.Array:
    return pa.array(cells, pa.string())


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1", "'+49 30 1"),
        ("-", "'-"),
        ("-5+cmd|' /C calc'!A0", "'-5+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("'=1", "''=1"),
        ("'-5", "''-5"),
        ("-5", "-5"),
        ("+1.5e3", "+1.5e3"),
        ("-0,5", "-0,5"),
        ("-5\n", "'-5\n"),
        ("it's", "it's"),
        ("'tis", "'tis"),
        ("a=1", "a=1"),
        ("", ""),
        (None, None),
    ],
)
def test_what_begins_like_a_formula_gets_one_apostrophe(cell: str | None, written: str | None) -> None:
    assert neutralised(texts(cell)).to_pylist() == [written]


def test_only_what_could_be_taken_for_neutralised_is_guarded() -> None:
    assert guarded(texts("=1", "'=1", "'a")).to_pylist() == ["=1", "''=1", "'a"]


@given(cells=st.lists(CELLS))
def test_both_can_be_undone(cells: list[str | None]) -> None:
    column = texts(*cells)
    assert restored(neutralised(column)).to_pylist() == cells
    assert restored(guarded(column)).to_pylist() == cells
