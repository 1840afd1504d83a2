"""Where the items of a HAL page are, found while it arrives and without decoding them.

A page is ``{"_embedded": {"dataItemList": [item, …]}, "_links": {…}, "page": {…}}``, its keys in any order. Decoding a
large one only to reach its links costs several times its size, so what stands around the items is decoded and the items
stay bytes, in pieces that can be parsed at the same time.

Nothing here is trusted: the page with its items taken out must be JSON and have the list where it belongs. If then
every piece is a JSON list too, the page is, and has one reading. Whoever meets a piece which is not JSON raises
`NotItems`, and the whole page has to be decoded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.wire.exact import decode
from intempt_nb.codecs.wire.literals import loads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LIST", "NotItems", "PageEnd", "Piece", "Whole", "cut_page", "decode_page", "split_piece"]

LIST = ("_embedded", "dataItemList")
"""The keys that lead to the items."""

PIECE_BYTES = 2 << 20
_BEFORE, _AFTER = b'{"items":[', b"]}"
_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_TOKEN = re.compile(_TEXT + rb"|([\[{])|([\]}])", re.DOTALL)
_KEY = re.compile(rb"[\s,]*(" + _TEXT + rb")\s*:\s*", re.DOTALL)
_SCALAR = re.compile(_TEXT + rb"|[^\s,\]}]*", re.DOTALL)
_OPENING = re.compile(rb'\s*\{\s*("[^"\\]*")\s*:')
_SPACE = re.compile(rb"\s*")
_TAKEN_OUT = "items were here"
_LONGEST_HEAD = 1 << 20
_FIRST_WINDOW = 1 << 16


class NotItems(Exception):  # noqa: N818 - it tells, and never leaves this package
    """A piece is not JSON, so either the page is not or it was cut in the wrong place."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some items of a page.

    Parameters
    ----------
    text
        JSON, unless the page is not or was cut in the wrong place: ``{"items":[item, …]}``.
    number_ids
        Whether the page's first item has a number as its ``id`` rather than text.
    """

    text: bytearray
    number_ids: bool

    @property
    def items(self) -> bytes:
        """The JSON of the items as a list."""
        return bytes(self.text[len(_BEFORE) - 1 : -1])


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A page of which only decoding all of it can tell the items."""

    page: Any


@dataclass(frozen=True, slots=True)
class PageEnd:
    """All of a page was cut; `next` is the address of the next one, None on the last."""

    next: str | None


def cut_page(chunks: Iterable[bytes | memoryview], piece_size: int = PIECE_BYTES) -> Iterator[Piece | Whole | PageEnd]:
    """Cut a page into pieces while it arrives.

    Parameters
    ----------
    chunks
        The page.
    piece_size
        How many bytes a piece has about, the last one aside.

    Yields
    ------
    Piece or PageEnd
        The pieces in order, and the end; or one `Whole` alone if the page has no items or is laid out in another way.

    Raises
    ------
    NotItems
        If what stands around the items is not JSON, or is not around them: `decode_page` then has to look.
    DataError
        As `decode_page`.
    """
    arriving = iter(chunks)
    text = bytearray()
    opening = None
    while opening is None and len(text) <= _LONGEST_HEAD and (chunk := next(arriving, None)) is not None:
        text += chunk
        start = _list_start(text)
        opening = _OPENING.match(text, start) if start is not None else None
    if opening is None:
        yield from decode_page(chain((bytes(text),), arriving))
        return
    # Two items meet at such bytes, and no JSON text can hold them: a quote inside a text has a backslash before it.
    border = re.compile(rb"\}\s*,\s*(\{\s*" + re.escape(opening[1]) + rb"\s*:)")
    head, text[: opening.start()] = bytes(text[: opening.start()]), _BEFORE
    number_ids = _has_number_id(text, _after_space(text, len(_BEFORE)))
    search = piece_size
    for chunk in chain((b"",), arriving):
        text += chunk
        while (found := _border_of_items(text, border, search)) is not None:
            rest = bytearray(_BEFORE) + text[found.start(1) :]
            del text[found.start() + 1 :]
            text += _AFTER
            yield Piece(text, number_ids)
            text, search = rest, piece_size
        search = max(search, len(text) - _FIRST_WINDOW)
    stop = _list_stop(text, len(_BEFORE), border)
    page = None if stop is None else _page_without_items(head, bytes(text[stop:]))
    if page is None:
        raise NotItems
    del text[stop:]
    text += _AFTER
    yield Piece(text, number_ids)
    yield PageEnd(_next(page))


def split_piece(piece: Piece, parts: int) -> list[Piece]:
    """Cut a piece into about as many smaller ones as `parts` says, where it has borders for them.

    Raises
    ------
    NotItems
        If the piece is not JSON.
    """
    page = b'{"%b":{"%b":%b}}' % (LIST[0].encode(), LIST[1].encode(), piece.items)
    return [each for each in cut_page([page], len(page) // parts) if isinstance(each, Piece)]


def decode_page(chunks: Iterable[bytes | memoryview]) -> Iterator[Whole | PageEnd]:
    """Decode a page: yield it, and its end.

    Raises
    ------
    DataError
        If it is not JSON in UTF-8.
    """
    page = decode(b"".join(chunks))
    yield Whole(page)
    yield PageEnd(_next(page))


def _next(page: Any) -> str | None:
    """Return the ``href`` of the next page, None if the page does not say."""
    links = page.get("_links") if isinstance(page, dict) else None
    link = links.get("next") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    return href if type(href) is str else None


def _page_without_items(head: bytes, tail: bytes) -> dict[str, Any] | None:
    """Return what stands around the items; None if it is not JSON, or the list is not where it belongs."""
    try:
        page: dict[str, Any] = loads((b'%b"%b"%b' % (head, _TAKEN_OUT.encode(), tail)).decode())
        found = page[LIST[0]][LIST[1]]
    except (ValueError, TypeError, LookupError):
        return None
    return page if found == [_TAKEN_OUT] else None


def _border_of_items(text: bytearray, border: re.Pattern[bytes], search: int) -> re.Match[bytes] | None:
    """Return the first border between two items from `search` on."""
    while found := border.search(text, search):
        if _is_item(text, found.start(1)):
            return found
        search = found.end()
    return None


def _list_start(body: bytearray) -> int | None:
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


def _list_stop(body: bytearray, start: int, border: re.Pattern[bytes]) -> int | None:
    """Return where the list's ``]`` is, reading only from the last item on."""
    closing = _closing(body, _last_item(body, start, border), 1)
    return closing.start() if closing else None


def _last_item(body: bytearray, start: int, border: re.Pattern[bytes]) -> int:
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


def _has_number_id(body: bytearray, at: int) -> bool:
    return any(key == "id" and body[value : value + 1].isdigit() for key, value in _members(body, at))


def _is_item(body: bytearray, at: int) -> bool:
    """Return whether the object has a ``data`` member, which tells an item from an object inside an item."""
    return any(key == "data" for key, _ in _members(body, at))


def _members(body: bytearray, at: int) -> Iterator[tuple[str, int]]:
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


def _value_stop(body: bytearray, at: int) -> int:
    """Return where the value that begins at `at` is over."""
    if bytes(body[at : at + 1]) not in (b"{", b"["):
        found = _SCALAR.match(body, at)
        return found.end() if found else at
    closing = _closing(body, at, 0)
    return closing.end() if closing else len(body)


def _closing(body: bytearray, at: int, depth: int) -> re.Match[bytes] | None:
    """Return the bracket that closes the last of `depth` open ones and those opened from `at` on."""
    for token in _TOKEN.finditer(body, at):
        if token.lastindex == 1:
            depth += 1
        elif token.lastindex == 2:
            depth -= 1
            if depth == 0:
                return token
    return None


def _after_space(body: bytearray, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at
