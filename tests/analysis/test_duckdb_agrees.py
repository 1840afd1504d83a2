"""DuckDB's SQL, written from the definitions, gives the same numbers on the real data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pytest

from intempt_nb.analysis import funnel, intervals, retention, rfm, sessions

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@pytest.fixture(scope="module")
def flights(data: Path) -> pa.Table:
    """The flights of planes that are known."""
    table = pa_csv.read_csv(data / "flights.csv", convert_options=pa_csv.ConvertOptions(strings_can_be_null=True))
    return table.filter(pc.is_valid(table["tailnum"]))


@pytest.fixture(scope="module")
def purchases(data: Path) -> pa.Table:
    """All purchases."""
    return pa_csv.read_csv(data / "purchases.csv")


def sql(query: str, **tables: pa.Table) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query).fetchall()


def rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in pa.Table.from_pandas(frame, preserve_index=False).to_pylist()]


SESSIONS = """
with paused as (
  select tailnum, time_hour, time_hour - lag(time_hour) over w > interval 12 hours as late from flights
  window w as (partition by tailnum order by time_hour)
), counted as (
  select *, 1 + count(*) filter (late) over (partition by tailnum order by time_hour) as number from paused
)
select tailnum, number, epoch_us(min(time_hour)), epoch_us(max(time_hour)), count(*) from counted
group by all order by 1, 2
"""


def test_sessions(flights: pa.Table) -> None:
    found = sessions(flights, by="tailnum", at="time_hour", gap=12 * 60)
    found = found.assign(start=found["start"].astype("int64"), end=found["end"].astype("int64"))
    assert rows(found.drop(columns="duration")) == sql(SESSIONS, flights=flights)
    assert len(found) > 10_000


FUNNEL = """
with a as (select distinct tailnum, time_hour as t from flights where origin = 'EWR'),
b as (select tailnum, time_hour as t from flights where origin = 'JFK'),
c as (select tailnum, time_hour as t from flights where origin = 'LGA'),
tries as (
  select a.tailnum, a.t as t1,
    (select min(b.t) from b where b.tailnum = a.tailnum and b.t >= a.t and b.t <= a.t + interval 60 days) as t2
  from a
), all_three as (
  select *,
    (select min(c.t) from c where c.tailnum = tries.tailnum and c.t >= t2 and c.t <= t1 + interval 60 days) as t3
  from tries
), best as (
  select distinct on (tailnum) * from all_three
  order by tailnum, t3 is null, t2 is null, coalesce(t3, t2, t1), t1 desc
)
select count(t1), count(t2), count(t3), median(epoch_us(t2) - epoch_us(t1)), median(epoch_us(t3) - epoch_us(t2)),
  median(epoch_us(t3) - epoch_us(t1)) filter (t3 is not null) from best
"""


def test_a_funnel(flights: pa.Table) -> None:
    found = funnel(flights, ["EWR", "JFK", "LGA"], by="tailnum", at="time_hour", event="origin", window="60 days")
    previous, first = (
        found[f"median_from_{since}"].astype("int64[pyarrow]").tolist() for since in ("previous", "first")
    )
    assert [(*found["persons"], *previous[1:], first[2])] == sql(FUNNEL, flights=flights)
    assert found["persons"][2] > 10


RETENTION = """
with active as (
  select distinct tailnum, date_trunc('{period}', timezone('America/New_York', time_hour))::date as period from flights
), firsts as (
  select tailnum, period, min(period) over (partition by tailnum) as cohort from active
)
select cohort, date_diff('{period}', cohort, period) as age, count(*) from firsts
where period < (
  select date_trunc('{period}', max(timezone('America/New_York', time_hour)))::date from flights
) group by all order by all
"""


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_retention(flights: pa.Table, period: Any) -> None:
    found = retention(flights, by="tailnum", at="time_hour", period=period, tz="America/New_York")
    counts = found.active.stack().dropna()
    told = [(cohort, age, count) for (cohort, age), count in counts.items() if count]
    assert told == sql(RETENTION.format(period=period), flights=flights)
    assert found.persons.sum() == len(flights["tailnum"].unique())


RFM = """
with days as (select customerId, date, sum(amount::decimal(18, 2)) as spent from purchases group by all),
ours as (
  select customerId, date '1998-06-30' - max(date) as recency, count(*) as frequency, sum(spent) as monetary,
    max(date) - min(date) as t_x, date '1998-06-30' - min(date) as age
  from days group by all
)
select customerId, recency, frequency, monetary,
  1 + 5 * (rank() over (order by recency desc) - 1) // count(*) over (),
  1 + 5 * (rank() over (order by frequency) - 1) // count(*) over (),
  1 + 5 * (rank() over (order by monetary) - 1) // count(*) over (),
  frequency - 1, t_x, age
from ours order by customerId
"""


def test_rfm(purchases: pa.Table) -> None:
    cents = purchases["amount"].cast(pa.decimal128(18, 2))
    found = rfm(purchases.set_column(3, "amount", cents), until="1998-06-30")
    assert rows(found) == sql(RFM, purchases=purchases)
    assert found["monetary"].sum() == pc.sum(cents).as_py()


INTERVALS = """
with days as (select distinct customerId, date from purchases),
between as (select date - lag(date) over (partition by customerId order by date) as days from days)
select days, count(*), count(*) / sum(count(*)) over () from between where days is not null group by days order by days
"""


def test_intervals(purchases: pa.Table) -> None:
    assert rows(intervals(purchases).drop(columns="cumulative")) == sql(INTERVALS, purchases=purchases)
