"""The tracker against a real sandbox over HTTP: nothing lost, nothing twice, nobody kept waiting."""

from __future__ import annotations

import io
import json
import logging
import pickle
import re
import subprocess
import sys
import textwrap
import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

import intempt_nb as inb
from intempt_nb.server.serve import EmbeddedServer
from intempt_nb.tracker import Flushed, Tracker
from intempt_nb.transfer import delivery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOOKING = {"bookingId": "1", "flightId": "1", "bookingStatus": "booked", "bookingDate": "2020-05-25"}
SCHEMA = {
    "type": "record",
    "name": "flight_booking",
    "fields": [
        {"name": "bookingId", "type": "string"},
        {"name": "flightId", "type": "string"},
        {"name": "visitorId", "type": "string"},
        {"name": "eventId", "type": "string"},
        {"name": "bookingStatus", "type": "string"},
        {"name": "bookingDate", "type": {"type": "string", "logicalType": "date"}},
    ],
}


def make(source: inb.SourceHandle, name: str = "flight-booking") -> inb.CollectionHandle:
    bookings = source.create_collection(name, SCHEMA, kind="event")
    bookings.create_identifier("profileId", fields=["eventId"])
    return bookings


@pytest.fixture
def bookings(shop: inb.SourceHandle) -> inb.CollectionHandle:
    """The collection of the seed, in the source ``shop``."""
    return make(shop)


@pytest.fixture
def tracker(shop: inb.SourceHandle, bookings: inb.CollectionHandle) -> Iterator[Tracker]:
    """A tracker that sends when it is told to."""
    tracker = Tracker(shop, flush_interval=600.0, flush_at=10_000)
    yield tracker
    tracker._end(5.0)


class Between:
    """Middleware that sees the bodies of the bulk endpoint, and may answer in place of the sandbox."""

    def __init__(self, app: Any, decide: Callable[[dict[str, Any]], Any]) -> None:
        self.app = app
        self.decide = decide

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or "/sources/" not in scope["path"]:
            return await self.app(scope, receive, send)
        message = await receive()
        text = message["body"]
        while message.get("more_body"):
            message = await receive()
            text += message["body"]
        answer = self.decide(json.loads(text))

        async def replay() -> dict[str, Any]:
            return {"type": "http.request", "body": text, "more_body": False}

        return await (self.app(scope, replay, send) if answer is None else answer(scope, receive, send))


@contextmanager
def between(decide: Callable[[dict[str, Any]], Any], *collections: str, **options: Any) -> Iterator[Tracker]:
    """Yield a tracker of collections of the seed's kind behind a server whose answers `decide` may give."""
    with (
        EmbeddedServer(middleware=[Middleware(Between, decide=decide)]) as server,
        inb.Client(server.org, server.api_key, server.url) as client,
    ):
        source = client.create_source("shop")
        for name in collections:
            make(source, name)
        tracker = Tracker(source, **{"flush_interval": 600.0, "flush_at": 10_000} | options)
        yield tracker
        tracker._end(5.0)


def refusal(status: int = 400, **more: Any) -> JSONResponse:
    return JSONResponse({"status": status, "error": "Bad Request", "message": "no poison here", **more}, status)


def test_the_seeds_example(
    shop: inb.SourceHandle,
    bookings: inb.CollectionHandle,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.INFO, "intempt_nb.tracker")
    lines = ["[Intempt] Flushing events queue 1", "[Intempt] Successfully sent batch of event"]
    with Tracker(shop, verbose=True) as tracker:
        event_id = tracker.track("flight-booking", BOOKING)
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [("INFO", line) for line in lines]
    assert capsys.readouterr().out.splitlines() == lines
    [stored] = bookings.load().astype({"bookingDate": "string"}).to_dict("records")
    assert stored == BOOKING | {"eventId": event_id, "visitorId": tracker.visitor_id}
    assert re.fullmatch("[0-9a-f]{32}", tracker.visitor_id)
    assert uuid.UUID(event_id).version == 4


def test_an_output_that_was_closed_keeps_no_event_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with between(lambda body: None, "a", verbose=True) as tracker:
        closed = io.StringIO()
        closed.close()
        monkeypatch.setattr(sys, "stdout", closed)
        tracker.track("a", BOOKING)
        assert tracker.flush() == Flushed(sent=1, rejected=0, queued=0)


@pytest.mark.parametrize("options", [{"flush_at": 2}, {"flush_interval": 0.1}])
def test_events_are_sent_by_themselves_when_many_or_old(options: dict[str, Any]) -> None:
    arrived = threading.Event()
    with between(lambda body: arrived.set(), "a", **options) as tracker:
        for _ in range(2):
            tracker.track("a", BOOKING)
        assert arrived.wait(30)


def test_default_collections_get_their_time(client: inb.Client) -> None:
    source = client.create_source("web", type="js")
    with Tracker(source) as tracker:
        tracker.track("view", {"title": "Home"})
        tracker.track("profile", {"email": "a@b.c", "visitorId": "own"})
    assert source.collections["view"].load()["timestamp"].notna().all()
    assert source.collections["profile"].load()["visitorId"].tolist() == ["own"]


def test_mistakes_show_where_they_are_made(tracker: Tracker, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(inb.DataError, match=r"no collection 'flight-bookin' .*; did you mean 'flight-booking'"):
        tracker.track("flight-bookin", BOOKING)
    with pytest.raises(inb.DataError, match="no such day, in an event for 'flight-booking'") as caught:
        tracker.track("flight-booking", BOOKING | {"bookingDate": "2020-02-30"})
    assert caught.value.field == "bookingDate"
    with pytest.raises(inb.DataError, match=r"4\d,\d{3} bytes as JSON, .*; it may have 32,000"):
        tracker.track("flight-booking", BOOKING | {"flightId": "x" * 40_000})
    assert tracker.queued == 0
    for _ in range(3):
        tracker.track("flight-booking", BOOKING | {"bookingdate": "2020-05-26"})
    [told] = [each.getMessage() for each in caplog.records]
    assert told.startswith("[Intempt] 'bookingdate' in events for 'flight-booking' is not sent: ")
    assert "did you mean 'bookingDate'?" in told


def test_many_threads_lose_nothing_and_send_nothing_twice() -> None:
    arrived: list[str] = []
    ids: list[str | None] = []

    def work(tracker: Tracker) -> None:
        ids.extend(tracker.track("flight-booking", BOOKING) for _ in range(200))

    def record(body: dict[str, Any]) -> None:
        arrived.extend(event["eventId"] for event in body["flight-booking"])

    with between(record, "flight-booking", flush_at=7) as tracker:
        threads = [threading.Thread(target=work, args=(tracker,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tracker.flush().queued == 0
    assert len(ids) == 1_600
    assert sorted(arrived) == sorted(map(str, ids))


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500, "after": True}, {"drop": "after"}, {"status": 429}])
def test_events_outlive_a_server_that_fails(
    client: inb.Client, bookings: inb.CollectionHandle, tracker: Tracker, fault: dict[str, Any]
) -> None:
    ids = [tracker.track("flight-booking", BOOKING) for _ in range(20)]
    with client.sandbox.faults({"path": "/sources/*/data", "on": [1, 2], **fault}):
        assert tracker.flush() == Flushed(sent=20, rejected=0, queued=0)
    assert sorted(bookings.load()["eventId"]) == sorted(map(str, ids))


def is_bad(event: dict[str, Any]) -> bool:
    return "poison" in str(event["flightId"])


def refuse(body: dict[str, Any]) -> JSONResponse | None:
    return refusal() if any(is_bad(event) for events in body.values() for event in events) else None


def refuse_by_name(body: dict[str, Any]) -> JSONResponse | None:
    errors = [
        {"collection": name, "index": index, "field": "flightId", "message": "poison"}
        for name, events in body.items()
        for index, event in enumerate(events)
        if is_bad(event)
    ]
    return refusal(errors=errors) if errors else None


@pytest.mark.parametrize(
    ("decide", "said"), [(refuse, (None, "no poison here")), (refuse_by_name, ("flightId", "poison"))]
)
def test_refused_events_are_kept_and_the_others_get_through(
    decide: Any, said: tuple[str | None, str], caplog: pytest.LogCaptureFixture
) -> None:
    with between(decide, "a", "b") as tracker:
        for index in range(30):
            poison = "poison" if index in (3, 4, 20) else ""
            tracker.track("ab"[index % 2], BOOKING | {"bookingId": str(index), "flightId": poison})
        assert tracker.flush() == Flushed(sent=27, rejected=3, queued=0)
        for name in "ab":
            stored = tracker.source.collections[name].load()["bookingId"]
            expected = {str(each) for each in range("ab".index(name), 30, 2)} - {"3", "4", "20"}
            assert set(stored) == expected
        rejected = {(each.collection, each.event["bookingId"], each.field, each.reason) for each in tracker.rejected}
    assert rejected == {("b", "3", *said), ("a", "4", *said), ("a", "20", *said)}
    [warning] = [each for each in caplog.records if each.levelname == "WARNING"]
    assert warning.getMessage().startswith("[Intempt] The server refused 3 events, kept in tracker.rejected; the last")


def test_a_collection_without_a_key_spoils_no_other(shop: inb.SourceHandle, bookings: inb.CollectionHandle) -> None:
    shop.create_collection("keyless", SCHEMA, kind="event")
    with Tracker(shop) as tracker:
        tracker.track("keyless", BOOKING)
        tracker.track("flight-booking", BOOKING)
        assert tracker.flush() == Flushed(sent=1, rejected=1, queued=0)
    assert "has no primary identifier" in tracker.rejected[0].reason
    assert len(bookings.load()) == 1


def test_an_event_that_the_server_breaks_on_is_given_up_after_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "STUBBORN", 1)
    broken = refusal(500)
    with between(lambda body: broken if any(map(is_bad, body["a"])) else None, "a") as tracker:
        for flight in ("poison", "1", "2"):
            tracker.track("a", BOOKING | {"flightId": flight})
        assert tracker.flush() == Flushed(sent=2, rejected=1, queued=0)
        assert tracker.rejected[0].event["flightId"] == "poison"
        tracker.track("a", BOOKING | {"flightId": "poison"})  # alone it proves nothing
        with pytest.raises(inb.ServerError):
            tracker.flush()
        assert tracker.queued == 1
        tracker.track("a", BOOKING)
        assert tracker.flush() == Flushed(sent=1, rejected=1, queued=0)


def test_a_full_queue_drops_the_newest_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    go_on = threading.Event()
    with between(lambda body: go_on.wait(30) and None, "a", max_queue=2) as tracker:
        kept = [tracker.track("a", BOOKING) for _ in range(2)]
        assert tracker.flush(timeout=0.05).queued == 2  # what is under way takes room, too
        assert [tracker.track("a", BOOKING) for _ in range(3)] == [None] * 3
        assert (tracker.queued, tracker.dropped) == (2, 3)
        assert len(caplog.records) == 1
        assert "The queue is full (2 events)" in caplog.text
        go_on.set()
        assert tracker.flush().queued == 0
        assert tracker.track("a", BOOKING) is not None
        assert tracker.flush().sent == 1
        assert set(kept) < set(tracker.source.collections["a"].load()["eventId"])


def test_a_wrong_key_is_told_and_the_events_wait(
    client: inb.Client, bookings: inb.CollectionHandle, tracker: Tracker, caplog: pytest.LogCaptureFixture
) -> None:
    tracker.track("flight-booking", BOOKING)
    with client.sandbox.faults({"path": "/sources/*/data", "status": 401}):
        for _ in range(2):
            with pytest.raises(inb.AuthenticationError):
                tracker.flush()
        tracker.track("flight-booking", BOOKING)
        assert tracker.queued == 2
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert tracker.flush().sent == 2
    assert len(bookings.load()) == 2


def test_closing_ends_when_the_server_does_not_answer(caplog: pytest.LogCaptureFixture) -> None:
    with EmbeddedServer() as server:
        source = inb.Client(server.org, server.api_key, server.url).create_source("shop")
        make(source)
        tracker = Tracker(source)
    assert tracker.track("flight-booking", BOOKING)
    tracker.close(timeout=0.1)
    assert tracker.queued == 1
    assert caplog.messages == ["[Intempt] 1 event given up: not confirmed by the server within 0.1 s"]
    tracker.close()
    with pytest.raises(inb.TransportError, match="closed; make a new one"):
        tracker.track("flight-booking", BOOKING)


def test_a_client_that_was_closed_before_is_told(shop: inb.SourceHandle, bookings: inb.CollectionHandle) -> None:
    tracker = Tracker(shop, flush_interval=600.0)
    tracker.track("flight-booking", BOOKING)
    shop._transport.close()
    with pytest.raises(inb.TransportError, match="closed"):
        tracker.close()
    assert tracker.queued == 1


PROGRAM = """
    import os, sys
    import intempt_nb as inb
    from intempt_nb.tracker import Tracker

    client = inb.Client("{org}", "{key}", "{url}")
    tracker = Tracker(client.sources["shop"], flush_interval=600.0)
    tracker.track("flight-booking", {booking!r})
"""

FORK = f"""
    if not os.fork():
        tracker.track("flight-booking", {BOOKING | {"flightId": "child"}!r})
        sys.exit()
    os.wait()
"""


def run(server: EmbeddedServer, more: str = "") -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(PROGRAM).format(org=server.org, key=server.api_key, url=server.url, booking=BOOKING)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code + textwrap.dedent(more)]  # of fork()
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_end_of_a_program_sends_what_is_left_and_forgets_no_warning() -> None:
    with EmbeddedServer() as server, inb.Client(server.org, server.api_key, server.url) as client:
        bookings = make(client.create_source("shop"))
        assert run(server).stderr == ""
        assert len(bookings.load()) == 1
        down = run(server, "client._transport.close()")
    assert down.returncode == 0
    assert "1 event given up: this connection was closed" in down.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_a_forked_process_sends_its_own_events_only() -> None:
    bodies: list[dict[str, Any]] = []
    with EmbeddedServer(middleware=[Middleware(Between, decide=bodies.append)]) as server:
        with inb.Client(server.org, server.api_key, server.url) as client:
            make(client.create_source("shop"))
        done = run(server, FORK)
    assert done.stderr == ""
    assert [[each["flightId"] for each in body["flight-booking"]] for body in bodies] == [["child"], ["1"]]


def test_what_it_shows_of_itself_has_counts_and_no_key(client: inb.Client, tracker: Tracker) -> None:
    tracker.track("flight-booking", BOOKING)
    assert repr(tracker) == "Tracker('shop', queued=1, sent=0, rejected=0, dropped=0)"
    html = tracker._repr_html_()
    assert "Tracker of shop" in html
    assert tracker.visitor_id in html
    assert client._transport._key.reveal() not in html + repr(vars(tracker))
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(tracker)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "shop"}, r"source is 'shop'; expected a source: client.sources\['…'\]"),
        ({"visitor_id": 5}, "visitor_id is 5; expected text"),
        ({"flush_at": 0}, "flush_at is 0; expected a whole number of at least 1"),
        ({"max_queue": 0.5}, "max_queue is 0.5"),
        ({"flush_interval": 0}, "flush_interval is 0; expected seconds above zero"),
    ],
)
def test_arguments_that_cannot_be_used_are_told(shop: inb.SourceHandle, options: dict[str, Any], message: str) -> None:
    with pytest.raises(inb.ConfigurationError, match=message):
        Tracker(**{"source": shop} | options)
