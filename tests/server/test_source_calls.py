"""Sources: made here only, listed, shown, deleted with all they hold."""

from __future__ import annotations

import pytest


def test_a_source_as_the_reference_has_it(api):
    made = api.make("/sources", {"title": "Shop One", "description": "the shop", "type": "api"})
    key = made.pop("apiKey")
    assert len(key) >= 32
    base = f"{api.base}/sources/{made['id']}"
    assert made == {
        "id": made["id"],
        "name": "shop-one",
        "title": "Shop One",
        "description": "the shop",
        "type": "api",
        "_links": {"self": {"href": base}, "collections": {"href": f"{base}/collections"}},
    }
    assert api.get(base) == made  # without the key, which is told once
    assert api.get("/sources?name=shop-one")["_embedded"]["sources"] == [made]
    assert made in api.get("/sources")["_embedded"]["sources"]


def test_a_listing_says_how_to_ask_for_a_name(api):
    links = api.get("/sources")["_links"]
    assert links["self"] == {"href": f"{api.base}/sources"}
    assert links["byName"] == {"href": f"{api.base}/sources{{?name}}", "templated": True}


@pytest.mark.parametrize(
    ("given", "kind"),
    [("js", "js"), ("Intempt Web Tracker", "js"), ("iOS App", "ios"), ("API Source", "api"), ("api source", "api")],
)
def test_categories(api, given, kind):
    assert api.source(given)["type"] == kind


def test_a_name_of_its_own(api):
    made = api.make("/sources", {"name": "Given Name", "type": "api"})
    assert (made["name"], made["title"], made["description"]) == ("Given Name", "Given Name", None)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"title": "x"}, "'type' is missing"),
        ({"title": "x", "type": "Intempt Web Trackr"}, "did you mean 'Intempt Web Tracker'"),
        ({"title": "x", "type": 5}, "'type' is 5"),
        ({"type": "api"}, "'name' is missing"),
        ({"name": " ", "type": "api"}, "'name' is"),
        ({"title": 5, "type": "api"}, "'title' is 5"),
        ({"title": "x", "description": [], "type": "api"}, "'description' is"),
    ],
)
def test_refused(api, body, told):
    assert told in api.refused(400, "POST", "/sources", body)


def test_a_name_that_is_taken(api):
    made = api.source()
    message = api.refused(400, "POST", "/sources", {"title": made["title"], "type": "api"})
    assert f"there is a source {made['name']!r} already" in message


def test_deleting_answers_the_object_and_takes_all_along(api, connect, server):
    made = api.source("js")
    key = made.pop("apiKey")
    collection = api.get(made["_links"]["collections"]["href"])["_embedded"]["collections"][0]
    response = api.call("DELETE", f"/sources/{made['id']}")
    assert (response.status_code, response.json()) == (200, made)
    api.refused(404, "GET", f"/sources/{made['id']}")
    api.refused(404, "DELETE", f"/sources/{made['id']}")
    api.refused(404, "GET", f"/collections/{collection['id']}")
    assert connect(server, key).call("GET", "/collections").status_code == 401


@pytest.mark.parametrize("path", ["/sources/1", "/sources/x", "/sources/98091578149437440/collections"])
def test_not_there(api, path):
    assert "there is no source" in api.refused(404, "GET", path)
