"""Where a reading of items begins and ends: the cursors of pages, and the marks between readings [ours].

Both are opaque text to others. Items are read in the order of their ids, and a new item's id is above all that were
given before: what has an id up to some number is a fixed part of the collection, of which items can only be deleted.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from intempt_nb.display import shorten
from intempt_nb.server.answers import invalid
from intempt_nb.server.ids import MAX_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.server.tables import Collection, Transaction

__all__ = ["Span", "divide", "read_cursor", "read_span", "write_cursor", "write_mark"]


@dataclass(frozen=True, slots=True)
class Span:
    """The items behind the id `after`, up to the id `last`."""

    after: int
    last: int


def read_span(query: Mapping[str, str], tx: Transaction, collection: Collection) -> Span:
    """Return what a request without a cursor asks for: ``after=`` and ``until=`` take marks; without, all there is."""
    after, until = (_read_mark(query, name, collection) for name in ("after", "until"))
    begin = 0 if after is None else after
    # The newest items may have been deleted since the mark was set behind them.
    last = max(begin, tx.last_item_id(collection.id)) if until is None else until
    if last < begin:
        raise invalid("'until' is a mark from before that of 'after'; exchange them")
    return Span(begin, last)


def divide(tx: Transaction, collection: Collection, span: Span, count: int) -> tuple[list[Span], int]:
    """Cut a span into spans with equally many items, or one more, and return them and the number of items.

    They are `count`; fewer where there are not as many items, and always one. Only an index is read, once.
    """
    total = tx.count_items_between(collection.id, span.after, span.last)
    parts = max(1, min(count, total))
    starts = [part * total // parts for part in range(parts)]
    edges = [span.after]
    for start, following in pairwise(starts):
        edges.append(tx.item_id_behind(collection.id, edges[-1], following - start))
    return [Span(*each) for each in pairwise([*edges, span.last])], total


def write_mark(collection: Collection, span: Span) -> str:
    """Return the mark at the end of a span."""
    return _opaque(collection.id, span.last)


def _read_mark(query: Mapping[str, str], name: str, collection: Collection) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        place, item_id = _numbers(text)
    except ValueError:
        place, item_id = -1, -1
    if place < 0 or not 0 <= item_id <= MAX_ID:
        raise invalid(f"{name!r}: {shorten(text)!r} is no mark that was given out here; take 'mark' as it is")
    if place != collection.id:
        raise invalid(f"{name!r}: the mark is of the collection {place}, not of this one, {collection.name!r}")
    return item_id


def write_cursor(number: int, span: Span) -> str:
    """Return the cursor of a page: its number, and what is left to be read from there."""
    return _opaque(number, span.after, span.last)


def read_cursor(text: str) -> tuple[int, Span]:
    """Return the number of a page, and what is left to be read from there."""
    try:
        number, after, last = _numbers(text)
    except ValueError:
        number, after, last = -1, -1, -1
    if number < 0 or not 0 <= after <= last <= MAX_ID:
        raise invalid(f"'cursor': {shorten(text)!r} was not given out here; follow '_links.next.href' as it is")
    return number, Span(after, last)


def _opaque(*numbers: int) -> str:
    return base64.urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


def _numbers(text: str) -> list[int]:
    padded = text + "=" * (-len(text) % 4)
    return [int(part) for part in base64.b64decode(padded, b"-_", validate=True).split(b".")]
