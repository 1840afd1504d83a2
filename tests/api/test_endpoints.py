from __future__ import annotations

import json

import pytest

from intempt_nb.api import endpoints
from intempt_nb.errors import DataError, DeliveryUnknownError, TransportError

SOURCE = {"id": "11", "name": "web", "type": "js"}
RELATION = {"id": "31", "name": "r", "identifierId": "21", "type": "many_to_one"}
ITEM = {"collId": "1", "id": "2", "data": {"a": 1}, "matches": []}


def page(name, *items, next_href=None):
    links = {"next": {"href": next_href}} if next_href else {}
    return {"_embedded": {name: list(items)}, "_links": links}


def last(server):
    return server.requests[-1]


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (lambda t: endpoints.get_root(t), "/v1/OrgABC/"),
        (lambda t: endpoints.list_sources(t), "/v1/OrgABC/sources"),
        (lambda t: endpoints.list_sources(t, name="a b"), "/v1/OrgABC/sources?name=a+b"),
        (lambda t: endpoints.list_collections(t), "/v1/OrgABC/collections"),
        (lambda t: endpoints.list_collections(t, "c", "1"), "/v1/OrgABC/collections?name=c&sourceId=1"),
        (lambda t: endpoints.list_source_collections(t, "1"), "/v1/OrgABC/sources/1/collections"),
        (lambda t: endpoints.list_identifiers(t, "1"), "/v1/OrgABC/collections/1/identifiers"),
        (lambda t: endpoints.list_relations(t), "/v1/OrgABC/relations"),
        (lambda t: endpoints.list_relations(t, "1"), "/v1/OrgABC/relations?collId=1"),
        (lambda t: b"".join(endpoints.data_page(t, "1")), "/v1/OrgABC/collections/1/data"),
        (lambda t: b"".join(endpoints.data_page(t, "1", limit=5)), "/v1/OrgABC/collections/1/data?limit=5"),
        (lambda t: b"".join(endpoints.data_page(t, "1", next_href="/v1/O/c?n=1", limit=5)), "/v1/O/c?n=1"),
    ],
)
def test_reads(call, target, server, transport):
    assert call(transport) in ({}, [], b"{}")
    assert (last(server).method, last(server).target, last(server).body) == ("GET", target, b"")


class TestOneThing:
    def test_source(self, server, transport):
        server.answer(SOURCE)
        assert endpoints.get_source(transport, "11").name == "web"
        assert last(server).target == "/v1/OrgABC/sources/11"

    def test_collection(self, server, transport, payload):
        server.answer(payload("collection"))
        assert endpoints.get_collection(transport, "98092788222918656").kind == "event"
        assert last(server).target == "/v1/OrgABC/collections/98092788222918656"

    def test_identifier(self, server, transport, payload):
        server.answer(payload("identifier_foreign"))
        assert endpoints.get_identifier(transport, "7").reference_id == "98124356064772096"
        assert last(server).target == "/v1/OrgABC/identifiers/7"

    def test_item(self, server, transport):
        server.answer(ITEM)
        assert endpoints.get_item(transport, "1", "a/b c").data == {"a": 1}
        assert last(server).target == "/v1/OrgABC/collections/1/data/a%2Fb%20c"

    @pytest.mark.parametrize("bad", ["", ".", ".."])
    def test_an_id_that_would_be_another_path_is_not_sent(self, bad, server, transport):
        with pytest.raises(DataError, match="is not an id"):
            endpoints.get_collection(transport, bad)
        assert server.requests == []


class TestLists:
    def test_follow_next(self, server, transport):
        server.answer(
            page("sources", SOURCE, next_href=f"{server.url}/v1/OrgABC/sources?cursor=2"),
            page("sources", SOURCE | {"id": "12"}, next_href="/v1/OrgABC/sources?cursor=3"),
            page("sources", SOURCE | {"id": "13"}),
        )
        assert [each.id for each in endpoints.list_sources(transport)] == ["11", "12", "13"]
        assert [each.target for each in server.requests] == [
            "/v1/OrgABC/sources",
            "/v1/OrgABC/sources?cursor=2",
            "/v1/OrgABC/sources?cursor=3",
        ]

    def test_stop_at_a_circle(self, server, transport):
        server.answer(page("sources", SOURCE, next_href="/v1/OrgABC/sources?cursor=2"))
        with pytest.raises(TransportError, match="in a circle"):
            endpoints.list_sources(transport)
        assert len(server.requests) == 2

    def test_do_not_follow_a_foreign_next(self, server, foreign, transport):
        server.answer(page("collections", next_href=f"{foreign.url}/v1/OrgABC/collections"))
        with pytest.raises(TransportError, match="the API key belongs to"):
            endpoints.list_collections(transport)
        with pytest.raises(TransportError, match="the API key belongs to"):
            next(endpoints.data_page(transport, "1", next_href=f"{foreign.url}/v1/OrgABC/x"))
        assert foreign.requests == []

    def test_read_their_items(self, server, transport, payload):
        server.answer(page("collections", payload("collection")))
        assert endpoints.list_source_collections(transport, "1")[0].name == "flight-booking"
        server.replies.clear()
        server.answer(page("identifiers", payload("identifier_primary"), payload("identifier_foreign")))
        assert [each.type for each in endpoints.list_identifiers(transport, "1")] == ["primary", "foreign"]
        server.replies.clear()
        server.answer(page("relations", RELATION))
        assert endpoints.list_relations(transport)[0].identifier_id == "21"


class TestCreate:
    def test_collection_as_the_seed_has_it(self, server, transport, payload):
        wanted = payload("collection_request")
        server.answer(payload("collection"))
        made = endpoints.create_collection(transport, wanted["sourceId"], wanted["name"], wanted["schema"], "event")
        assert made.id == "98092788222918656"
        assert (last(server).method, last(server).target) == ("POST", "/v1/OrgABC/collections")
        assert last(server).json == wanted
        assert json.dumps(last(server).json["schema"]) == json.dumps(wanted["schema"])
        assert last(server).headers["content-type"] == "application/json"

    @pytest.mark.parametrize(
        ("kind", "profile", "event"),
        [("profile", True, False), ("event", False, True), ("attribute", False, False)],
    )
    def test_collection_kinds(self, kind, profile, event, server, transport, payload):
        server.answer(payload("collection"))
        endpoints.create_collection(transport, "1", "c", {}, kind, title="C")
        assert last(server).json == {
            "sourceId": "1", "name": "c", "title": "C", "profile": profile, "event": event, "schema": {},
        }  # fmt: skip

    @pytest.mark.parametrize("name", ["identifier_primary", "identifier_foreign"])
    def test_identifiers_as_the_seed_has_them(self, name, server, transport, payload):
        wanted = payload(f"{name}_request")
        reference = wanted.get("referenceId")
        server.answer(payload(name))
        made = endpoints.create_identifier(
            transport,
            wanted["collId"],
            wanted["type"],
            wanted["name"],
            wanted["schema"],
            reference_id=None if reference is None else str(reference),
        )
        assert made.name == wanted["name"]
        assert (last(server).method, last(server).target) == ("POST", "/v1/OrgABC/identifiers")
        assert last(server).json == wanted

    @pytest.mark.parametrize("reference", ["a1", "007", "٣", "-5"])
    def test_a_reference_that_a_number_would_change_is_sent_as_text(self, reference, server, transport, payload):
        server.answer(payload("identifier_foreign"))
        endpoints.create_identifier(transport, "1", "foreign", "f", {}, reference_id=reference)
        assert last(server).json["referenceId"] == reference

    def test_relation(self, server, transport):
        server.answer(RELATION)
        assert endpoints.create_relation(transport, "r", "21", "many_to_one").id == "31"
        assert last(server).json == {"name": "r", "identifierId": "21", "type": "many_to_one"}

    def test_source(self, server, transport):
        server.answer(SOURCE)
        assert endpoints.create_source(transport, "web", "js", title="Web").id == "11"
        assert last(server).json == {"name": "web", "type": "js", "title": "Web"}

    @pytest.mark.parametrize(
        "create",
        [
            lambda t: endpoints.create_collection(t, "1", "c", {}, "event"),
            lambda t: endpoints.create_identifier(t, "1", "primary", "p", {}),
            lambda t: endpoints.create_relation(t, "r", "1", "one_to_many"),
            lambda t: endpoints.create_source(t, "s", "api"),
            lambda t: endpoints.post_item(t, "1", {}),
            lambda t: endpoints.delete_item(t, "1", "2"),
        ],
    )
    def test_nothing_is_created_twice(self, create, server, transport, reply):
        server.answer(reply(action="drop"))
        with pytest.raises(DeliveryUnknownError):
            create(transport)
        assert len(server.requests) == 1


class TestChange:
    def test_update_collection(self, server, transport, payload):
        server.answer(payload("collection"))
        endpoints.update_collection(transport, "9", "1", "c", {"type": "record"}, "profile")
        assert (last(server).method, last(server).target) == ("PUT", "/v1/OrgABC/collections/9")
        assert last(server).json == {
            "sourceId": "1", "name": "c", "profile": True, "event": False, "schema": {"type": "record"},
        }  # fmt: skip

    def test_delete_returns_what_was_deleted(self, server, transport, payload, reply):
        server.answer(SOURCE, payload("collection"), ITEM, reply(status=204, body=b""))
        assert endpoints.delete_source(transport, "11").id == "11"
        assert endpoints.delete_collection(transport, "9").name == "flight-booking"
        assert endpoints.delete_item(transport, "1", "2").data == {"a": 1}
        assert endpoints.delete_item(transport, "1", "2") is None
        assert [f"{each.method} {each.target}" for each in server.requests] == [
            "DELETE /v1/OrgABC/sources/11",
            "DELETE /v1/OrgABC/collections/9",
            "DELETE /v1/OrgABC/collections/1/data/2",
            "DELETE /v1/OrgABC/collections/1/data/2",
        ]


class TestData:
    def test_post_item(self, server, transport):
        server.answer(ITEM)
        assert endpoints.post_item(transport, "1", {"a": 1}).id == "2"
        assert (last(server).target, last(server).json) == ("/v1/OrgABC/collections/1/data", {"a": 1})

    def test_post_item_with_a_key_is_repeated(self, server, transport, reply):
        server.answer(reply(action="drop"), ITEM)
        assert endpoints.post_item(transport, "1", {"a": 1}, idempotent=True).id == "2"

    def test_bulk_bytes_arrive_and_come_back_as_they_are(self, server, transport, reply):
        body = b'{ "flight-booking":[{"a":1.50,"b":"\xc3\xa9"}]\n}'
        server.answer(reply(body=b' {"_embedded": {"data": []}}'))
        answer = transport.attempt(endpoints.source_data_path("7"), body)
        assert answer.body == b' {"_embedded": {"data": []}}'
        assert (last(server).target, last(server).body) == ("/v1/OrgABC/sources/7/data", body)

    def test_page_comes_as_it_is(self, server, transport, reply):
        server.answer(reply(body=b'{"_embedded": {"dataItemList": [ ] } }'))
        assert b"".join(endpoints.data_page(transport, "1")) == b'{"_embedded": {"dataItemList": [ ] } }'


class TestCounts:
    @pytest.mark.parametrize(
        ("answer", "count"),
        [
            (page("dataItemList", ITEM, next_href="/v1/O/c?n=1") | {"page": {"totalElements": 50_000}}, 50_000),
            (page("dataItemList", ITEM, ITEM), 2),
            (page("dataItemList", ITEM, next_href="/v1/O/c?n=1"), None),
            (page("dataItemList", *[ITEM | {"data": {"a": "x" * 100_000}}] * 20), None),
        ],
    )
    def test_a_page_tells_how_many_items_there_are_or_it_is_not_read_on(self, answer, count, server, transport):
        server.answer(answer)
        assert endpoints.count_items(transport, "1") == count
        assert last(server).target == "/v1/OrgABC/collections/1/data?limit=1"
        assert len(server.requests) == 1


class TestParts:
    def test_the_answer_comes_as_it_is(self, server, transport):
        answer = {"_links": {"parts": [{"href": "/v1/O/c?n=1"}]}, "mark": "m"}
        server.answer(answer)
        assert endpoints.data_parts(transport, "1", 8, until="m") == answer
        assert last(server).target == "/v1/OrgABC/collections/1/data?parts=8&limit=1&until=m"

    def test_all_items_in_answer_to_it_are_not_read(self, server, transport):
        server.answer(page("dataItemList", *[ITEM | {"data": {"a": "x" * 100_000}}] * 20))
        assert endpoints.data_parts(transport, "1", 8) is None
        assert len(server.requests) == 1
