"""What a refused request says of its items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.display import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.errors import RejectedError

__all__ = ["named_items"]


def named_items(error: RejectedError, counts: Mapping[str, int]) -> dict[tuple[str, int], tuple[str | None, str]]:
    """Return the items that a refusal names, if the server's answer has such a list.

    Parameters
    ----------
    error
        The refusal.
    counts
        How many items of each collection were in the request.

    Returns
    -------
    dict
        Collection and index → field, which may be None, and the server's message; the first of each item.
    """
    listed = error.body.get("errors")
    named: dict[tuple[str, int], tuple[str | None, str]] = {}
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict):
            continue
        collection, index, path = each.get("collection"), each.get("index"), each.get("field")
        if not isinstance(collection, str) or not isinstance(index, int) or (collection, index) in named:
            continue
        if 0 <= index < counts.get(collection, 0):
            message = shorten(each.get("message", error.message), 300)
            named[collection, index] = (path if isinstance(path, str) else None, message)
    return named
