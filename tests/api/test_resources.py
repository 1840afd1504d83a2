from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intempt_nb.api.resources import Collection, DataItem, Identifier, Link, Relation, Source, embedded, read_links
from intempt_nb.errors import TransportError

SOURCE = {"id": "98091578149437440", "name": "mywebsource"}
RELATION = {"id": 5, "name": "r", "identifierId": 98128081101651968, "type": "many_to_one"}
ITEM = {"collId": "1", "id": "2", "data": {"a": 1}}


def collection(**changes):
    return {"id": "1", "sourceId": "2", "name": "c", "schema": {"type": "record"}} | changes


class TestIds:
    @given(st.integers(0, 10**19), st.booleans())
    def test_numbers_and_texts_give_the_same_text(self, number, as_text):
        wire = json.loads(json.dumps({"id": str(number) if as_text else number, "name": "s"}))
        assert Source.from_json(wire).id == str(number)

    @pytest.mark.parametrize("value", [9.809157814943744e16, 1.0, True, "", [], {}])
    def test_what_is_no_id_is_refused(self, value):
        with pytest.raises(TransportError, match=r"source: 'id' is to be an id .* found"):
            Source.from_json(SOURCE | {"id": value})


class TestCollection:
    def test_of_the_seed(self, payload):
        got = Collection.from_json(payload("collection"))
        assert (got.id, got.source_id, got.name) == ("98092788222918656", "98091578149437440", "flight-booking")
        assert (got.source_name, got.source_title, got.title, got.org_id) == ("mywebsource", "myWebSource", None, None)
        assert got.schema_json == payload("collection")["schema"]
        assert list(got.links) == ["self", "source", "data", "identifiers", "relations"]
        assert got.links["relations"].href.endswith("/relations?collId=98092788222918656")
        assert hash(got) == hash(Collection.from_json(payload("collection")))

    @pytest.mark.parametrize(
        ("flags", "kind"),
        [
            ({"profile": True, "event": False}, "profile"),
            ({"profile": False, "event": True}, "event"),
            ({"profile": False, "event": False}, "attribute"),
            ({"profile": None}, "attribute"),
            ({}, "attribute"),
        ],
    )
    def test_kind(self, flags, kind):
        assert Collection.from_json(collection(**flags)).kind == kind

    def test_a_flag_must_be_one(self):
        with pytest.raises(TransportError, match="collection: 'event' is to be true or false, found str 'yes'"):
            Collection.from_json(collection(event="yes"))


class TestOthers:
    def test_identifiers_of_the_seed(self, payload):
        primary = Identifier.from_json(payload("identifier_primary"))
        foreign = Identifier.from_json(payload("identifier_foreign"))
        assert (primary.type, primary.name, primary.reference_id) == ("primary", "profileId", None)
        assert (foreign.type, foreign.coll_id) == ("foreign", "98092788222918656")
        assert foreign.reference_id == primary.id == "98124356064772096"

    def test_relation(self):
        got = Relation.from_json(RELATION | {"collId": 7})
        assert (got.id, got.identifier_id, got.coll_id) == ("5", "98128081101651968", "7")

    def test_source(self):
        got = Source.from_json(SOURCE | {"type": "js", "active": False, "unknown": 1})
        assert (got.type, got.active, got.title) == ("js", False, None)

    def test_item(self):
        got = DataItem.from_json(ITEM | {"matches": ["3"], "updated": 1590000000000})
        assert (got.data, got.matches, got.updated) == ({"a": 1}, ("3",), 1590000000000)
        assert DataItem.from_json(ITEM).matches == ()

    @pytest.mark.parametrize(
        ("kind", "value", "key"),
        [
            (Source, SOURCE, "name"),
            (Collection, collection(), "schema"),
            (Identifier, {"id": "1", "collId": "2", "type": "t", "name": "n", "schema": {}}, "collId"),
            (Relation, RELATION, "identifierId"),
            (DataItem, ITEM, "data"),
        ],
    )
    def test_a_missing_key_is_named_with_those_there_are(self, kind, value, key):
        assert kind.from_json(value)
        with pytest.raises(TransportError, match=rf"'{key}' is missing .* it has: .*id"):
            kind.from_json({name: each for name, each in value.items() if name != key})

    @pytest.mark.parametrize("value", [None, [], "text", 5])
    def test_other_json_is_refused(self, value):
        with pytest.raises(TransportError, match="source: expected a JSON object, found"):
            Source.from_json(value)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["id", "name", "data", "collId", "_links"]), inner)
            ),
        )
    )
    def test_whatever_comes_the_error_is_ours(self, value):
        for kind in (Source, Collection, Identifier, Relation, DataItem):
            with contextlib.suppress(TransportError):
                kind.from_json(value)


class TestHal:
    def test_embedded(self):
        assert embedded({"_embedded": {"sources": [1, 2]}}, "sources") == [1, 2]

    @pytest.mark.parametrize("body", [{}, {"_embedded": None}, {"_embedded": {}}, {"_embedded": {"others": [1]}}])
    def test_embedded_without_the_list(self, body):
        assert embedded(body, "sources") == []

    @pytest.mark.parametrize("holder", ["x", 5, {"sources": {"a": 1}}])
    def test_embedded_of_another_form(self, holder):
        with pytest.raises(TransportError, match=r"_embedded\.sources: expected a list"):
            embedded({"_embedded": holder}, "sources")

    def test_links(self):
        body = {
            "_links": {
                "self": {"href": "/a"},
                "find": {"href": "/b{?name}", "templated": True},
                "many": [{"href": "/c"}, {"href": "/d"}],
                "broken": {"href": 5},
                "empty": [],
            }
        }
        assert read_links(body) == {"self": Link("/a"), "find": Link("/b{?name}", templated=True), "many": Link("/c")}
        assert read_links({"_links": "x"}) == read_links({}) == {}

    def test_templates_are_expanded(self):
        link = Link("/sources{?name,limit}", templated=True)
        assert link.expand() == "/sources"
        assert link.expand(name="a b/&", limit=None) == "/sources?name=a%20b%2F%26"
        assert Link("/a/{b}").expand(b="c") == "/a/{b}"
