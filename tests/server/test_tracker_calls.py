"""What a page may do with a tracker number: send events to one source, and nothing else, from any origin."""

from __future__ import annotations

import pytest
import requests

from intempt_nb.server import data_calls, tracker_calls

HEX32 = "0123456789abcdef0123456789abcdef"
PAGE = {"Origin": "https://shop.example", "Content-Type": "text/plain;charset=UTF-8"}
NOW = 1_590_364_800_000


class Site:
    """A web source, and a page that has its number."""

    def __init__(self, api):
        self.api = api
        self.source = api.source("js")
        self.url = f"{api.base}/trackers/{self.source['trackerNumber']}/events"

    def collection(self, name, key="eventId", **types):
        fields = [{"name": field, "type": kind} for field, kind in types.items()]
        made = self.api.collection(self.source, {"type": "record", "name": "r", "fields": fields}, name, event=True)
        if key:
            self.api.identifier(made, fields=[key])
        return made

    def send(self, *events, url=None):
        body = {"events": list(events)}
        return requests.post(url or self.url, json=body, headers=PAGE, timeout=30)

    def sent(self, *events):
        response = self.send(*events)
        assert response.status_code == 200, response.text
        return response.json()


def event(collection, data, **more):
    return {"collection": collection, "eventId": HEX32, "visitorId": "v", "timestamp": NOW, "data": data, **more}


@pytest.fixture
def site(api):
    return Site(api)


def test_a_number_for_those_who_can_keep_no_key(api):
    numbers = [api.source(kind)["trackerNumber"] for kind in ("js", "ios", "js")]
    assert len({*numbers}) == 3
    assert all(number.isdigit() and len(number) == 19 for number in numbers)
    assert "trackerNumber" not in api.source("api")
    assert "trackerSnippet" not in api.source("ios")


def test_the_snippet_names_the_script_and_where_to_send(site, server):
    snippet = site.source["trackerSnippet"]
    assert f'"{site.url}"' in snippet
    address = snippet.rpartition('src="')[2].partition('"')[0]
    script = requests.get(address, headers=PAGE, timeout=30)
    assert script.status_code == 200
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert site.source["apiKey"] not in snippet


def test_what_the_tracker_adds_takes_the_form_of_each_field(site):
    plain = site.collection("plain", eventId="string", visitorId="string", timestamp="long", serverTimestamp="long")
    micros = {"type": "long", "logicalType": "timestamp-micros"}
    exact = site.collection("exact", eventId={"type": "string", "logicalType": "uuid"}, timestamp=["null", micros])
    other = site.collection("other", "n", n="int", timestamp="string", visitorId="int")
    answer = site.sent(
        event("plain", {}), event("exact", {}), event("other", {"n": 1, "timestamp": "noon", "visitorId": 7})
    )
    assert answer == {"stored": 3, "refused": [], "ignored": {}}
    [item] = site.api.items(plain)
    assert item["data"].pop("serverTimestamp") >= NOW
    assert item["data"] == {"eventId": HEX32, "visitorId": "v", "timestamp": NOW}
    assert [each["data"] for each in site.api.items(exact)] == [{"eventId": HEX32, "timestamp": NOW * 1000}]
    assert [each["data"] for each in site.api.items(other)] == [{"n": 1, "timestamp": "noon", "visitorId": 7}]


def test_what_the_page_gives_itself_is_kept(site):
    made = site.collection("plain", eventId="string", timestamp="long")
    site.sent(event("plain", {"eventId": "mine", "timestamp": 5}), event("plain", {"eventId": None, "timestamp": 6}))
    assert [each["data"] for each in site.api.items(made)] == [
        {"eventId": "mine", "timestamp": 5},
        {"eventId": HEX32, "timestamp": 6},
    ]


def test_ignored_fields_are_named_up_to_a_limit(site):
    site.collection("plain", eventId="string")
    first = event("plain", {"x" * 1_000: 0})
    answer = site.sent(first, *(event("plain", {f"{n}.{field}": 0 for field in range(200)}) for n in range(999)))
    assert answer["stored"] == 1_000
    assert len(answer["ignored"]["plain"]) == tracker_calls.MAX_IGNORED
    assert max(map(len, answer["ignored"]["plain"])) == 80


def test_others_write_while_events_are_checked(site, monkeypatch):
    made = site.collection("plain", eventId="string")
    others = []

    def preparer(*schemas):
        others.append(requests.post(f"{site.api.base}/sources", json=other, headers=key, timeout=10))
        return data_calls.preparer(*schemas)

    other, key = {"title": "written meanwhile", "type": "api"}, dict(site.api.session.headers)
    monkeypatch.setattr(tracker_calls, "preparer", preparer)
    site.sent(event("plain", {}))
    assert [each.status_code for each in others] == [201]
    assert len(site.api.items(made)) == 1


def test_an_event_is_checked_against_the_schema_that_it_is_stored_in(site, monkeypatch):
    made = site.collection("plain", eventId="string", n="int")
    fields = [{"name": "eventId", "type": "string"}, {"name": "n", "type": "string"}]
    changed = {**made, "schema": {"type": "record", "name": "r", "fields": fields}}

    def preparer(*schemas):
        monkeypatch.setattr(tracker_calls, "preparer", data_calls.preparer)
        assert site.api.call("PUT", f"/collections/{made['id']}", changed).status_code == 200
        return data_calls.preparer(*schemas)

    monkeypatch.setattr(tracker_calls, "preparer", preparer)
    assert [each["field"] for each in site.sent(event("plain", {"n": 1}))["refused"]] == ["n"]


class TestVisitors:
    def visitors(self, site):
        found = site.api.get(f"/sources/{site.source['id']}/collections")["_embedded"]["collections"]
        [visitor] = [each for each in found if each["name"] == "visitor"]
        return visitor, [each["data"] for each in site.api.items(visitor)]

    def test_who_sends_is_there_to_join_with_and_stays_what_it_is(self, site):
        site.collection("alone", eventId="string", visitorId="string")
        site.sent(event("alone", {}, visitorId="nobody refers to it"), event("view", {"n": 1}, visitorId="a"))
        site.sent(*(event("view", {}, eventId=str(n), visitorId=who) for n, who in enumerate("aba")))
        site.sent(event("view", {"timestamp": "soon"}, visitorId="refused"))
        visitor, found = self.visitors(site)
        assert found == [{"visitorId": "a"}, {"visitorId": "b"}]
        fields = [*visitor["schema"]["fields"], {"name": "age", "type": ["null", "int"]}]
        site.api.call(
            "PUT", f"/collections/{visitor['id']}", {**visitor, "schema": {**visitor["schema"], "fields": fields}}
        )
        site.sent(event("visitor", {"age": 7}, visitorId="a"), event("view", {}, visitorId="a"))
        assert self.visitors(site)[1] == [{"visitorId": "a", "age": 7}, {"visitorId": "b"}]

    def test_none_is_made_up_where_a_profile_has_more_than_its_key(self, site):
        visitor, _ = self.visitors(site)
        fields = [*visitor["schema"]["fields"], {"name": "age", "type": "int"}]
        site.api.call(
            "PUT", f"/collections/{visitor['id']}", {**visitor, "schema": {**visitor["schema"], "fields": fields}}
        )
        assert site.sent(event("view", {}))["stored"] == 1
        assert self.visitors(site)[1] == []


def test_the_same_event_again_is_no_second_one(site):
    made = site.collection("plain", eventId="string", n="int")
    for _ in range(2):
        site.sent(event("plain", {"n": 1}))
    assert len(site.api.items(made)) == 1


def test_bad_events_are_named_and_the_others_stored(site):
    made = site.collection("plain", eventId="string", n="int")
    site.collection("keyless", None, n="int")
    answer = site.sent(
        event("plain", {"n": "one"}),
        event("plain", {"n": 1, "typo": 2}),
        event("plane", {"n": 1}),
        event("keyless", {"n": 1}),
        event("plain", {"n": 1}, eventId=5),
        {"collection": "plain"},
        "plain",
    )
    assert answer["stored"] == 1
    assert answer["ignored"] == {"plain": ["typo"]}
    assert [(each["index"], each["collection"], each["field"]) for each in answer["refused"]] == [
        (0, "plain", "n"),
        (2, "plane", None),
        (3, "keyless", None),
        (4, "plain", "eventId"),
        (5, "plain", None),
        (6, None, None),
    ]
    assert [each["missing"] for each in answer["refused"]] == [False, True, False, False, False, False]
    messages = [each["message"] for each in answer["refused"]]
    assert messages[1] == "the source has no collection 'plane'"  # and not which it has
    assert "no primary identifier" in messages[2]
    assert len(site.api.items(made)) == 1


@pytest.mark.parametrize("body", [{}, {"events": {}}, {"events": [0] * 1_001}, []])
def test_what_is_no_list_of_events_is_refused_whole(site, body, read_refusal):
    read_refusal(requests.post(site.url, json=body, headers=PAGE, timeout=30), 400)


class TestTheNumberOpens:
    def test_only_a_source_that_has_it(self, site, api, read_refusal):
        number = site.source["trackerNumber"]
        for wrong in (str(int(number) + 1), "0", "x", site.source["id"], site.source["apiKey"]):
            response = site.send(event("view", {}), url=site.url.replace(number, wrong))
            assert "no source has this tracker number" in read_refusal(response, 401)["message"]
        api.call("DELETE", f"/sources/{site.source['id']}")
        read_refusal(site.send(event("view", {})), 401)

    def test_no_other_organisation(self, site, read_refusal):
        read_refusal(site.send(event("view", {}), url=site.url.replace("/v1/OrgABC/", "/v1/Other/")), 404)

    def test_no_other_source(self, site, api):
        other = Site(api)
        made = other.collection("elsewhere", eventId="string")
        assert site.sent(event("elsewhere", {}))["stored"] == 0
        assert api.items(made) == []

    def test_nothing_to_read_and_no_other_path(self, site, server, connect):
        number, key = site.source["trackerNumber"], f"/sources/{site.source['id']}"
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
            assert requests.request(method, site.url, headers=PAGE, timeout=30).status_code == 405
        by_number = connect(server, number)
        for path in ("/collections", key, f"{key}/collections", "/identifiers", "/sources"):
            by_number.refused(401, "GET", path)
        by_number.refused(401, "POST", f"{key}/data", {})


class TestOrigins:
    def test_any_page_reads_the_answers_of_the_tracker_s_paths(self, site, api):
        rules = {"rules": [{"path": "/trackers/*/events", "on": 3, "status": 429, "retry_after": 7}]}
        api.call("PUT", f"{api.server.url}/_sandbox/faults", rules)
        try:
            wrong = site.url.replace(site.source["trackerNumber"], "1")
            answers = [site.send(event("view", {})), site.send(url=wrong), site.send()]
        finally:
            api.call("DELETE", f"{api.server.url}/_sandbox/faults")
        assert [each.status_code for each in answers] == [200, 401, 429]
        for each in answers:
            assert each.headers["Access-Control-Allow-Origin"] == "*"
            assert each.headers["Access-Control-Expose-Headers"] == "Retry-After"
            assert "Access-Control-Allow-Credentials" not in each.headers
            assert "Access-Control-Allow-Headers" not in each.headers  # so none with a key in it
        assert answers[2].headers["Retry-After"] == "7"

    @pytest.mark.parametrize("path", ["/", "/v1/OrgABC/sources", "/v1/OrgABC/collections", "/demo", "/_sandbox/faults"])
    def test_no_page_of_elsewhere_reads_anything_else(self, server, path):
        headers = {**PAGE, "Authorization": f"ApiKey {server.api_key}"}
        for method in ("GET", "OPTIONS"):
            answer = requests.request(method, server.url + path, headers=headers, timeout=30)
            assert not [name for name in answer.headers if name.lower().startswith(("access-control", "cross-origin"))]

    def test_a_name_that_is_not_ours_gets_nothing(self, site, read_refusal):
        answer = requests.post(site.url, json={"events": []}, headers={**PAGE, "Host": "evil.example"}, timeout=30)
        read_refusal(answer, 400)
        assert "Access-Control-Allow-Origin" not in answer.headers

    def test_a_body_that_is_too_long_is_refused_readably(self, site, read_refusal):
        answer = requests.post(site.url, data=b" " * (10 * 1024 * 1024 + 1), headers=PAGE, timeout=30)
        read_refusal(answer, 413)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
