"""Seed 000 verbatim: its commands are sent as they stand, and the answers have the shape of its examples."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
import requests

from seed import COLLECTION, HOST, PRIMARY, SOURCE, VISITOR_KEY, exchanges, send_with_curl, track_line

ID = re.compile(r"\d{17,19}")
HEX32 = "0123456789abcdef0123456789abcdef"


def send_with_requests(words: list[str]) -> Any:
    url, *options = words[1:]
    assert options[::2] == ["-d", "-X", "-H"]
    body, method, header = options[1::2]
    name, value = header.split(": ")
    response = requests.request(method, url, data=body, headers={name: value}, timeout=30)
    assert response.status_code == 201, response.text
    return response.json()


def compare(found: Any, example: Any, host: str, place: str = "") -> None:
    """Demand the same keys in the same order, the same types, and the same values but for hosts and ids."""
    assert type(found) is type(example), place
    if isinstance(example, dict):
        assert list(found) == list(example), place
        for key, each in example.items():
            compare(found[key], each, host, f"{place}/{key}")
    elif isinstance(example, list):
        assert len(found) == len(example), place
        for index, each in enumerate(example):
            compare(found[index], each, host, f"{place}/{index}")
    elif isinstance(example, str | int) and ID.search(str(example)):
        expected = ID.sub("<id>", str(example)).replace(HOST, host)
        assert ID.sub("<id>", str(found)) == expected, place
    else:
        assert found == example, place


@pytest.fixture
def source(connect, server):
    """Return the seed's source, made in the sandbox, and a caller with its key."""
    api = connect(server)
    made = api.make("/sources", {"title": "myWebSource", "type": "Intempt Web Tracker"})
    yield made, connect(server, made["apiKey"])
    assert api.call("DELETE", f"/sources/{made['id']}").status_code == 200


@pytest.mark.parametrize("send", [send_with_requests, send_with_curl])
def test_the_commands_run_verbatim(server, source, send):
    made, own = source
    visitor = own.get("/collections?name=visitor")["_embedded"]["collections"][0]
    [visitor_key] = own.get(f"/identifiers?collId={visitor['id']}")["_embedded"]["identifiers"]
    given_out = {SOURCE: made["id"], VISITOR_KEY: visitor_key["id"]}
    for command, example in exchanges():
        text = command.replace(HOST, server.url).replace("<YOUR_API_KEY>", made["apiKey"])
        for old, new in given_out.items():
            text = text.replace(old, new)
        answer = send(shlex.split(text))
        compare(answer, example, server.url)
        # The links lead to what was made.
        assert own.get(answer["_links"]["self"]["href"]) == answer
        given_out[example["id"]] = answer["id"]

    assert answer["referenceId"] == int(visitor_key["id"])  # a number, where all other ids are text
    assert answer["collId"] == given_out[COLLECTION]
    collection = own.get(f"/collections/{given_out[COLLECTION]}")
    for name in ("source", "identifiers", "relations", "data"):
        own.get(collection["_links"][name]["href"])
    identifiers = own.get(collection["_links"]["identifiers"]["href"])["_embedded"]["identifiers"]
    assert [each["name"] for each in identifiers] == ["profileId", "foreignId"]


def test_the_reference_of_the_example_answer_works_too(server, source):
    """The seed's last answer refers to the collection's own primary, not to what its command says."""
    made, _ = source
    given_out = {SOURCE: made["id"]}
    for command, example in exchanges():
        text = command.replace(HOST, server.url).replace("<YOUR_API_KEY>", made["apiKey"]).replace(VISITOR_KEY, PRIMARY)
        for old, new in given_out.items():
            text = text.replace(old, new)
        answer = send_with_requests(shlex.split(text))
        compare(answer, example, server.url)
        given_out[example["id"]] = answer["id"]
    assert str(answer["referenceId"]) == given_out[PRIMARY]


def test_no_data_before_the_primary_identifier(server, source):
    """It is a pre-requisite of posting any data to a collection."""
    made, own = source
    command, _ = exchanges()[0]
    text = command.replace(HOST, server.url).replace("<YOUR_API_KEY>", made["apiKey"]).replace(SOURCE, made["id"])
    send_with_requests(shlex.split(text))
    assert "no primary identifier" in own.refused(400, "POST", f"/sources/{made['id']}/data", {"flight-booking": []})


def test_the_tracked_event_arrives(server, source):
    made, own = source
    given_out = {SOURCE: made["id"]}
    for command, example in exchanges()[:2]:
        text = command.replace(HOST, server.url).replace("<YOUR_API_KEY>", made["apiKey"])
        for old, new in given_out.items():
            text = text.replace(old, new)
        given_out[example["id"]] = send_with_requests(shlex.split(text))["id"]
    name, properties = re.search(r'track\("([^"]+)", (\{.*?\})\)', track_line()).groups()
    item = {"eventId": HEX32, "visitorId": HEX32, **json.loads(properties)}  # as the tracker adds them
    [stored] = own.make(f"/sources/{made['id']}/data", {name: [item]})["_embedded"]["data"]
    assert stored["data"] == item
    [found] = own.items(own.get(f"/collections/{given_out[COLLECTION]}"))
    assert found["id"] == stored["id"]
    assert found["data"] == item
