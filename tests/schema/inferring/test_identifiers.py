"""Unique columns: found exactly within the bound, given up at the first repeat, ranked by name and type."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.inferring.identifiers import Distinct, identifier_rank, with_values
from intempt_nb.schema.inferring.inference import infer
from intempt_nb.schema.model import AvroType, Boolean, Bytes, Date, Decimal, Double, Long, Null, Record, String, Union

ENOUGH = 1_000


def unique(values: list[Any], *, piece: int = 3, limit: int = ENOUGH, kind: pa.DataType | None = None) -> bool | None:
    column = pa.array(values, kind)
    found = Distinct()
    for at in range(0, len(column), piece):
        found = with_values(found, column[at : at + piece], limit)
    return found.unique()


TEXT = st.one_of(st.text(max_size=3), st.sampled_from(["", "a" * 8, "a" * 9, "a" * 16, "a" * 16 + "b", "\0", "\0\0"]))


@given(
    st.one_of(st.lists(TEXT), st.lists(st.binary(max_size=9)), st.lists(st.integers(-3, 2**63 - 1))), st.integers(1, 4)
)
def test_a_repeat_is_found_wherever_it_stands(values: list[Any], piece: int) -> None:
    known = [value for value in values if not isinstance(value, str) or value.strip()]
    different = {value.strip() if isinstance(value, str) else value for value in known}
    assert unique(known, piece=piece) is (len(different) == len(known))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, 2),
        (decimal.Decimal("1.5"), decimal.Decimal("1.6")),
        (dt.date(2020, 1, 1), dt.date(2020, 1, 2)),
        (dt.time(1), dt.time(2)),
        (dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)),
        (dt.timedelta(1), dt.timedelta(2)),
        (UUID(int=1), UUID(int=2)),
        (b"a", b"b"),
        ("a", "A"),
    ],
)
def test_every_kind_that_can_identify_is_compared(one: Any, two: Any) -> None:
    assert unique([one, None, two, None]) is True
    assert unique([one, two, None, two]) is False


@pytest.mark.parametrize("values", [[1.5], [True], [[1]], [{"a": 1}], [pa.MonthDayNano([1, 2, 3])]])
def test_what_identifies_nothing_stays_open(values: list[Any]) -> None:
    assert unique(values) is None


def test_white_space_and_cells_without_a_value_do_not_make_a_difference() -> None:
    assert unique(["a", " a"]) is False
    assert unique(["a", "NA", "NA", ""]) is True


def test_beyond_the_bound_it_stays_open_unless_a_repeat_was_kept() -> None:
    assert unique(list(range(10)), limit=10) is True
    assert unique(list(range(11)), limit=10) is None
    assert unique([1, *range(2, 8), 1, 9, 10, 11, 12], limit=11) is False


def test_a_column_is_given_up_soon_after_its_first_repeat() -> None:
    found = Distinct()
    for number in range(100):
        found = with_values(found, pa.array([number % 20]), ENOUGH)
    assert not found.open
    assert found.hashes == ()


def test_words_for_no_value_are_values_of_a_text_column() -> None:
    def first(cells: list[str]) -> Any:
        batch = pa.record_batch({"x": cells})
        return infer([(batch, None)], batch.schema, name="r", text=True).evidence["unique"].tolist()

    assert first(["a", "NA"]) == [True]
    assert first(["a", "NA", "NA"]) == [False]
    assert first(["1", "NA", "NA"]) == [True]


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ([1, 2], [3], True),
        ([1, 2], [2], False),
        ([1, 1], [3], False),
        ([], [1], True),
        ([1, 2], list(range(3, 20)), None),
    ],
)
def test_columns_of_two_data_are_compared_with_each_other(
    one: list[int], two: list[int], expected: bool | None
) -> None:
    both = [with_values(Distinct(), pa.array(values, pa.int64()), 10) for values in (one, two)]
    assert (both[0] + both[1]).unique() is (both[1] + both[0]).unique() is expected


def test_the_bound_holds_for_merged_columns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intempt_nb.schema.inferring.identifiers.BUDGET", 3)
    both = [with_values(Distinct(), pa.array(values), 10) for values in ([1, 2], [3, 4])]
    assert (both[0] + both[1]).unique() is None


def test_identifiers_are_ranked_by_name_then_type() -> None:
    columns: list[tuple[str, AvroType]] = [
        ("orderId", String()),
        ("id", Long()),
        ("order_uuid", Union((Null(), String()))),
        ("id", Decimal(5, 0)),
        ("customerId", String()),
        ("KEY_OF", String()),
        ("email", String()),
        ("day", Date("string")),
        ("payload", Bytes()),
    ]
    ranks = [identifier_rank(name, "orders", avro) for name, avro in columns]
    assert ranks == [(0, 0), (0, 0), (0, 0), (0, 1), (1, 0), (2, 0), (2, 0), (2, 1), (2, 1)]
    for useless in (Double(), Boolean(), Decimal(5, 2), Record("r", ())):
        assert identifier_rank("id", "orders", useless) is None
