"""Collections: made, found, changed, deleted; what the user wrote comes back unchanged."""

from __future__ import annotations

import json

import pytest

WRITTEN = {
    "namespace": "com.example",
    "name": "as_written",
    "type": "record",
    "unknown": {"deep": [1, 1.0, 1e30, None, "ü😀", 12345678901234567890]},
    "doc": "documentation",
    "fields": [
        {"title": "The Key", "display": True, "name": "id", "type": {"type": "string"}},
        {
            "name": "n",
            "default": None,
            "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}],
            "doc": "d",
        },
        {"name": "colour", "type": {"type": "string", "logicalType": "colour"}, "display": False, "extra": 5},
    ],
}


def test_the_schema_comes_back_as_it_was_written(api):
    source = api.source()
    made = api.collection(source, WRITTEN, title="Things")
    assert json.dumps(made["schema"]) == json.dumps(WRITTEN)
    assert json.dumps(api.get(made["_links"]["self"]["href"])) == json.dumps(made)
    assert list(made)[:6] == ["id", "sourceId", "sourceName", "sourceTitle", "name", "title"]
    assert made["title"] == "Things"


def test_found_by_name_and_by_source(api, make_record):
    source, other = api.source(), api.source()
    one = api.collection(source, make_record("r", a="int"), name="one")
    two = api.collection(source, make_record("r", a="int"), name="two")
    elsewhere = api.collection(other, make_record("r", a="int"), name="one")

    def found(path):
        return api.get(path)["_embedded"]["collections"]

    assert found(f"/collections?sourceId={source['id']}") == [one, two]
    assert found(f"/collections?sourceId={source['id']}&name=two") == [two]
    assert found(f"/sources/{source['id']}/collections") == [one, two]
    assert [each for each in found("/collections?name=one") if each in (one, two, elsewhere)] == [one, elsewhere]
    assert {one["id"], two["id"], elsewhere["id"]} <= {each["id"] for each in found("/collections")}
    assert found("/collections?name=nothing+of+this+name") == []
    assert found("/collections?sourceId=98091578149437440") == []
    assert "'sourceId': 'x' is not an id" in api.refused(400, "GET", "/collections?sourceId=x")


def test_listings_link_to_themselves(api, make_record):
    source = api.source()
    assert api.get("/collections")["_links"]["byName"]["templated"] is True
    path = f"{api.base}/sources/{source['id']}/collections"
    assert api.get(path) == {"_embedded": {"collections": []}, "_links": {"self": {"href": path}}}


class TestPut:
    def test_what_is_left_out_stays(self, api, make_record):
        made = api.collection(api.source(), make_record("r", a="int"), title="Old", event=True)
        answer = api.call("PUT", f"/collections/{made['id']}", {"title": "New"}).json()
        assert answer == {**made, "title": "New"}
        assert api.get(f"/collections/{made['id']}") == answer

    def test_an_answer_can_be_put_back(self, api, make_record):
        made = api.collection(api.source(), make_record("r", a="int"), title="Old")
        assert api.call("PUT", f"/collections/{made['id']}", made).json() == made

    def test_all_at_once(self, api, make_record):
        made = api.collection(api.source(), make_record("r", a="int"))
        body = {"name": "renamed", "title": None, "profile": True, "event": False, "schema": make_record("q", b="long")}
        assert api.call("PUT", f"/collections/{made['id']}", body).json() == {
            **{key: value for key, value in made.items() if key != "_links"},
            "name": "renamed",
            "profile": True,
            "schema": make_record("q", b="long"),
            "_links": made["_links"],
        }

    def test_items_stay_and_new_ones_follow_the_new_schema(self, api, make_record):
        source, collection = api.table(id="string")
        api.bulk(source, [{"id": "a"}]).raise_for_status()
        schema = make_record("thing", id="string", n="int")
        api.call("PUT", f"/collections/{collection['id']}", {"schema": schema}).raise_for_status()
        assert api.bulk(source, [{"id": "b"}]).status_code == 400
        assert api.bulk(source, [{"id": "b", "n": 1}]).status_code == 201
        assert [item["data"] for item in api.items(collection)] == [{"id": "a"}, {"id": "b", "n": 1}]

    def test_not_there(self, api):
        assert "there is no collection" in api.refused(404, "PUT", "/collections/98092788222918656", {"name": "x"})


class TestDelete:
    def test_answers_the_object(self, api, make_record):
        source, collection = api.table(id="string")
        api.bulk(source, [{"id": "a"}]).raise_for_status()
        assert api.call("DELETE", f"/collections/{collection['id']}").json() == collection
        for path in ("", "/data", "/identifiers"):
            api.refused(404, "GET", f"/collections/{collection['id']}{path}")
        api.collection(source, make_record("r", a="int"), name="things")  # the name is free again

    def test_what_refers_to_it_goes_too(self, api, make_record):
        source = api.source()
        users = api.collection(source, make_record("u", id="string"), name="users")
        visits = api.collection(source, make_record("v", id="string", user="string"), name="visits")
        primary = api.identifier(users, fields=["id"])
        own = api.identifier(visits, fields=["id"])
        link = api.identifier(visits, "foreign", fields=["user"], referenceId=primary["id"])
        relation = api.make("/relations", {"name": "of", "identifierId": link["id"], "type": "many_to_one"})
        api.call("DELETE", f"/collections/{users['id']}").raise_for_status()
        assert api.get(f"/collections/{visits['id']}/identifiers")["_embedded"]["identifiers"] == [own]
        api.refused(404, "GET", f"/relations/{relation['id']}")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", ["98092788222918656", "flight-booking", "99999999999999999999", "-1", "0"])
def test_not_there(api, method, name):
    assert f"there is no collection {name!r}" in api.refused(404, method, f"/collections/{name}")
