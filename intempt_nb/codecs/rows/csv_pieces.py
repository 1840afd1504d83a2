"""The bytes of a CSV file → pieces that end where a row ends, so that each can be parsed by itself.

A quote opens a cell only at its start, a doubled quote inside stands for one, and what follows the closing one belongs
to the cell as it is: so the parser reads, and so borders are found here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

__all__ = ["LongRow", "OpenQuote", "cut_pieces", "ends_in_quotes"]

LONGEST_ROW = 64 << 20
TAIL = 1 << 16
LINE_FEED, RETURN = 10, 13


class OpenQuote(Exception):  # noqa: N818  (the reader, who knows the row, makes an error of it)
    """The row behind the last piece has a quote that never closes."""


class LongRow(Exception):  # noqa: N818  (see above)
    """The row behind the last piece has more than `LONGEST_ROW` bytes."""


def cut_pieces(chunks: Iterable[bytes], delimiter: bytes, quote: bytes | None) -> Iterator[bytes | memoryview]:
    """Cut a stream into whole rows.

    Parameters
    ----------
    chunks
        The stream, which begins where a row does.
    delimiter, quote
        One byte each; no quote where quotes mean nothing.

    Yields
    ------
    bytes or memoryview
        A row or more, each with its line end; the last row is given one if it has none.

    Raises
    ------
    OpenQuote, LongRow
        Behind the pieces before such a row.
    """
    rest: bytes | memoryview = b""
    for chunk in chunks:
        data = b"".join((rest, chunk))
        end = _last_border(data, delimiter, quote)
        if end:
            yield memoryview(data)[:end]
        rest = memoryview(data)[end:]
        if len(rest) > LONGEST_ROW:
            raise LongRow
    if not rest:
        return
    data = bytes(rest)
    end = _exact_border(data, delimiter, quote) if quote else 0
    if not ends_in_quotes(data[end:], delimiter, quote):
        yield data + b"\n"
        return
    if end:
        yield data[:end]
    raise OpenQuote


def ends_in_quotes(record: bytes, delimiter: bytes, quote: bytes | None) -> bool:
    """Return whether a quote is open behind (a part of) one row."""
    return quote is not None and _patterns(delimiter, quote)[1].fullmatch(record) is not None


@cache
def _patterns(delimiter: bytes, quote: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what matches all whole rows, and what matches the start of a row up to the end of an open quote."""
    d, q = re.escape(delimiter), re.escape(quote)
    opened = rb"%b(?:[^%b]++|%b%b)*+" % (q, q, q, q)
    cell = rb"(?:%b%b[^%b\r\n]*+|(?!%b)[^%b\r\n]*+)" % (opened, q, d, q, d)
    # A return at the end may be half of a line end.
    rows = rb"(?:%b(?:%b%b)*+(?:\r\n|\n|\r(?=[^\n])))*+" % (cell, d, cell)
    return re.compile(rows), re.compile(rb"(?:%b%b)*+%b" % (cell, d, opened))


@cache
def _beside(delimiter: bytes, quote: bytes) -> npt.NDArray[np.bool_]:
    """Return for each byte whether it may stand before an opening quote and behind a closing one."""
    table = np.zeros(256, bool)
    table[list(delimiter + quote + b"\r\n")] = True
    return table


def _last_border(data: bytes, delimiter: bytes, quote: bytes | None) -> int:
    """Return where the last whole row ends, 0 if none does."""
    if quote is None or quote not in data:
        return (data.rfind(b"\n") + 1) or (data.rfind(b"\r", 0, len(data) - 1) + 1)
    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == ord(quote))
    beside = _beside(delimiter, quote)
    opening, closing = quotes[0::2], quotes[1::2]
    before = text[opening[int(opening[0] == 0) :] - 1]
    behind = text[closing[: np.searchsorted(closing, len(data) - 1)] + 1]
    if not (beside[before].all() and beside[behind].all()):
        return _exact_border(data, delimiter, quote)
    return _last_outside(text, quotes, LINE_FEED) or _last_outside(text[:-1], quotes, RETURN)


def _last_outside(text: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], line_end: int) -> int:
    """Return the place behind the last line end that has an even number of quotes before it, 0 if there is none."""
    for first in (max(len(text) - TAIL, 0), 0):
        ends = np.flatnonzero(text[first:] == line_end) + first
        outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
        if len(outside):
            return int(outside[-1]) + 1
    return 0


def _exact_border(data: bytes, delimiter: bytes, quote: bytes) -> int:
    """Return the same for any quotes, by reading every cell."""
    found = _patterns(delimiter, quote)[0].match(data)
    return 0 if found is None else found.end()
