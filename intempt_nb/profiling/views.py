"""A profile for people: as the lines of a table, and a column on a page of its own."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from intempt_nb.display import html_table, shorten, text_table
from intempt_nb.profiling.charts import histogram_alt, histogram_lines, histogram_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.profiling.columns import ColumnProfile

__all__ = [
    "HEADER", "column_html", "column_text", "distinct_text", "median_text", "profile_row", "range_text", "top_text",
    "value_text",
]  # fmt: skip

HEADER = (
    "column", "type", "values", "nulls", "distinct", "range", "median", "mean", "distribution", "most frequent"
)  # fmt: skip
_SHOWN = 3
_LONGEST = 30
_LONGEST_NAME = 40
_WIDE = 420, 120


def profile_row(column: ColumnProfile) -> tuple[object, ...]:
    """Return the cells of a column's line in a profile, as `HEADER` names them."""
    picture = None if column.histogram is None else histogram_picture(column.histogram)
    nan = f" ({column.nan:,} NaN)" if column.nan else ""
    return (
        shorten(column.name, _LONGEST_NAME),
        column.type,
        f"{column.count:,}{nan}",
        f"{column.nulls:,}",
        distinct_text(column),
        range_text(column),
        median_text(column),
        None if column.mean is None else f"{column.mean:,.6g}",
        picture,
        top_text(column, _SHOWN),
    )


def distinct_text(column: ColumnProfile) -> str | None:
    """Return how many different values there are, with a word where that is an estimate."""
    if column.distinct is None:
        return None
    return f"{column.distinct:,}" if column.distinct_exact else f"about {column.distinct:,}"


def range_text(column: ColumnProfile) -> str | None:
    """Return from where to where the values go, or how long lists are."""
    if column.lengths is not None:
        found = column.lengths
        return f"{found.min:,} to {found.max:,} elements, {found.mean:,.3g} on average"
    if column.min is None:
        return None
    if column.min == column.max:
        return _short_text(column.min)
    return f"{_short_text(column.min)} to {_short_text(column.max)}"


def top_text(column: ColumnProfile, most: int) -> str | None:
    """Return the most frequent values with their counts."""
    if not column.top:
        return None
    if column.top[0][1] == 1:
        return "each value once"
    least = "≥ " if column.top_error else ""
    return ", ".join(f"{value_text(value)} ({least}{count:,})" for value, count in column.top[:most])


def value_text(value: object) -> str:
    """Return a value as text that is not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else shorten(value, _LONGEST)


def _short_text(value: object) -> str:
    """Return a value as text, a double with as many digits as a mean has."""
    return f"{value:,.6g}" if isinstance(value, float) and not value.is_integer() else value_text(value)


def median_text(column: ColumnProfile) -> str | None:
    """Return the median, with a word where it is approximate."""
    if not column.quantiles:
        return None
    return f"{'about ' if column.quantile_error else ''}{_short_text(column.median)}"


def column_text(column: ColumnProfile) -> str:
    """Return all that is known of a column as plain text."""
    facts = text_table(("column", shorten(column.name)), _facts(column))
    if column.histogram is None:
        return facts
    return f"{facts}\n\n{text_table(('from', 'to', 'values', ''), histogram_lines(column.histogram))}"


def column_html(column: ColumnProfile) -> str:
    """Return all that is known of a column as HTML."""
    rows: list[tuple[str, object]] = [*_facts(column)]
    if column.histogram is not None:
        rows.append(("distribution", histogram_picture(column.histogram, *_WIDE)))
        rows.append(("", histogram_alt(column.histogram)))
    return html_table(("column", shorten(column.name)), rows)


def _facts(column: ColumnProfile) -> Iterator[tuple[str, object]]:
    yield "type", column.type
    yield "values", f"{column.count:,}" + (f", {column.nan:,} of them NaN" if column.nan else "")
    yield "nulls", f"{column.nulls:,}"
    if column.distinct is not None:
        yield "distinct", distinct_text(column)
    if column.lengths is not None:
        yield "elements", range_text(column)
    if column.mean is not None:
        yield "mean", f"{column.mean:,.6g}"
    yield from _ladder(column)
    least = "at least " if column.top_error else ""
    for place, (value, count) in enumerate(column.top):
        yield "" if place else "most frequent", f"{value_text(value)} ({least}{count:,})"


def _ladder(column: ColumnProfile) -> Iterator[tuple[str, object]]:
    """Yield the values from the smallest to the largest."""
    if column.min is None:
        return
    yield "smallest", value_text(column.min)
    for share, value in column.quantiles:
        yield "median" if share == 0.5 else f"{share:.0%}", value_text(value)
    yield "largest", value_text(column.max)
    if column.quantile_error:
        yield "", f"the percentages are right within {_percent_text(column.quantile_error)} of the values"


def _percent_text(share: float) -> str:
    """Return a small share with one digit, rounded up: it is a bound."""
    percent = Decimal(share) * 100
    return f"{percent.quantize(Decimal(1).scaleb(percent.adjusted()), ROUND_CEILING):f}%"
