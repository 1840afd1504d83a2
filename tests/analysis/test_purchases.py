"""RFM and the days between purchases, on a few purchases and against counting by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import intempt_nb as inb
from intempt_nb.analysis import intervals, rfm

DAY = dt.date(2025, 1, 1)
PURCHASES = st.lists(
    st.tuples(st.sampled_from("abcde"), st.integers(0, 20), st.integers(-3, 9)), min_size=1, max_size=30
)


def frame(purchases: list[tuple[str, int, Any]]) -> pd.DataFrame:
    rows = [(customer, DAY + dt.timedelta(day), amount) for customer, day, amount in purchases]
    return pd.DataFrame(rows, columns=["customerId", "date", "amount"])


def by_hand(purchases: list[tuple[str, int, int]], until: int) -> dict[str, tuple[int, ...]]:
    """Return recency, frequency and monetary, and x, t_x and T, of each customer."""
    found = {}
    for customer in sorted({who for who, day, _ in purchases if day <= until}):
        days = sorted({day for who, day, _ in purchases if who == customer and day <= until})
        spent = sum(amount for who, day, amount in purchases if who == customer and day <= until)
        models = (len(days) - 1, days[-1] - days[0], until - days[0])
        found[customer] = (until - days[-1], len(days), spent, *models)
    return found


@settings(max_examples=30)
@given(PURCHASES, st.integers(0, 25))
def test_rfm_is_what_counting_by_hand_gives(purchases: list[tuple[str, int, int]], until: int) -> None:
    found = rfm(frame(purchases), until=DAY + dt.timedelta(until), scores=3)
    expected = by_hand(purchases, until)
    numbers = found[["recency", "frequency", "monetary", "x", "t_x", "T"]]
    assert dict(zip(found["customerId"], numbers.itertuples(index=False, name=None), strict=True)) == expected
    for score, column, sign in (("r", "recency", -1), ("f", "frequency", 1), ("m", "monetary", 1)):
        values = [sign * value for value in found[column]]
        worse = [sum(other < value for other in values) for value in values]
        assert found[score].tolist() == [1 + 3 * each // len(values) for each in worse]


@settings(max_examples=30)
@given(PURCHASES)
def test_intervals_are_those_between_days(purchases: list[tuple[str, int, int]]) -> None:
    between: list[int] = []
    for customer in "abcde":
        days = sorted({day for who, day, _ in purchases if who == customer})
        between += [after - before for before, after in pairwise(days)]
    found = intervals(frame(purchases))
    assert dict(zip(found["days"], found["intervals"], strict=True)) == {day: between.count(day) for day in {*between}}
    assert found["days"].tolist() == sorted({*between})
    assert found["share"].sum() == pytest.approx(1.0 if between else 0.0)
    assert found["cumulative"].tolist() == pytest.approx(found["share"].cumsum().tolist())


def test_scores_are_equal_for_equal_values_and_the_best_is_the_highest() -> None:
    once = [(str(customer), customer, 10) for customer in range(6)]
    found = rfm(frame([*once, *((str(customer), 9, 10) for customer in range(4))]))
    assert found["f"].tolist() == [2, 2, 2, 2, 1, 1]
    assert found["r"].tolist() == [2, 2, 2, 2, 1, 1]
    assert rfm(frame(once))["r"].tolist() == [1, 1, 2, 3, 4, 5]


def test_amounts_are_summed_exactly_in_their_type() -> None:
    cents = rfm(frame([("ann", 0, Decimal("0.10"))] * 3))["monetary"]
    assert cents.tolist() == [Decimal("0.30")]
    large = rfm(frame([("ann", 0, 2**62), ("ann", 1, 2**62 - 1), ("bob", 0, 1)]))["monetary"]
    assert large.tolist() == [2**63 - 1, 1]


@pytest.mark.parametrize(
    ("kind", "digits", "total"),
    [
        (pa.decimal32(9, 2), 9, pa.decimal128(38, 2)),
        (pa.decimal64(18, 2), 18, pa.decimal128(38, 2)),
        (pa.decimal128(37, 2), 37, pa.decimal128(38, 2)),
        (pa.decimal256(75, 2), 75, pa.decimal256(76, 2)),
    ],
)
def test_decimals_of_any_width_are_summed_exactly(kind: pa.DataType, digits: int, total: pa.DataType) -> None:
    largest = Decimal((0, (9,) * digits, -2))
    found = rfm(pa.table(frame([("ann", 0, 1)] * 3)).set_column(2, "amount", pa.array([largest] * 3, kind)))
    assert found["monetary"].dtype == pd.ArrowDtype(total)
    with localcontext(prec=80):
        assert found["monetary"].tolist() == [3 * largest]


@pytest.mark.parametrize(
    ("amount", "kind", "message"),
    [
        (2**62, pa.int64(), "more than 64 bits hold"),
        (Decimal(6 * 10**37), pa.decimal128(38, 0), "more than 128 bits hold"),
        (Decimal(6 * 10**75), pa.decimal256(76, 0), "more than 76 digits"),
        (1e308, pa.float64(), "more than a double holds"),
    ],
)
def test_a_sum_that_is_too_large_is_refused(amount: Any, kind: pa.DataType, message: str) -> None:
    purchases = pa.table(frame([("ann", 0, 1), ("ann", 1, 1)])).set_column(2, "amount", pa.array([amount] * 2, kind))
    with pytest.raises(inb.DataError, match=message):
        rfm(purchases)


def test_a_purchase_is_on_the_day_of_the_clocks() -> None:
    late = pd.to_datetime(["2025-01-01 23:30", "2025-01-02 00:30"], utc=True)
    purchases = pd.DataFrame({"customerId": [7, 7], "date": late, "amount": [1.5, 2]})
    assert rfm(purchases)["frequency"].tolist() == [2]
    assert rfm(purchases, tz="Europe/Berlin")["frequency"].tolist() == [1]
    assert intervals(purchases, tz="Europe/Berlin").empty
    up_to = rfm(purchases, until=dt.datetime(2025, 1, 2, 0, 0))
    assert up_to[["recency", "monetary"]].to_numpy().tolist() == [[1, 1.5]]


@pytest.mark.parametrize(
    ("amounts", "changes", "message"),
    [
        ([1.0, float("inf")], {}, "row 1, field 'amount': inf is no amount"),
        ([1.0, None], {}, "row 1, field 'amount': there is no value"),
        (["1", "2"], {}, "expected numbers"),
        ([1, 2], {"scores": 0}, "scores is 0"),
        ([1, 2], {"scores": True}, "scores is True"),
        ([1, 2], {"until": "today"}, "until is 'today'"),
    ],
)
def test_what_cannot_be_counted_is_refused(amounts: list[Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(inb.DataError, match=message):
        rfm(frame([("ann", at, amount) for at, amount in enumerate(amounts)]), **changes)
