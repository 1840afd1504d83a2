"""Avro durations as ISO 8601 periods: ``P14M3DT0.5S``.

A duration is months, days and milliseconds that do not convert into one another (Avro 1.12, "Duration"), each from 0 to
2**32 - 1. In text, years are 12 months, weeks 7 days, and hours, minutes and seconds are milliseconds.
"""

from __future__ import annotations

import re
from decimal import Decimal

import pyarrow as pa

__all__ = ["format_period", "interval", "parse_period", "period_texts", "periods"]

_PERIOD = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,10})Y)?(?:([0-9]{1,10})M)?(?:([0-9]{1,10})W)?(?:([0-9]{1,10})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,10})H)?(?:([0-9]{1,10})M)?(?:([0-9]{1,10}(?:\.[0-9]{1,9})?)S)?)?"
)
_MOST = 2**32 - 1


def parse_period(text: str) -> tuple[int, int, int]:
    """Return the months, days and milliseconds of an ISO 8601 period.

    Raises
    ------
    ValueError
        If the text is no period, is finer than a millisecond, or a part exceeds 2**32 - 1.
    """
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise ValueError(text)
    years, months, weeks, days, hours, minutes = (int(part or 0) for part in match.groups()[:6])
    millis = Decimal(match[7] or 0) * 1000 + (hours * 60 + minutes) * 60_000
    parts = (12 * years + months, 7 * weeks + days, int(millis))
    if millis != parts[2] or max(parts) > _MOST:
        raise ValueError(text)
    return parts


def format_period(months: int, days: int, millis: int) -> str:
    """Return a duration as an ISO 8601 period; one of nothing is ``P0D``.

    Raises
    ------
    ValueError
        If a part is negative or exceeds 2**32 - 1, which Avro has no duration for.
    """
    if not all(0 <= part <= _MOST for part in (months, days, millis)):
        raise ValueError(f"{months} months, {days} days, {millis} milliseconds")
    seconds, rest = divmod(millis, 1000)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    clock = f"T{seconds}{fraction}S" if millis else ""
    date = f"{months}M" * bool(months) + f"{days}D" * bool(days)
    return f"P{date}{clock}" if date or clock else "P0D"


def interval(text: str) -> pa.MonthDayNano:
    """Return an ISO 8601 period as Arrow has it.

    Raises
    ------
    ValueError
        As :func:`parse_period`, and if the months or days exceed the 2**31 - 1 of Arrow.
    """
    months, days, millis = parse_period(text)
    if max(months, days) >= 2**31:
        raise ValueError(text)
    return pa.MonthDayNano([months, days, millis * 1_000_000])


def periods(texts: pa.Array) -> pa.Array:
    """Return a column of ISO 8601 periods as month_day_nano_interval; raises ValueError as :func:`interval` does."""
    cells = [None if text is None else interval(text) for text in texts.to_pylist()]
    return pa.array(cells, pa.month_day_nano_interval())


def period_texts(array: pa.Array) -> pa.Array:
    """Return a column of month_day_nano_interval as ISO 8601 periods.

    Raises
    ------
    ValueError
        As :func:`format_period` does, and for a duration that is finer than a millisecond.
    """
    return pa.array([None if each is None else _period_text(each) for each in array.to_pylist()], pa.string())


def _period_text(each: pa.MonthDayNano) -> str:
    millis, finer = divmod(each.nanoseconds, 1_000_000)
    if finer:
        raise ValueError(f"{each.nanoseconds} nanoseconds")
    return format_period(each.months, each.days, millis)
