"""The kinds of sources, and what a source says of how data gets into it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
import requests

import intempt_nb as inb
from intempt_nb.api.resources import Source
from intempt_nb.server.rules import CATEGORIES
from intempt_nb.source_kinds import Example, how_to
from seed import seed_001

if TYPE_CHECKING:
    from pathlib import Path

THINGS = {
    "type": "record",
    "name": "r",
    "fields": [{"name": "id", "type": "string"}, {"name": "on", "type": "boolean"}],
}


def test_the_taxonomy_is_the_seed_s() -> None:
    text = " ".join(re.sub(r"[*|]", " ", seed_001()).split())
    for each in inb.DATA_SOURCE_TYPES:
        assert f"{each.name} {each.how_it_works} {each.data_collected}" in text
    assert [each.title for each in inb.SOURCE_CATEGORIES] == re.findall(r"\d\.\s+\*\*(.+?)\*\*", seed_001())
    assert {each.type: each.title for each in inb.SOURCE_CATEGORIES} == CATEGORIES


def test_a_web_source_shows_its_snippet_and_a_call_with_a_collection_of_its_own(client: inb.Client) -> None:
    source = client.create_source("web", "js")
    assert "window._intempt" in str(source.how_to)
    assert "'flight-booking' is an example" in str(source)
    fields = [{"name": name, "type": "string"} for name in ("eventId", "visitorId", "colour")]
    source.create_collection("likes", {"type": "record", "name": "likes", "fields": fields}, "event")
    shown = client.sources["web"]
    number = source.record.tracker_number
    assert f"""window._intempt['{number}'].track("likes", {{"colour": "1"}})""" in str(shown)
    assert source.record.tracker_snippet.splitlines()[0] in str(shown)
    assert "&lt;script&gt;" in shown._repr_html_()
    assert "<script" not in shown._repr_html_()
    assert client._transport._key.reveal() not in str(shown) + shown._repr_html_()


def test_names_do_nothing_where_the_code_is_put(client: inb.Client) -> None:
    source = client.create_source("\x1b[31mred\x9b", "js")
    source.create_collection("</script>\x9b", {**THINGS, "name": "r"}, "event").create_identifier("id", ["id"])
    told = str(client.sources[source.id].how_to)
    assert "into \\u001b[31mred\\u009b" in told
    assert '.track("<\\/script>\\u009b", ' in told
    assert f"{client.base_url} in script-src and connect-src" in told


def test_the_call_of_an_api_source_can_be_sent_as_it_is(client: inb.Client, shop: inb.SourceHandle) -> None:
    things = shop.create_collection("it's", THINGS)
    things.create_identifier("id", ["id"])
    (_, curl), (_, python) = shop.how_to.steps
    words = shlex.split(curl)
    assert words[words.index("-H") + 1] == "Authorization: ApiKey <YOUR_API_KEY>"
    headers = {"Authorization": f"ApiKey {client._transport._key.reveal()}"}
    sent = requests.post(words[1], data=words[words.index("-d") + 1], headers=headers, timeout=30)
    assert sent.status_code == 201, sent.text
    assert things.load()["on"].tolist() == [True]
    compile(python, "how_to", "exec")


def test_an_ios_source_in_the_sandbox_goes_by_its_number(client: inb.Client) -> None:
    steps = client.create_source("app", "ios").how_to.steps
    assert 'IntemptTracker.track("flight-booking", withProperties: [["bookingId": "1"' in steps[1][1]
    words = shlex.split(steps[2][1])
    [refused] = requests.post(words[1], data=words[words.index("-d") + 1], timeout=30).json()["refused"]
    assert refused["message"] == "the source has no collection 'flight-booking'"


def test_of_the_real_service_only_what_is_known_is_said() -> None:
    example = Example.choose("js", [])
    told = str(how_to(Source("1", "web", type="js"), example, "https://api.intempt.com", "OrgABC"))
    assert "Customer Data Platform → Sources" in told
    assert "window._intempt['YOUR_TRACKER_NUMBER'].track(" in told
    assert "<script" not in told
    assert "curl" not in str(how_to(Source("1", "app", type="ios"), example, "https://api.intempt.com", "OrgABC"))


def test_examples_fit_their_schema(client: inb.Client, data: Path) -> None:
    for kind in ("js", "ios"):
        source = client.create_source(kind, kind)
        for collection in source.collections.values():
            example = Example.choose("api", [(collection.name, collection.kind, collection.schema)])
            assert collection.schema.validate([dict(example.item)]).empty, (kind, collection.name)


def test_a_source_whose_collections_may_not_be_read_is_shown_all_the_same(client: inb.Client) -> None:
    source = client.create_source("closed", "js")
    with client.sandbox.faults({"path": "/sources/*/collections", "status": 403}):
        assert "track(" in str(source)


def test_a_representation_asks_nothing(client: inb.Client) -> None:
    source = client.sources["nowhere"]
    assert "nothing asked" in repr(source)
    with pytest.raises(inb.NotFoundError):
        str(source)
