"""Purchases: how recently, how often and for how much each customer bought, and the days between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.analysis.events import columns_of, instants_of, limit_of, numbered, refuse_gaps
from intempt_nb.analysis.timelines import by_person, by_value, changes, distinct, lengths
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.frames import to_frame

if TYPE_CHECKING:
    import datetime as dt

    import numpy.typing as npt
    import pandas as pd

__all__ = ["intervals", "rfm"]


def rfm(
    purchases: Any,
    *,
    by: str = "customerId",
    at: str = "date",
    amount: str = "amount",
    until: dt.date | str | None = None,
    scores: int = 5,
    tz: str = "UTC",
) -> pd.DataFrame:
    """Return how recently, how often and for how much each customer bought, with scores.

    Purchases of a customer on one day are one transaction, as in Fader and Hardie's work on the CDNOW data, where all
    is counted by days.

    The scores are the quintiles of Hughes (*Strategic Database Marketing*): customers are ranked by each number and cut
    into fifths, 5 being the best: bought most recently, most often, for most. Equal fifths would cut through equal
    values at random; here, equal values have equal scores: 1 + ⌊scores · share of the customers that are worse⌋. So one
    score may be that of many more than a fifth, and another nobody's, as where most bought once.

    Parameters
    ----------
    purchases
        A DataFrame, a scan or Arrow data, in any order; it is not changed.
    by, at
        Columns with the customer, and with the time: dates, which no time zone moves, timestamps (without a zone: UTC),
        or whole numbers, milliseconds since 1970.
    amount
        Column with the value of the purchase: whole, decimal or floating numbers, also negative (a return).
    until
        The last day that counts, which is meant whole and from which one looks back, or an instant on it. Later
        purchases are left out, and so are customers who have no others. By default, the day of the last purchase. What
        a model learns from has to be from before a day, without it: `features` leaves out that of its `as_of`.
    scores
        How many there are, the best being this.
    tz
        By whose clocks a day begins.

    Returns
    -------
    pandas.DataFrame
        A row for each customer, in the order of their ids: the customer, under the name and in the type it had;
        `recency`, days since the last transaction; `frequency`, transactions; `monetary`, the sum of all amounts
        (double, long or decimal); their scores `r`, `f` and `m`; and what models of repeat buying take, as Fader and
        Hardie define them, in days: `x`, transactions but the first; `t_x`, from the first transaction to the last (0
        if there is one); `T`, from the first to `until`. All but `monetary` are int64.

    Raises
    ------
    DataError
        If there are no such columns, gaps in them, or values that are no times or finite numbers; a sum is more than
        its type holds; or an argument is none of the above.

    Examples
    --------
    >>> purchases = pd.DataFrame({"customerId": ["ann", "ann", "bob"], "date": pd.to_datetime(["2025-01-01",
    ...     "2025-01-31", "2025-01-02"]), "amount": [10, 5, 40]})
    >>> rfm(purchases, until="2025-02-01")[["customerId", "recency", "frequency", "monetary", "r", "f", "m"]]
      customerId  recency  frequency  monetary  r  f  m
    0        ann        1          2        15  3  3  1
    1        bob       30          1        40  1  1  3
    """
    if isinstance(scores, bool) or not isinstance(scores, int) or scores < 1:
        raise DataError(f"scores is {scores!r}; expected how many there are, such as 5", expected="a positive integer")
    table = columns_of(purchases, [by, at, amount])
    instants = instants_of(table, at)
    limit = limit_of(until, instants, tz, "until")
    _check_amounts(table, amount)
    numbers, names = by_value(*numbered(table.filter(pa.array(limit.rows)), by), by)
    customers, days = distinct(numbers, instants.days(tz)[limit.rows])
    starts = np.flatnonzero(changes(customers))
    frequency = lengths(starts, len(days))
    first, last = days[starts], days[starts + frequency - 1]
    monetary = _sums(numbers, table[amount].filter(pa.array(limit.rows)))
    recency = limit.day - last
    columns = {
        "recency": pa.array(recency),
        "frequency": pa.array(frequency),
        "monetary": monetary,
        "r": _scores(pa.array(-recency), scores),
        "f": _scores(pa.array(frequency), scores),
        "m": _scores(monetary, scores),
        "x": pa.array(frequency - 1),
        "t_x": pa.array(last - first),
        "T": pa.array(limit.day - first),
    }
    return by_person(by, names, columns)


def intervals(purchases: Any, *, by: str = "customerId", at: str = "date", tz: str = "UTC") -> pd.DataFrame:
    """Return how many days lie between one purchase of a customer and the next.

    Purchases of a customer on one day are one transaction, as for `rfm`. Only intervals that have ended are there: the
    time since the last purchase, after which another may come or not, is none. So long ones are missing the more, the
    shorter the time that the rows are from.

    Parameters
    ----------
    purchases, by, at, tz
        As for `rfm`.

    Returns
    -------
    pandas.DataFrame
        A row for each length that occurs, the shortest first: `days` (int64, 1 or more), `intervals` of this length
        (int64), the `share` of all (double), and of all up to this length, `cumulative` (double).

    Raises
    ------
    DataError
        If there are no such columns, gaps in them, or values that are no times.

    Examples
    --------
    >>> intervals(pd.DataFrame({"customerId": [1, 1, 1], "date": pd.to_datetime(["2025-01-01", "2025-01-08",
    ...     "2025-01-15"])}))
       days  intervals  share  cumulative
    0     7          2    1.0         1.0
    """
    table = columns_of(purchases, [by, at])
    instants = instants_of(table, at)
    customers, days = distinct(numbered(table, by)[0], instants.days(tz))
    between = np.diff(days)[~changes(customers)[1:]]
    found, counts = np.unique(between, return_counts=True)
    total = max(len(between), 1)
    columns = {
        "days": pa.array(found, pa.int64()),
        "intervals": pa.array(counts, pa.int64()),
        "share": pa.array(counts / total, pa.float64()),
        "cumulative": pa.array(np.cumsum(counts) / total, pa.float64()),
    }
    return to_frame(pa.table(columns))


def _check_amounts(table: pa.Table, name: str) -> None:
    refuse_gaps(table, name)
    amounts, kind = table[name], table[name].type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or not len(table)):
        raise DataError(f"the column is {kind}; expected numbers", field=name, expected="numbers")
    row = pc.index(pc.is_finite(amounts), False).as_py() if pa.types.is_floating(kind) else -1
    if row >= 0:
        raise DataError(f"{amounts[row]} is no amount", row=row, field=name, value=str(amounts[row]))


def _sums(customers: npt.NDArray[np.int64], amounts: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return the sum of each customer's amounts, of decimals and whole numbers exactly."""
    kind = amounts.type
    if pa.types.is_floating(kind):
        totals = np.bincount(customers, np.asarray(amounts))
        if not np.isfinite(totals).all():
            raise DataError("a sum of amounts is more than a double holds; leave out those that are wrong")
        return pa.array(totals)
    exact, told = pa.decimal128(38, 0), pa.int64()  # the first has room for any sum of so many whole numbers
    if pa.types.is_decimal(kind):
        exact = pa.decimal256(76, kind.scale)
        told = exact if pa.types.is_decimal256(kind) else pa.decimal128(38, kind.scale)
    wide = amounts.cast(exact)
    if told == exact and _digits(wide) + len(str(len(wide))) > exact.precision:
        raise DataError("a sum of amounts may be more than 76 digits; make them double")
    groups = pa.table({"customer": customers, "amount": wide}).group_by("customer", use_threads=False)
    sums = groups.aggregate([("amount", "sum")]).sort_by("customer")["amount_sum"]
    try:
        return sums.cast(told)
    except pa.ArrowInvalid:
        raise DataError(f"a sum of amounts is more than {told.bit_width} bits hold; make them double") from None


def _digits(amounts: pa.ChunkedArray) -> int:
    """Return how many digits the longest of some decimals has."""
    ends = [each.as_py() for each in pc.min_max(amounts).values() if each.is_valid]
    return max((int(each.adjusted()) + 1 for each in ends), default=0) + int(amounts.type.scale)


def _scores(values: pa.Array | pa.ChunkedArray, scores: int) -> pa.Array:
    """Return 1 + ⌊scores · share of the values that are less⌋."""
    less = np.asarray(pc.rank(values, sort_keys="ascending", tiebreaker="min")).astype(np.int64) - 1
    return pa.array(1 + less * scores // max(len(less), 1))
