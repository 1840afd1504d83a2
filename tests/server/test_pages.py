"""The demo page: a visit sets up its source, once, and shows nothing that opens anything."""

from __future__ import annotations

import pytest
import requests

from intempt_nb.server.serve import EmbeddedServer


@pytest.fixture
def api(connect):
    with EmbeddedServer() as server:
        yield connect(server)


def visit(api, **headers):
    return requests.get(f"{api.server.url}/demo", headers=headers, timeout=30)


def collections(api):
    [source] = api.get("/sources?name=flight-demo")["_embedded"]["sources"]
    found = api.get(source["_links"]["collections"]["href"])["_embedded"]["collections"]
    return source, {each["name"]: each for each in found}


def test_a_visit_sets_up_what_is_missing_and_only_that(api):
    assert api.get("/sources")["_embedded"]["sources"] == []
    page = visit(api)
    assert page.headers["Content-Type"].startswith("text/html")
    source, found = collections(api)
    assert source["trackerSnippet"] in page.text
    assert api.server.api_key not in page.text
    assert {"visitor", "page", "interaction", "flight", "flight-search", "flight-booking"} <= set(found)
    assert len(api.items(found["flight"])) > 100
    assert visit(api).text == page.text
    assert collections(api) == (source, found)
    api.call("DELETE", f"/collections/{found['flight-booking']['id']}")
    visit(api)
    assert set(collections(api)[1]) == set(found)


def test_bookings_have_the_fields_of_the_seed_and_lead_to_flights_and_visitors(api):
    visit(api)
    _, found = collections(api)
    names = [field["name"] for field in found["flight-booking"]["schema"]["fields"]]
    assert names == ["eventId", "visitorId", "bookingId", "flightId", "bookingStatus", "bookingDate"]
    relations = api.get(found["flight-booking"]["_links"]["relations"]["href"])["_embedded"]["relations"]
    assert [each["name"] for each in relations] == ["flight-booking_visitorId", "flight-booking_flightId"]


def test_a_page_of_elsewhere_sets_up_nothing(api):
    for kind in ("image", "iframe"):
        assert visit(api, **{"Sec-Fetch-Dest": kind, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert api.get("/sources")["_embedded"]["sources"] == []


def test_a_source_of_the_demo_s_name_that_is_something_else_stays_what_it_is(api, read_refusal):
    made = api.make("/sources", {"name": "flight-demo", "type": "api"})
    assert "'flight-demo' is no web source" in read_refusal(visit(api), 409)["message"]
    page = visit(api, Accept="text/html,*/*")  # as a browser asks
    assert (page.status_code, page.headers["Content-Type"]) == (409, "text/html; charset=utf-8")
    assert "&#x27;flight-demo&#x27; is no web source" in page.text
    assert api.get(made["_links"]["collections"]["href"])["_embedded"]["collections"] == []


@pytest.mark.parametrize("name", ["demo.js", "demo.css", "flights.json"])
def test_the_page_s_parts(api, name):
    assert requests.get(f"{api.server.url}/demo/{name}", timeout=30).status_code == 200


@pytest.mark.parametrize("path", ["/demo/", "/demo/tracker.js", "/demo/..%2fapp.py", "/demo/demo.html"])
def test_no_other_file_is_served(api, path):
    assert requests.get(api.server.url + path, timeout=30).status_code == 404
