"""The fault script at work, seen by a client: each fault, what was carried out all the same, and the counts."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest
import requests

from intempt_nb.server.faults import FaultScript
from intempt_nb.server.serve import EmbeddedServer

BULK = "/sources/*/data"


class Patient:
    """A sandbox that a script makes fail, and a caller of it."""

    def __init__(self, server, api):
        self.server, self.api = server, api
        self.url = f"{server.url}/_sandbox/faults"
        self.source, self.collection = api.table(id="string")

    def script(self, *rules):
        response = self.api.call("PUT", self.url, {"rules": rules})
        assert response.status_code == 200, response.text

    def counts(self):
        return [(each["matched"], each["applied"]) for each in self.api.get(self.url)["rules"]]

    def post(self, item_id, **options):
        return self.api.call("POST", f"/sources/{self.source['id']}/data", {"things": [{"id": item_id}]}, **options)

    def stored(self):
        return sorted(each["data"]["id"] for each in self.api.items(self.collection))

    def wait_for(self, *counts):
        while self.counts() != list(counts):
            time.sleep(0.01)


@pytest.fixture
def patient(connect, caplog):
    with EmbeddedServer() as server:
        yield Patient(server, connect(server))
    # A fault on purpose is nothing to report.
    assert [each.getMessage() for each in caplog.get_records("call") + caplog.records] == []


class TestStatus:
    def test_in_place_of_the_answer(self, patient, read_refusal):
        patient.script({"path": BULK, "on": 2, "status": 503, "retry_after": 1})
        assert patient.post("a").status_code == 201
        refused = patient.post("b")
        assert read_refusal(refused, 503)["message"] == "rule 0 of the fault script answers 503"
        assert refused.headers["Retry-After"] == "1"
        assert patient.post("c").status_code == 201
        assert patient.stored() == ["a", "c"]
        assert patient.counts() == [(3, 1)]

    def test_after_the_request_was_carried_out(self, patient):
        patient.script({"path": BULK, "status": 502, "after": True})
        assert patient.post("a").status_code == 502
        assert patient.stored() == ["a"]

    def test_what_it_says(self, patient, read_refusal):
        patient.script(
            {"path": BULK, "on": 1, "status": 599, "message": "so it is"},
            {"path": BULK, "on": 2, "status": 200, "body": "<html>sign in</html>"},
            {"path": BULK, "on": 3, "status": 400, "body": {"errors": []}},
        )
        assert read_refusal(patient.post("a"), 599)["message"] == "so it is"
        page = patient.post("b")
        assert (page.status_code, page.text) == (200, "<html>sign in</html>")
        assert page.headers["Content-Type"].startswith("text/plain")
        assert patient.post("c").json() == {"errors": []}

    def test_when_to_come_back(self, patient):
        patient.script(
            {"path": BULK, "on": 1, "status": 429, "retry_after": 0.5},
            {"path": BULK, "on": 2, "status": 429, "retry_after": "soon"},
            {"path": BULK, "on": 3, "status": 429, "retry_after_date": 1000},
        )
        assert patient.post("a").headers["Retry-After"] == "0.5"
        assert patient.post("a").headers["Retry-After"] == "soon"
        date = parsedate_to_datetime(patient.post("a").headers["Retry-After"])
        assert 900 < date.timestamp() - time.time() <= 1000

    def test_what_comes_faster_than_a_rate(self, patient):
        patient.script({"path": BULK, "rate": 0.001, "burst": 2, "status": 429, "retry_after": 1})
        assert [patient.post(each).status_code for each in "abcd"] == [201, 201, 429, 429]
        patient.script({"path": BULK, "rate": 5000, "burst": 1, "status": 429})
        for each in "ef":
            time.sleep(0.01)  # what fills the bucket
            assert patient.post(each).status_code == 201
        assert patient.stored() == ["a", "b", "e", "f"]
        assert patient.counts() == [(2, 0)]


class TestConnection:
    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_drop_is_a_reset_without_an_answer(self, patient, when):
        patient.script({"path": BULK, "drop": when})
        with pytest.raises(requests.ConnectionError, match="reset"):
            patient.post("a")
        assert patient.stored() == ([] if when == "before" else ["a"])

    def test_a_body_larger_than_a_buffer_is_read_before_the_drop(self, patient):
        patient.script({"path": BULK, "drop": "before"})
        with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
            patient.post("a" * 9_000_000)

    @pytest.mark.parametrize("size", [0, 100, 5_000_000])
    def test_a_cut_sends_so_much_of_the_body(self, patient, size):
        patient.post("a" * 6_000_000)  # more than the system takes at once
        address, path = urlsplit(patient.server.url), f"/v1/sandbox/collections/{patient.collection['id']}/data"
        headers = {"Authorization": f"ApiKey {patient.server.api_key}"}
        whole = patient.api.call("GET", path.removeprefix("/v1/sandbox")).content
        patient.script({"path": "/collections/*/data", "cut": size})
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead) as caught:
            response.read()
        connection.close()
        assert hashlib.sha256(caught.value.partial).digest() == hashlib.sha256(whole[:size]).digest()

    def test_an_answer_shorter_than_the_cut_comes_whole(self, patient):
        patient.script({"path": BULK, "cut": 1_000_000})
        assert [patient.post(each).status_code for each in "ab"] == [201, 201]
        assert patient.stored() == ["a", "b"]

    @pytest.mark.parametrize("after", [False, True])
    def test_a_hang_ends_with_a_drop(self, patient, after):
        patient.script({"path": BULK, "hang": 0.1, "after": after})
        with pytest.raises(requests.ConnectionError, match="reset"):
            patient.post("a")
        assert patient.stored() == (["a"] if after else [])


class TestWaiting:
    def test_a_delay_comes_before_the_request_is_carried_out_and_ends_with_the_server(self, patient):
        patient.script({"path": BULK, "delay": 3600})
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(patient.post, "a")
            patient.wait_for((1, 1))
            assert patient.stored() == []
            patient.server.stop()
            assert answer.result().status_code == 201

    def test_a_hang_ends_with_the_server(self, patient):
        patient.script({"path": BULK, "hang": 3600, "after": True})
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(patient.post, "a")
            patient.wait_for((1, 1))
            patient.server.stop()
            with pytest.raises(requests.ConnectionError):
                answer.result()

    def test_a_hang_ends_with_the_client(self):
        async def gone():
            return {"type": "http.disconnect"}

        asyncio.run(asyncio.wait_for(FaultScript().hang(3600, gone), timeout=60))


class TestScript:
    def test_every_rule_that_matches_counts_and_the_first_whose_turn_it_is_acts(self, patient):
        patient.script(
            {"path": BULK, "on": 2, "status": 500},
            {"method": "POST", "from": 2, "status": 502},
            {"method": "GET", "status": 504},
        )
        assert [patient.post(each).status_code for each in "abc"] == [201, 500, 502]
        assert patient.counts() == [(3, 1), (3, 1), (0, 0)]

    def test_put_replaces_and_counts_anew_and_delete_ends_it(self, patient):
        rule = {"path": BULK, "on": 1, "status": 500}
        patient.script(rule)
        assert patient.post("a").status_code == 500
        patient.script(rule)
        assert patient.post("a").status_code == 500
        ended = patient.api.call("DELETE", patient.url)
        assert ended.json() == {"rules": [{"rule": rule, "matched": 1, "applied": 1}]}
        assert patient.post("a").status_code == 201
        assert patient.api.get(patient.url) == {"rules": []}

    def test_a_mistake_leaves_the_script_as_it_was(self, patient):
        patient.script({"path": BULK, "status": 500})
        message = patient.api.refused(400, "PUT", patient.url, {"rules": [{"status": 99}]})
        assert message.startswith("/rules/0/status: 99; expected")
        assert "the body is a list" in patient.api.refused(400, "PUT", patient.url, [])
        assert patient.post("a").status_code == 500

    def test_its_own_path_is_spared(self, patient):
        patient.script({"drop": "before"})
        assert patient.counts() == [(0, 0)]
        with pytest.raises(requests.ConnectionError):
            patient.api.get("/sources")
        assert patient.counts() == [(1, 1)]

    def test_it_takes_the_organisation_s_key_and_a_name_of_this_machine(self, patient, connect, read_refusal):
        owner = connect(patient.server, patient.source["apiKey"])
        patient.script({"delay": 0})
        for method in ("GET", "PUT", "DELETE"):
            assert "needs the organisation's key" in owner.refused(403, method, patient.url, {"rules": []})
        read_refusal(requests.put(patient.url, json={"rules": []}, timeout=30), 401)
        patient.api.refused(400, "PUT", patient.url, {"rules": []}, headers={"Host": "evil.example"})
        patient.api.refused(404, "GET", f"{patient.server.url}/_sandbox/other")
        assert patient.counts() == [(0, 0)]

    def test_the_guards_come_first(self, patient):
        patient.script({"status": 500})
        patient.api.refused(400, "GET", "/sources", headers={"Host": "evil.example"})
        assert patient.counts() == [(0, 0)]

    def test_requests_at_once_are_each_counted_once(self, patient, connect):
        patient.script({"path": BULK, "every": 4, "status": 503})
        callers = [connect(patient.server) for _ in range(8)]
        path = f"/sources/{patient.source['id']}/data"

        def post(number):
            statuses = [callers[number].call("POST", path, {"things": []}).status_code for _ in range(15)]
            return statuses.count(503)

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(post, range(8))) == 30
        assert patient.counts() == [(120, 30)]
