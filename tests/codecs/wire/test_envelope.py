"""The items of a page, found without decoding them, and never in the wrong place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.codecs.wire.envelope import Envelope, locate

ITEM = {"collId": "7", "id": "1", "data": {"a": 'x"]},{"collId":"'}, "_links": {"self": {"href": "/1"}}}


def items_of(body: bytes, envelope: Envelope) -> list[Any]:
    return [item for start, stop in envelope.pieces for item in json.loads(b"[%b]" % body[start:stop])]


def located(page: Any, piece_size: int = 1, **options: Any) -> Envelope | None:
    body = page if isinstance(page, bytes) else json.dumps(page, **options).encode()
    envelope = locate(body, piece_size)
    if envelope is not None:
        assert items_of(body, envelope) == json.loads(body)["_embedded"]["dataItemList"]
    return envelope


def test_links_and_total_are_read() -> None:
    page = {
        "_embedded": {"dataItemList": [ITEM, ITEM]},
        "_links": {"self": {"href": "/here"}, "next": {"href": "/there"}},
        "page": {"size": 2, "totalElements": 12, "totalPages": 6, "number": 0},
    }
    found = located(page)
    assert found is not None
    assert (found.next, found.total, len(found.pieces), found.number_ids) == ("/there", 12, 2, False)


@pytest.mark.parametrize(
    ("around", "expected"),
    [
        ({}, (None, None)),
        ({"_links": None, "page": None}, (None, None)),
        ({"_links": {"next": None}, "page": {"totalElements": None}}, (None, None)),
        ({"_links": {"next": {"href": None}}, "page": {"totalElements": "12"}}, (None, None)),
        ({"_links": {"next": [{"href": "/n"}]}, "page": {"totalElements": True}}, (None, None)),
        ({"_links": {"next": {"href": "/n?a=]}"}}, "page": {"totalElements": 0}}, ("/n?a=]}", 0)),
    ],
)
def test_what_the_page_does_not_say_is_none(around: dict[str, Any], expected: tuple[str | None, int | None]) -> None:
    found = located({"_embedded": {"dataItemList": [ITEM]}, **around})
    assert found is not None
    assert (found.next, found.total) == expected


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
    assert located(page, **options) is not None
    assert located(page, piece_size=1000, **options) is not None
    assert located(dict(reversed(page.items())), **options) is not None


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
    assert locate(page, 1) is None


def test_a_list_inside_an_item_is_not_cut() -> None:
    """Objects that begin as items do are told from items by the ``data`` that these have."""
    inner = [{"id": str(n), "name": "x"} for n in range(50)]
    page = {"_embedded": {"dataItemList": [{"id": str(n), "data": {"parts": inner}} for n in range(20)]}}
    found = located(page)
    assert found is not None
    assert len(found.pieces) == 20


def test_pieces_are_no_smaller_than_asked() -> None:
    body = json.dumps({"_embedded": {"dataItemList": [ITEM] * 100}}).encode()
    found = locate(body, 1000)
    assert found is not None
    sizes = [stop - start for start, stop in found.pieces]
    assert len(sizes) > 5
    assert all(1000 <= size < 1000 + len(json.dumps(ITEM)) + 2 for size in sizes[:-1])


@pytest.mark.parametrize(("value", "expected"), [("17", True), ('"17"', False), ("null", False), ("-1", False)])
def test_the_first_item_tells_how_ids_are_written(value: str, expected: bool) -> None:
    body = b'{"_embedded":{"dataItemList":[{"data":{"id":[1]},"id":%b},{"data":{},"id":"x"}]}}' % value.encode()
    found = locate(body, 1)
    assert found is not None
    assert found.number_ids is expected


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


@given(st.lists(st.dictionaries(st.sampled_from(["id", "data", "x"]), ANY, min_size=1, max_size=3)), ANY, ANY, ANY)
def test_any_page_is_cut_into_its_items_or_left_alone(items: list[Any], before: Any, beside: Any, after: Any) -> None:
    page = {"_links": before, "_embedded": {"x": beside, "dataItemList": items}, "page": after}
    for indent in (None, 1):
        body = json.dumps(page, indent=indent).encode()
        envelope = locate(body, 1)
        if envelope is None:
            continue
        try:
            found = items_of(body, envelope)
        except ValueError:  # cut in an item's own list of items; the reader decodes the whole page then
            continue
        assert found == items
