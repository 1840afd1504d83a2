"""The one way this package turns tables into HTML and text.

Notebook front ends strip ``<style>`` and inline SVG from untrusted notebooks, so these views are plain tables that
take their colours from the page: legible in light and dark without a style sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["MOST_ROWS", "Picture", "html_table", "shorten", "text_table"]


MOST_ROWS = 200
"""How many rows a table shows; a notebook with all 10,000 fields of a schema in it would be no help to anyone."""
_ONE_LINE = 120


@dataclass(frozen=True, slots=True)
class Picture:
    """A cell of a table that is drawn.

    Parameters
    ----------
    src
        A data URI.
    alt
        The same in words.
    text
        What stands in its place in plain text.
    """

    src: str
    alt: str
    text: str

    def __str__(self) -> str:
        return self.text


def shorten(value: object, limit: int = 80) -> str:
    """Return ``str(value)`` cut to `limit` characters, the cut marked by an ellipsis."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", *, limit: int = 200) -> str:
    """Return an HTML table; every cell, header and caption is escaped.

    Parameters
    ----------
    header
        Column titles.
    rows
        Cells, shown as :func:`str`, a `Picture` as an image; None is shown as an empty cell. Of more than `MOST_ROWS`,
        the last line says how many there are.
    caption
        A line above the table; empty for none.
    limit
        Longer cells are cut.
    """
    head = "".join(f'<th scope="col" style="text-align:left">{escape(title)}</th>' for title in header)
    style = "text-align:left;vertical-align:top"
    body = "".join(
        "<tr>" + "".join(f'<td style="{style}">{_cell_html(cell, limit)}</td>' for cell in row) + "</tr>"
        for row in _shown(rows)
    )
    wrap = "nowrap" if len(caption) <= _ONE_LINE else "normal"  # a narrow table would fold it into a column of words
    above = f"caption-side:top;text-align:left;color:inherit;white-space:{wrap}"
    title = f'<caption style="{above}">{escape(caption)}</caption>' if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell_html(cell: object, limit: int) -> str:
    if isinstance(cell, Picture):
        return f'<img src="{escape(cell.src)}" alt="{escape(cell.alt)}">'
    return escape("" if cell is None else shorten(cell, limit))


def _shown(rows: Iterable[Sequence[object]]) -> list[list[object]]:
    """Return the rows of a table that is not too long."""
    rest = iter(rows)
    first = [list(row) for row in islice(rest, MOST_ROWS)]
    more = sum(1 for _ in rest)
    return [*first, [f"… and {more:,} more", *[None] * (len(first[0]) - 1)]] if more else first


def text_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", *, limit: int = 60) -> str:
    """Return the same table as aligned plain text, for terminals and ``text/plain``; each row is one line."""
    table = [list(header), *(["" if cell is None else _one_line(cell, limit) for cell in row] for row in _shown(rows))]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(([caption] if caption else []) + lines)


def _one_line(cell: object, limit: int) -> str:
    return shorten(" ".join(str(cell).split()), limit)
