"""The items of a page, found without decoding them, and never in the wrong place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.wire.envelope import NotItems, PageEnd, Piece, Whole, cut_page
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

ITEM = {"collId": "7", "id": "1", "data": {"a": 'x"]},{"collId":"'}, "_links": {"self": {"href": "/1"}}}


def items_of(piece: Piece) -> list[Any]:
    items: list[Any] = json.loads(piece.items)
    assert json.loads(piece.text) == {"items": items}
    return items


def cut(page: Any, piece_size: int = 1, chunk: int = 1 << 20, **options: Any) -> tuple[list[Piece], PageEnd]:
    """Cut a page that can be; what the pieces hold must be its items."""
    body = page if isinstance(page, bytes) else json.dumps(page, **options).encode()
    chunks = [body[start : start + chunk] for start in range(0, len(body), chunk)]
    *pieces, end = cut_page(chunks, piece_size)
    assert isinstance(end, PageEnd)
    found = [each for each in pieces if isinstance(each, Piece)]
    assert len(found) == len(pieces)
    assert [item for piece in found for item in items_of(piece)] == json.loads(body)["_embedded"]["dataItemList"]
    return found, end


def test_the_next_page_is_read() -> None:
    page = {
        "_embedded": {"dataItemList": [ITEM, ITEM]},
        "_links": {"self": {"href": "/here"}, "next": {"href": "/there"}},
    }
    pieces, end = cut(page)
    assert (end.next, len(pieces), pieces[0].number_ids) == ("/there", 2, False)


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({}, None),
        ({"_links": None}, None),
        ({"_links": {"next": None}}, None),
        ({"_links": {"next": {"href": None}}}, None),
        ({"_links": {"next": [{"href": "/n"}]}}, None),
        ({"_links": {"next": {"href": "/n?a=]}"}}}, "/n?a=]}"),
    ],
)
def test_what_the_page_does_not_say_is_none(links: dict[str, Any], expected: str | None) -> None:
    assert cut({"_embedded": {"dataItemList": [ITEM]}, **links})[1].next == expected
    whole = json.dumps({"_embedded": {"dataItemList": []}, **links}).encode()
    assert [each.next for each in cut_page([whole]) if isinstance(each, PageEnd)] == [expected]


TRAP = '"_embedded":{"dataItemList":[{"collId":"7"},{"collId":"8"'


@pytest.mark.parametrize(
    "page",
    [
        {"note": TRAP, "_embedded": {"dataItemList": [ITEM]}, "more": TRAP},
        {"dataItemList": [{"collId": 0}], "_embedded": {"dataItemList": [ITEM, ITEM]}},
        {"x": {"_embedded": {"dataItemList": [{"a": 1}]}}, "_embedded": {"dataItemList": [ITEM]}},
        {"_links": {"curies": [{"collId": 1, "data": 1}, {"collId": 2}]}, "_embedded": {"dataItemList": [ITEM]}},
        {"_embedded": {"dataItemList": [ITEM]}, "_links": {"curies": [{"href": "]"}], "tags": [[], [{}]]}},
        {"_embedded": {"other": [[{"a": TRAP}], "]"], "dataItemList": [ITEM], "another": [{"collId": 1}]}},
        {"_embedded": {"dataItemList": [{**ITEM, "data": {"dataItemList": [{"collId": "1"}, {"collId": "2"}]}}] * 3}},
        {"_embedded": {"dataItemList": [{"id": n, "_embedded": [], "data": {"é": "ü"}} for n in range(5)]}},
        {"_embedded": {"dataItemList": [{"data": {}}, {"id": "2", "data": {}}, {"data": {}}]}},
        {"\\_embedded\"": 1, "_embedded": {"dataItemList": [ITEM]}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
def test_items_are_found_wherever_they_stand(page: dict[str, Any], options: dict[str, Any]) -> None:
    assert cut(page, **options)
    assert cut(page, piece_size=1000, **options)
    assert cut(dict(reversed(page.items())), **options)
    assert cut(page, chunk=7, **options)


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"_embedded":null}',
        b'{"_embedded":[]}',
        b'{"_embedded":{}}',
        b'{"_embedded":{"dataItemList":null}}',
        b'{"_embedded":{"dataItemList":[]}}',
        b'{"_embedded":{"dataItemList":[ ]},"page":{"totalElements":0}}',
        b'{"_embedded":{"dataItemList":[null]}}',
        b'{"_embedded":{"dataItemList":[[]]}}',
        b'{"_embedded":{"dataItemList":[{}]}}',
        b'{"_embedded":{"dataItemList":[{"id":1}',
        b'{"_embedded":{"dataItemList":[{"id":1}]',
        b'{"_embedded":{"dataItemList":[{"id":1}]}}}',
        b'{"_embedded":{"dataItemList":[{"id":1}]}} x',
        b'{"_embedded":{"dataItemList":[{"id":1}]},"page":{]}',
        b'{"_embedded":{"dataItemList":[{"id":1}]},"_embedded":{"dataItemList":[]}}',
        b'{"_embedded":{"dataItemList":[{"id":1}],"dataItemList":[{"id":2}]}}',
        b'\xef\xbb\xbf{"_embedded":{"dataItemList":[{"id":1}]}}',
        b'{"_embedded":{"dataItemList":[{"id":1}]},"x":"\xff"}',
        '{"_embedded":{"dataItemList":[{"id":1}]}}'.encode("utf-16"),
    ],
)
def test_what_cannot_be_told_is_left_alone(page: bytes) -> None:
    """Such a page is decoded as a whole, at once or because that is asked for; nothing of it is handed out before."""
    try:
        first = next(iter(cut_page([page], 1)))
    except (NotItems, DataError):
        return
    assert isinstance(first, Whole)
    assert first.page == json.loads(page.decode("utf-8-sig"), parse_int=str)


def test_a_list_inside_an_item_is_not_cut() -> None:
    """Objects that begin as items do are told from items by the ``data`` that these have."""
    inner = [{"id": str(n), "name": "x"} for n in range(50)]
    page = {"_embedded": {"dataItemList": [{"id": str(n), "data": {"parts": inner}} for n in range(20)]}}
    assert len(cut(page)[0]) == 20


@pytest.mark.parametrize("chunk", [1 << 20, 1500, 700, 64, 1])
def test_pieces_are_no_smaller_than_asked_however_the_page_arrives(chunk: int) -> None:
    pieces, _ = cut({"_embedded": {"dataItemList": [ITEM] * 100}}, piece_size=1000, chunk=chunk)
    sizes = [len(each.text) for each in pieces]
    assert len(sizes) > 5
    assert all(1000 <= size < 1000 + 2 * len(json.dumps(ITEM)) + 2 for size in sizes[:-1])


def test_pieces_come_before_the_page_has_arrived() -> None:
    body = json.dumps({"_embedded": {"dataItemList": [ITEM] * 100}}).encode()
    arrived: list[int] = []

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 500):
            arrived.append(start)
            yield body[start : start + 500]

    pieces = cut_page(chunks(), 1000)
    next(pieces)
    assert len(arrived) < 6
    assert len(list(pieces)) > 5


def test_the_end_of_a_page_that_is_not_json_is_seen() -> None:
    body = json.dumps({"_embedded": {"dataItemList": [ITEM] * 100}}).encode()
    for spoiled in (body[:-1], body[:-3], body[: len(body) // 2], body + b"x"):
        with pytest.raises(NotItems):
            list(cut_page([spoiled], 1000))


@pytest.mark.parametrize(("value", "expected"), [("17", True), ('"17"', False), ("null", False), ("-1", False)])
def test_the_first_item_tells_how_ids_are_written(value: str, expected: bool) -> None:
    body = b'{"_embedded":{"dataItemList":[{"data":{"id":[1]},"id":%b},{"data":{},"id":"x"}]}}' % value.encode()
    assert cut(body)[0][0].number_ids is expected


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([TRAP, "]}", '"', "\\", "[{"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "data", "_embedded", "dataItemList", "_links", "next", "href"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["id", "data", "x"]), ANY, min_size=1, max_size=3)),
    ANY,
    ANY,
    ANY,
    st.integers(1, 50),
)
def test_any_page_is_cut_into_its_items_or_left_alone(
    items: list[Any], before: Any, beside: Any, after: Any, chunk: int
) -> None:
    page = {"_links": before, "_embedded": {"x": beside, "dataItemList": items}, "page": after}
    for indent in (None, 1):
        body = json.dumps(page, indent=indent).encode()
        chunks = [body[start : start + chunk] for start in range(0, len(body), chunk)]
        found: list[Any] = []
        try:
            for each in cut_page(chunks, 1):
                if isinstance(each, Piece):
                    found += items_of(each)
                elif isinstance(each, Whole):
                    found += each.page["_embedded"]["dataItemList"]
        except (NotItems, ValueError):  # cut in an item's own list of items; the reader decodes the whole page then
            continue
        assert found == items
