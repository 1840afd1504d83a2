"""Parts of a collection that can be read side by side, and what came in since the last reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from intempt_nb.api import endpoints
from intempt_nb.errors import DataError, RejectedError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.api.transport import Transport

__all__ = ["MOST_PARTS", "Ranges", "ranges_of"]

MOST_PARTS: Final = 1_000
"""Parts that are asked for at most: the sandbox has no more."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Where the parts of a collection begin: its items of one moment, each in one part; may be pickled.

    Items that come in later are in no part, those that are deleted meanwhile are missing. One that is overwritten stays
    in its part, with what it holds when that is read.

    Parameters
    ----------
    parts
        Where each begins, for ``Scan(…, start=…)``; at least one, and in the order of the whole. None is the first page
        of all: the one part of a server that does not divide its collections.
    total
        How many items the parts have together; None if the server does not say.
    later
        The mark behind the newest item, to have what came in since from a later `ranges_of`: opaque text of this
        collection, to be kept as long as one likes; None if the server has no marks.
    """

    parts: tuple[str | None, ...]
    total: int | None
    later: str | None


def ranges_of(
    transport: Transport, collection_id: str, count: int, after: str | None = None, until: str | None = None
) -> Ranges:
    """Ask a server to divide a collection into parts with equally many items.

    The sandbox does, with a parameter of its own; the documented API leads from page to page only, and then there is
    one part.

    Parameters
    ----------
    transport
        The connection.
    collection_id
        The collection.
    count
        How many parts at most, from 1; there are fewer if there are not as many items, and `MOST_PARTS` at most.
    after, until
        Marks: only what came in after the one, and up to the other. Between the same two marks there are always the
        same items, but for those that were deleted. None for all that there was and is. An item that is overwritten is
        not new.

    Raises
    ------
    DataError
        If `count` is no number of parts.
    RejectedError
        If the server takes a mark for none of this collection.
    TransportError
        If there are marks and the server does not know them, or its answer cannot be used.
    ApiError
        If the server cannot be used.
    """
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise DataError(f"count is {count!r}; expected a number of parts, 1 or more")
    marked = after is not None or until is not None
    try:
        body = endpoints.data_parts(transport, collection_id, min(count, MOST_PARTS), after=after, until=until)
    except RejectedError:
        if marked:
            raise
        body = None  # as a server may answer a parameter that it does not know
    links = {} if body is None else body.get("_links")
    if body is not None and isinstance(links, dict) and "parts" in links:
        return _read(body, links["parts"])
    if marked:
        raise TransportError(
            f"{transport.base_url} does not say what came in after a mark: read the whole collection instead"
        )
    return Ranges((None,), None if body is None else endpoints.total_of(body), None)


def _read(body: Mapping[str, Any], links: object) -> Ranges:
    hrefs = [each.get("href") if isinstance(each, dict) else None for each in links] if isinstance(links, list) else []
    parts = tuple(each for each in hrefs if isinstance(each, str))
    mark, page = body.get("mark"), body.get("page")
    total = page.get("totalElements") if isinstance(page, dict) else None
    if not parts or len(parts) != len(hrefs) or not isinstance(mark, str) or type(total) is not int or total < 0:
        raise TransportError("the parts of a collection: expected links, a mark and a number of items, found others")
    if len(set(parts)) < len(parts):
        raise TransportError("the parts of a collection: expected each once, found the same link twice")
    return Ranges(parts, total, mark)
