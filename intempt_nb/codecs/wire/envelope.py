"""Where the items of a HAL page are, found without decoding them.

A page is ``{"_embedded": {"dataItemList": [item, …]}, "_links": {…}, "page": {…}}``, its keys in any order. Decoding a
large one only to reach its links costs several times its size, so what stands around the items is decoded and the items
stay bytes, in pieces that can be parsed at the same time.

Nothing here is trusted: `locate` answers only if the page with its items taken out is JSON and has the list where it
belongs. If then every piece is a JSON list too, the page is, and has one reading. A caller that meets a piece which is
not JSON decodes the whole page.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.wire.literals import Number, loads

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LIST", "Envelope", "links_of", "locate"]

LIST = ("_embedded", "dataItemList")
"""The keys that lead to the items."""

_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_TEXT + rb"|[\[\]{}]", re.DOTALL)
_KEY = re.compile(rb"[\s,]*(" + _TEXT + rb")\s*:\s*", re.DOTALL)
_SCALAR = re.compile(_TEXT + rb"|[^\s,\]}]*", re.DOTALL)
_OPENING = re.compile(rb'\s*\{\s*("[^"\\]*")\s*:')
_SPACE = re.compile(rb"\s*")
_TAKEN_OUT = "items were here"
_FIRST_WINDOW = 1 << 16


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around the items of a page, and where they are.

    Parameters
    ----------
    next
        The address of the next page, None on the last.
    total
        How many items all pages have, None if the page does not say.
    pieces
        Byte ranges ``(start, stop)``, each a run of items with commas between them, in order and without gaps.
    number_ids
        Whether the first item's ``id`` is a number rather than text.
    """

    next: str | None
    total: int | None
    pieces: list[tuple[int, int]]
    number_ids: bool


def links_of(page: dict[str, Any]) -> tuple[str | None, int | None]:
    """Return the ``href`` of the next page and the number of all items, each None if the page does not say.

    Parameters
    ----------
    page
        As :func:`intempt_nb.codecs.wire.literals.loads` gives it.
    """
    links, paging = page.get("_links"), page.get("page")
    link = links.get("next") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    total = paging.get("totalElements") if isinstance(paging, dict) else None
    count = int(total) if isinstance(total, Number) and total.isdigit() and len(total) < 19 else None
    return href if type(href) is str else None, count


def locate(body: bytes, piece_size: int) -> Envelope | None:
    """Find the items of a page.

    Parameters
    ----------
    body
        The page.
    piece_size
        How many bytes a piece has at least, the last one aside.

    Returns
    -------
    Envelope or None
        None if the page has no items, or is laid out in a way that only decoding all of it can tell.
    """
    start = _list_start(body)
    opening = _OPENING.match(body, start) if start is not None else None
    if start is None or opening is None:
        return None
    # Two items meet at such bytes, and no JSON text can hold them: a quote inside a text has a backslash before it.
    border = re.compile(rb"\}\s*,\s*(\{\s*" + re.escape(opening[1]) + rb"\s*:)")
    stop = _list_stop(body, start, border)
    if stop is None:
        return None
    try:
        page = loads((b'%b"%b"%b' % (body[:start], _TAKEN_OUT.encode(), body[stop:])).decode())
        found = page[LIST[0]][LIST[1]]
    except (ValueError, TypeError, LookupError):
        return None
    if found != [_TAKEN_OUT]:
        return None
    first = _after_space(body, start)
    return Envelope(*links_of(page), _pieces(body, start, stop, border, piece_size), _has_number_id(body, first))


def _list_start(body: bytes) -> int | None:
    """Return where the first item would begin: behind the ``[`` of the list."""
    at = _after_space(body, 0)
    for name in LIST:
        if body[at : at + 1] != b"{":
            return None
        found = next((value for key, value in _members(body, at) if key == name), None)
        if found is None:
            return None
        at = found
    return at + 1 if body[at : at + 1] == b"[" else None


def _list_stop(body: bytes, start: int, border: re.Pattern[bytes]) -> int | None:
    """Return where the list's ``]`` is, reading only from the last item on."""
    closing = _closing(body, _last_item(body, start, border), 1)
    return closing.start() if closing else None


def _last_item(body: bytes, start: int, border: re.Pattern[bytes]) -> int:
    """Return where the last item begins, so far as `border` tells; `start` if it does not."""
    window = _FIRST_WINDOW
    while True:
        begin = max(start, len(body) - window)
        for found in reversed(list(border.finditer(body, begin))):
            if _is_item(body, found.start(1)):
                return found.start(1)
        if begin == start:
            return start
        window *= 8


def _pieces(body: bytes, start: int, stop: int, border: re.Pattern[bytes], piece_size: int) -> list[tuple[int, int]]:
    pieces = []
    search = start + piece_size
    while search < stop and (found := border.search(body, search, stop)):
        if _is_item(body, found.start(1)):
            pieces.append((start, found.start() + 1))
            start = found.start(1)
            search = start + piece_size
        else:
            search = found.end()
    return [*pieces, (start, stop)]


def _has_number_id(body: bytes, at: int) -> bool:
    return any(key == "id" and body[value : value + 1].isdigit() for key, value in _members(body, at))


def _is_item(body: bytes, at: int) -> bool:
    """Return whether the object has a ``data`` member, which tells an item from an object inside an item."""
    return any(key == "data" for key, _ in _members(body, at))


def _members(body: bytes, at: int) -> Iterator[tuple[str, int]]:
    """Yield each member of the object that begins at `at`: the key, and where its value begins."""
    at += 1
    while key := _KEY.match(body, at):
        yield _decode(key[1]), key.end()
        at = _value_stop(body, key.end())


def _decode(key: bytes) -> str:
    try:
        return str(json.loads(key))
    except ValueError:
        return ""


def _value_stop(body: bytes, at: int) -> int:
    """Return where the value that begins at `at` is over."""
    if body[at : at + 1] not in (b"{", b"["):
        found = _SCALAR.match(body, at)
        return found.end() if found else at
    closing = _closing(body, at, 0)
    return closing.end() if closing else len(body)


def _closing(body: bytes, at: int, depth: int) -> re.Match[bytes] | None:
    """Return the bracket that closes the last of `depth` open ones and those opened from `at` on."""
    for token in _TOKEN.finditer(body, at):
        if token[0] in b"[{":
            depth += 1
        elif token[0] in b"]}":
            depth -= 1
            if depth == 0:
                return token
    return None


def _after_space(body: bytes, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at
