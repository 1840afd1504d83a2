"""Identifiers and relations: made, listed, shown."""

from __future__ import annotations

import pytest


@pytest.fixture
def linked(api, make_record):
    """Return two collections, the identifiers between them, and their relation."""
    source = api.source()
    users = api.collection(source, make_record("u", id="string"), name="users", profile=True)
    visits = api.collection(source, make_record("v", id="string", user="string"), name="visits", event=True)
    primary = api.identifier(users, fields=["id"])
    link = api.identifier(visits, "foreign", fields=["user"], referenceId=primary["id"])
    relation = api.make("/relations", {"name": "of", "identifierId": link["id"], "type": "many_to_one"})
    return users, visits, primary, link, relation


def test_the_reference_is_a_number_and_the_other_ids_are_text(linked):
    _, visits, primary, link, _ = linked
    assert link["referenceId"] == int(primary["id"])
    assert link["collId"] == visits["id"]
    assert list(link) == ["collId", "id", "type", "name", "schema", "referenceId", "_links"]
    assert "referenceId" not in primary


def test_listed_by_collection(api, linked):
    users, visits, primary, link, _ = linked
    for path in ("/identifiers?collId={}", "/collections/{}/identifiers"):
        assert api.get(path.format(users["id"]))["_embedded"]["identifiers"] == [primary]
        assert api.get(path.format(visits["id"]))["_embedded"]["identifiers"] == [link]
    everything = api.get("/identifiers")["_embedded"]["identifiers"]
    assert primary in everything
    assert link in everything


def test_shown(api, linked):
    *_, primary, link, relation = linked
    for each in (primary, link, relation):
        assert api.get(each["_links"]["self"]["href"]) == each


def test_relations_by_the_link_of_their_collection(api, linked):
    users, visits, _, link, relation = linked
    assert relation == {
        "id": relation["id"],
        "name": "of",
        "identifierId": link["id"],
        "type": "many_to_one",
        "_links": {"self": {"href": f"{api.base}/relations/{relation['id']}"}},
    }
    assert api.get(visits["_links"]["relations"]["href"])["_embedded"]["relations"] == [relation]
    assert api.get(users["_links"]["relations"]["href"])["_embedded"]["relations"] == []
    assert relation in api.get("/relations")["_embedded"]["relations"]


@pytest.mark.parametrize("path", ["/identifiers/98124356064772096", "/relations/98124356064772096", "/identifiers/x"])
def test_not_there(api, path):
    assert "there is no" in api.refused(404, "GET", path)


@pytest.mark.parametrize("path", ["/identifiers?collId=x", "/relations?collId=1.5"])
def test_a_collection_id_is_an_id(api, path):
    assert "'collId':" in api.refused(400, "GET", path)
