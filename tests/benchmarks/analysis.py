"""Events over time: ours, the plain pandas way and DuckDB's SQL, over the same web visits and purchases.

The pandas ways are without `apply`; they and the SQL give the counts only, ours the medians too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from intempt_nb.analysis import funnel, retention, rfm, sessions
from paths import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["QUESTIONS", "Question", "visits"]

STEPS = ("page", "flight-search", "flight-booking")
WINDOW = pd.Timedelta("1 day")
_GAP = pd.Timedelta("30 min")
_START = 1_735_689_600_000_000  # 2025-01-01, in µs as all of these
_MINUTE = 60_000_000
_DAYS = 90


def visits(rows: int) -> pa.Table:
    """Return events in the order of time: visits of about five events each, of one visitor in twenty rows."""
    random = np.random.default_rng(7)
    count = rows // 5 + 1
    visitors = np.repeat(random.integers(0, rows // 20 + 1, count), 5)[:rows]
    pauses = random.exponential(3 * _MINUTE, (count, 5)).cumsum(axis=1)
    starts = random.integers(0, _DAYS * 1440 * _MINUTE, count)
    times = (_START + starts[:, None] + pauses).astype(np.int64).ravel()[:rows] // 1000 * 1000
    order = np.argsort(times)
    ids = pa.array([f"{each:012x}" for each in range(rows // 20 + 1)])
    names = pa.array(STEPS).take(pa.array(random.choice(3, rows, p=(0.8, 0.17, 0.03))))
    columns = {
        "visitorId": ids.take(pa.array(visitors[order])),
        "timestamp": pa.array(times[order]).cast(pa.timestamp("us", "UTC")),
        "event": names,
        "amount": pa.array(random.integers(1, 100_000, rows) / 100),
    }
    return pa.table(columns)


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is asked of events.

    Parameters
    ----------
    ours, pandas, sql
        The ways to answer it; `ours` and `pandas` take a DataFrame with pandas' own types.
    numbers
        Gives from the answer of a way numbers that all ways agree on.
    """

    ours: Callable[[pd.DataFrame], Any]
    pandas: Callable[[pd.DataFrame], Any]
    sql: str
    numbers: Callable[[Any], list[float]]

    def calls(self, table: pa.Table) -> Mapping[str, Callable[[], Any]]:
        """Return the ways, each with the events in its own form."""
        frame = table.to_pandas()
        return {
            "pandas": lambda: self.pandas(frame),
            OURS: lambda: self.ours(frame),
            "duckdb": lambda: in_duckdb(self.sql, table),
        }

    def check(self, table: pa.Table) -> None:
        """Raise an AssertionError if the ways do not agree."""
        found = {way: self.numbers(call()) for way, call in self.calls(table).items()}
        assert all(np.allclose(each, found[OURS]) for each in found.values()), found


def in_duckdb(sql: str, table: pa.Table) -> pd.DataFrame:
    with duckdb.connect() as connection:
        connection.register("events", table)
        found: pd.DataFrame = connection.execute(sql).df()
    return found


def pandas_sessions(events: pd.DataFrame) -> pd.DataFrame:
    rows = events.sort_values(["visitorId", "timestamp"])
    new = (rows["visitorId"] != rows["visitorId"].shift()) | (rows["timestamp"].diff() > _GAP)
    found = rows.assign(session=new.cumsum()).groupby(["visitorId", "session"])["timestamp"]
    return found.agg(start="min", end="max", events="size").reset_index()


SESSIONS = """
with paused as (
  select visitorId, timestamp, timestamp - lag(timestamp) over w > interval 30 minutes as late from events
  window w as (partition by visitorId order by timestamp)
), counted as (
  select *, count(*) filter (late) over (partition by visitorId order by timestamp) as session from paused
)
select visitorId, session, min(timestamp) as start, max(timestamp) as end, count(*) as events from counted
group by all order by all
"""


def pandas_funnel(events: pd.DataFrame) -> list[int]:
    first, *others = (events.loc[events["event"] == step, ["visitorId", "timestamp"]] for step in STEPS)
    tries = first.assign(begun=first["timestamp"], depth=1)
    counts = [tries["visitorId"].nunique()]
    for step in others:
        later = step.assign(reached=step["timestamp"])
        tries = pd.merge_asof(tries, later, on="timestamp", by="visitorId", direction="forward").dropna()
        tries = tries[tries["reached"] - tries["begun"] <= WINDOW]
        counts.append(tries["visitorId"].nunique())
        tries = tries.assign(timestamp=tries["reached"]).drop(columns="reached").sort_values("timestamp")
    return counts


FUNNEL = """
with tries as (select visitorId, timestamp as begun from events where event = 'page'),
second as (
  select tries.*, rows.timestamp as reached from tries asof join
    (select visitorId, timestamp from events where event = 'flight-search') as rows
    on tries.visitorId = rows.visitorId and rows.timestamp >= begun
  where reached <= begun + interval 1 day
), third as (
  select second.visitorId, rows.timestamp as done from second asof join
    (select visitorId, timestamp from events where event = 'flight-booking') as rows
    on second.visitorId = rows.visitorId and rows.timestamp >= reached
  where done <= begun + interval 1 day
)
select (select count(distinct visitorId) from tries), (select count(distinct visitorId) from second),
  (select count(distinct visitorId) from third)
"""


def pandas_retention(events: pd.DataFrame) -> pd.DataFrame:
    days = events["timestamp"].dt.normalize()
    weeks = days - pd.to_timedelta(days.dt.weekday, unit="D")
    active = events[["visitorId"]].assign(week=weeks).drop_duplicates()
    active["cohort"] = active.groupby("visitorId")["week"].transform("min")
    active["age"] = (active["week"] - active["cohort"]).dt.days // 7
    return active.groupby(["cohort", "age"]).size().unstack()


RETENTION = """
with active as (select distinct visitorId, date_trunc('week', timezone('UTC', timestamp)) as week from events),
firsts as (select week, min(week) over (partition by visitorId) as cohort from active)
select cohort, date_diff('week', cohort, week) as age, count(*) as persons from firsts group by all order by all
"""


def pandas_rfm(events: pd.DataFrame) -> pd.DataFrame:
    days = events.assign(day=events["timestamp"].dt.normalize())
    daily = days.groupby(["visitorId", "day"])["amount"].sum().reset_index()
    found = daily.groupby("visitorId").agg(last=("day", "max"), frequency=("day", "size"), monetary=("amount", "sum"))
    found["recency"] = (daily["day"].max() - found["last"]).dt.days
    for score, values in (("r", -found["recency"]), ("f", found["frequency"]), ("m", found["monetary"])):
        found[score] = 1 + 5 * (values.rank(method="min").astype("int64") - 1) // len(found)
    return found


RFM = """
with daily as (
  select visitorId, timezone('UTC', timestamp)::date as day, sum(amount) as spent from events group by all
), ours as (
  select visitorId, (select max(day) from daily) - max(day) as recency, count(*) as frequency, sum(spent) as monetary
  from daily group by all
)
select *, 1 + 5 * (rank() over (order by recency desc) - 1) // count(*) over () as r,
  1 + 5 * (rank() over (order by frequency) - 1) // count(*) over () as f,
  1 + 5 * (rank() over (order by monetary) - 1) // count(*) over () as m from ours order by visitorId
"""


def _active(found: Any) -> list[float]:
    if isinstance(found, pd.DataFrame):
        counts = found["persons"] if "persons" in found else found.stack()
        ages = found["age"] if "persons" in found else counts.index.get_level_values("age")
        return [counts[ages == age].sum() for age in range(4)]
    return [found.active[age].sum() for age in range(4)]


QUESTIONS = {
    "sessions": Question(
        sessions, pandas_sessions, SESSIONS, lambda found: [len(found), found["events"].max(), found["events"].sum()]
    ),
    "funnel of 3 steps, 1 day": Question(
        lambda events: funnel(events, STEPS, window=WINDOW)["persons"].tolist(),
        pandas_funnel,
        FUNNEL,
        lambda found: found if isinstance(found, list) else found.iloc[0].tolist(),
    ),
    "retention by week": Question(
        lambda events: retention(events, period="week", until="2030-01-01"), pandas_retention, RETENTION, _active
    ),
    "RFM": Question(
        lambda events: rfm(events, by="visitorId", at="timestamp"),
        pandas_rfm,
        RFM,
        lambda found: [found[name].sum() for name in ("recency", "frequency", "monetary", "r", "f", "m")],
    ),
}
