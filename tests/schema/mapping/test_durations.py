from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.schema.mapping.durations import format_period, interval, parse_period, period_texts, periods

PART = st.integers(0, 2**32 - 1)


@given(PART, PART, PART)
def test_a_duration_comes_back(months: int, days: int, millis: int) -> None:
    assert parse_period(format_period(months, days, millis)) == (months, days, millis)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("P14M3DT0.5S", (14, 3, 500)),
        ("P1Y2M", (14, 0, 0)),
        ("P2W1D", (0, 15, 0)),
        ("PT1H30M", (0, 0, 5_400_000)),
        ("PT0.001000000S", (0, 0, 1)),
        ("P0D", (0, 0, 0)),
    ],
)
def test_every_part_of_a_period_is_read(text: str, parts: tuple[int, int, int]) -> None:
    assert parse_period(text) == parts


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1", "1D", "P-1D", "PT0.0005S", "P1DT", "p1d", "P4294967296M", "P400000000Y", "P1D ", "P१D"],
)
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        parse_period(text)


@pytest.mark.parametrize("parts", [(-1, 0, 0), (0, 2**32, 0)])
def test_parts_that_avro_does_not_have_are_refused(parts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=f"{parts[0]} months, {parts[1]} days"):
        format_period(*parts)


def test_columns_come_back() -> None:
    texts = pa.array(["P1M2DT3S", None, "P0D"])
    assert periods(texts).type == pa.month_day_nano_interval()
    assert period_texts(periods(texts)) == texts


def test_what_arrow_or_avro_has_no_room_for_is_refused() -> None:
    with pytest.raises(ValueError, match="P2147483648M"):
        interval("P2147483648M")
    with pytest.raises(ValueError, match="1 nanoseconds"):
        period_texts(pa.array([pa.MonthDayNano([0, 0, 1])]))
