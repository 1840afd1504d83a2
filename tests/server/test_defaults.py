"""Web and iOS sources are born with collections, identifiers and relations; an API source is born empty."""

from __future__ import annotations

import pytest

HEX32 = "0123456789abcdef0123456789abcdef"
WEB_EVENT = {"visitorId": HEX32, "eventId": HEX32, "timestamp": 1_590_364_800_000}
ELEMENT = {
    "tag": "a",
    "href": "https://example.com",
    "classList": ["x"],
    "attributes": {"data-x": "1"},
    "checked": None,
}
ITEMS = {
    "js": {
        "visitor": {"visitorId": HEX32},
        "page": {**WEB_EVENT, "title": "Home", "pageUrl": {"scheme": "https", "host": "example.com", "path": "/"}},
        "interaction": {**WEB_EVENT, "type": "click", "element": ELEMENT},
        "profile": {"visitorId": HEX32, "email": "a@example.com"},
        "identify": {**WEB_EVENT, "userId": "u1"},
        "view": {**WEB_EVENT, "title": "Home"},
    },
    "ios": {
        "profile": {"visitorId": HEX32, "email": None},
        "launch": {
            **WEB_EVENT,
            "wifi": True,
            "device": {"name": "phone", "type": "iPhone", "osVersion": "13.5"},
            "screen": {"height": 812, "width": 375.0},
            "geo": {"city": "Berlin", "country": "DE", "region": "BE"},
            "app": {"name": "shop", "version": "1.0"},
        },
        "scene": {**WEB_EVENT, "parentId": HEX32, "element": {"alpha": 1, "class": "UIView", "viewController": "Main"}},
        "interaction": {**WEB_EVENT, "type": "tap", "element": {"tag": "b", "ActionName": "buy", "text": "Buy"}},
        "entry": {"visitorId": HEX32, "entryTime": 1_590_364_800_000, "uuid": "u", "major": 1, "minor": 2},
        "exit": {"visitorId": HEX32, "exitTime": 1_590_364_800_000, "uuid": "u", "major": 1, "minor": 2},
    },
}
HUBS = {"js": "visitor", "ios": "profile"}


def collections_of(api, source):
    return {each["name"]: each for each in api.get(f"/sources/{source['id']}/collections")["_embedded"]["collections"]}


def identifiers_of(api, collection):
    return {
        each["type"]: each for each in api.get(collection["_links"]["identifiers"]["href"])["_embedded"]["identifiers"]
    }


def test_an_api_source_is_born_empty(api):
    assert collections_of(api, api.source("api")) == {}


@pytest.mark.parametrize("kind", ["js", "ios"])
class TestBornWith:
    def test_collections(self, api, kind):
        found = collections_of(api, api.source(kind))
        assert list(found) == list(ITEMS[kind])
        assert [name for name, each in found.items() if each["profile"]] == [HUBS[kind]]
        assert not any(each["profile"] and each["event"] for each in found.values())

    def test_keys(self, api, kind):
        for name, collection in collections_of(api, api.source(kind)).items():
            primary = identifiers_of(api, collection)["primary"]
            keys = [field["name"] for field in primary["schema"]["fields"]]
            if name in ("entry", "exit"):
                assert keys == ["visitorId", f"{name}Time", "uuid", "major", "minor"]
            else:
                assert keys == ["eventId" if collection["event"] else "visitorId"]

    def test_links_to_the_profile(self, api, kind):
        found = collections_of(api, api.source(kind))
        hub = identifiers_of(api, found[HUBS[kind]])
        assert list(hub) == ["primary"]
        for name, collection in found.items():
            if name == HUBS[kind]:
                continue
            link = identifiers_of(api, collection)["foreign"]
            assert [field["name"] for field in link["schema"]["fields"]] == ["visitorId"]
            assert str(link["referenceId"]) == hub["primary"]["id"]
            [relation] = api.get(collection["_links"]["relations"]["href"])["_embedded"]["relations"]
            assert (relation["identifierId"], relation["type"]) == (link["id"], "many_to_one")
            assert relation["name"] == f"{name}_{HUBS[kind]}"

    def test_they_keep_the_rules_of_the_api(self, api, kind):
        """What a source is born with could have been made by calls, one by one."""
        target = api.source("api")
        made = {}
        for collection in collections_of(api, api.source(kind)).values():
            flags = {flag: collection[flag] for flag in ("profile", "event")}
            copy = api.collection(target, collection["schema"], collection["name"], **flags)
            for each in identifiers_of(api, collection).values():
                reference = {"referenceId": made[each["referenceId"]]} if "referenceId" in each else {}
                body = {"collId": copy["id"], "type": each["type"], "name": each["name"], "schema": each["schema"]}
                made[int(each["id"])] = api.make("/identifiers", {**body, **reference})["id"]

    def test_what_the_trackers_send_is_taken(self, api, kind):
        source = api.source(kind)
        stored = api.make(f"/sources/{source['id']}/data", {name: [item] for name, item in ITEMS[kind].items()})
        assert [each["data"] for each in stored["_embedded"]["data"]] == list(ITEMS[kind].values())
