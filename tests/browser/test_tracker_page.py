"""The tracker in a web page of another origin than the sandbox, and the demo page."""

from __future__ import annotations

import json
import re
import shlex
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

import intempt_nb as inb
from intempt_nb.server.serve import EmbeddedServer
from pagekit import AXE, SHOTS
from ports import free_port
from seed import HOST, SOURCE, VISITOR_KEY, exchanges, send_with_curl, track_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    Serve = Callable[..., str]

EVENTS = "/trackers/*/events"
SECRETS = ("hunter2", "4111111111111111", "typed by a person", "hidden-token", "123-pin", "not to be told")


@pytest.fixture(scope="module")
def host() -> Iterator[tuple[str, dict[str, str]]]:
    """A web server of somebody else: its address, and its pages by path."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path.partition("?")[0], "<!doctype html><title>none</title>").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(host: tuple[str, dict[str, str]], request: pytest.FixtureRequest) -> Serve:
    """Puts a page on the web, with a source's snippet in its head: ``serve(source, body)`` returns its address."""
    address, pages = host

    def put(source: inb.SourceHandle, body: str = "") -> str:
        path = f"/{request.node.name}"
        snippet = source.record.tracker_snippet
        pages[path] = (
            f"<!doctype html><html lang=en><head><title>Shop</title>{snippet}</head><body>{body}</body></html>"
        )
        return address + path

    return put


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


class Tab:
    """A page, what its console said, and what it sent."""

    def __init__(self, context: BrowserContext, source: inb.SourceHandle) -> None:
        self.page: Page = context.new_page()
        self.number = source.record.tracker_number
        self.said: list[str] = []
        self.errors: list[str] = []
        self.bodies: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "request", lambda request: request.method == "POST" and self.bodies.append(request.post_data or "")
        )

    def run(self, script: str) -> Any:
        return self.page.evaluate(script.replace("YOUR_TRACKER_NUMBER", self.number))

    def track(self, *events: Any) -> None:
        self.run(
            f"{json.dumps(events)}.map(([name, data]) => window._intempt['YOUR_TRACKER_NUMBER'].track(name, data))"
        )

    def visitor(self) -> str:
        return self.page.evaluate("localStorage['intempt.visitorId']")

    def until(self, condition: Callable[[], Any], seconds: float = 30) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, self.said
            self.page.wait_for_timeout(20)
        return found

    def until_said(self, pattern: str, times: int = 1) -> None:
        self.until(lambda: sum(bool(re.search(pattern, each)) for each in self.said) >= times)


def bookings(source: inb.SourceHandle) -> inb.CollectionHandle:
    """A collection of bookings as the seed has it, ready for events."""
    schema = re.search(r"-d '(.*?)'", exchanges()[0][0], re.DOTALL)
    assert schema is not None
    made = source.create_collection("flight-booking", json.loads(schema[1])["schema"], "event")
    made.create_identifier("profileId", ["eventId"])
    return made


def booking(number: int) -> tuple[str, dict[str, str]]:
    return "flight-booking", {
        "bookingId": str(number),
        "flightId": "1",
        "bookingStatus": "booked",
        "bookingDate": "2020-05-25",
    }


def ids(collection: inb.CollectionHandle) -> list[str]:
    return sorted(collection.load()["bookingId"].tolist())


def test_seed_000_from_the_source_to_a_data_frame(context: BrowserContext, serve: Serve) -> None:
    """The seed's commands and its line of JavaScript as they stand, but for the host, the key and the ids."""
    with EmbeddedServer(org="OrgABC", api_key="key") as server, inb.Client("OrgABC", "key", server.url) as client:
        source = client.create_source("mywebsource", "js")
        given_out = {SOURCE: source.id, VISITOR_KEY: source.collections["visitor"].primary.id}
        for command, example in exchanges():
            text = command.replace(HOST, server.url).replace("<YOUR_API_KEY>", "key")
            for old, new in given_out.items():
                text = text.replace(old, new)
            given_out[example["id"]] = send_with_curl(shlex.split(text))["id"]

        tab = Tab(context, source)
        tab.page.goto(serve(source))
        tab.until_said("Successfully sent")  # the page event of the start
        tab.said.clear()
        with tab.page.expect_console_message(lambda each: "Successfully" in each.text) as told:
            event_id = tab.run(track_line())
        assert tab.said == ["[Intempt] Flushing events queue 1", "[Intempt] Successfully sent batch of event"]
        assert told.value.location["url"].endswith("/intempt.min.js")

        frame = client.collections["flight-booking"].load()
        assert re.fullmatch("[0-9a-f]{32}", event_id)
        assert frame.astype(str).to_dict("records") == [
            {"eventId": event_id, "visitorId": tab.visitor(), **dict(booking(1)[1])}
        ]
        assert frame.dtypes.astype(str).to_dict() == {
            **dict.fromkeys(frame.columns, "string[pyarrow]"),
            "bookingDate": "date32[day][pyarrow]",
        }
        [page] = source.collections["page"].load().to_dict("records")
        assert (page["title"], page["pageUrl"]["path"]) == ("Shop", "/test_seed_000_from_the_source_to_a_data_frame")
        assert page["visitorId"] == tab.visitor()
        assert page["timestamp"] <= page["serverTimestamp"]
        assert tab.errors == []


def test_nothing_is_lost_or_doubled_by_reloads_and_a_server_that_is_away(
    context: BrowserContext, serve: Serve, tmp_path: Path
) -> None:
    place: dict[str, Any] = {"db": tmp_path / "s.db", "api_key": "k", "port": free_port()}
    server = EmbeddedServer(**place)
    with inb.Client(server.org, "k", server.url) as client:
        source = client.create_source("shop", "js")
        booked = bookings(source)
        tab = Tab(context, source)
        url = serve(source)
        tab.page.goto(url)
        tab.until_said("Successfully sent")
        visitor = tab.visitor()
        server.stop()
        tab.track(booking(1), booking(2))
        tab.until_said("Flushing events queue 2")
        tab.page.reload()  # the server is still away
        tab.track(booking(3))
        server = EmbeddedServer(**place)
        client.sandbox.faults({"path": EVENTS, "on": 1, "drop": "after"})  # stored, and nobody is told
        tab.said.clear()
        tab.page.reload()
        tab.until(lambda: "[Intempt] Successfully sent batch of event" in tab.said)
        tab.until(lambda: tab.page.evaluate("Object.keys(localStorage)") == ["intempt.visitorId"])
        assert ids(booked) == ["1", "2", "3"]
        assert set(booked.load()["visitorId"]) == {visitor} == {tab.visitor()}
        assert len(source.collections["page"].load()) == 3  # one for each time that it was loaded

        tab.track(booking(4))
        tab.page.goto("about:blank")  # before the queue's time has come
        tab.until(lambda: ids(booked) == ["1", "2", "3", "4"])
        assert tab.errors == []
    server.stop()


def test_two_tabs_share_one_queue(context: BrowserContext, serve: Serve, client: inb.Client) -> None:
    source = client.create_source("shop", "js")
    booked = bookings(source)
    tabs = [Tab(context, source) for _ in range(2)]
    for tab in tabs:
        tab.page.goto(serve(source))
        tab.until_said("Successfully sent")
    client.sandbox.faults({"path": EVENTS, "to": 2, "status": 429, "retry_after": 1})
    for number in range(12):
        tabs[number % 2].track(booking(number))
    stored = tabs[0].until(lambda: len(ids(booked)) == 12 and ids(booked))
    assert stored == sorted(str(number) for number in range(12))
    tabs[1].until(lambda: len(tabs[1].page.evaluate("Object.keys(localStorage)")) == 1)
    assert tabs[0].visitor() == tabs[1].visitor()
    assert len(source.collections["page"].load()) == 2


# Fields whose names hide what every element has; the browser's driver falls over it, so it comes last.
ODD = """<form id=odd><input name=children><input name=tagName><input name=matches><input name=closest>
<input name=getAttribute><input name=parentElement><button type=button>Odd</button></form>"""

FORM = """
<form id=login>
  <label>User <input name=user value=""></label>
  <label>Word <input name=word type=password></label>
  <label>Number <input name=number autocomplete="section-a cc-number" data-intempt></label>
  <label>Pin <input name=pin data-intempt></label>
  <input type=hidden name=csrf value=hidden-token data-intempt>
  <label>Coupon <input name=coupon data-intempt></label>
  <label>Seats <select name=seats><option value=1>one</option><option value=2>two</option></select></label>
  <label><input type=checkbox name=meal> Meal</label>
  <button id=go class="big blue">Go <b>now</b></button>
</form>
<button id=note>Note <span contenteditable>typed by a person</span></button>
<section data-intempt-ignore><button id=private>not to be told</button></section>
<div id=account>balance: typed by a person</div>
<a href="#more">More</a>
<a id=reset href="http://me:hunter2@127.0.0.1:1/reset?next=/a?token=hunter2/x&page=2">Reset</a>
<script>document.forms[0].addEventListener("submit", (event) => event.preventDefault());</script>
"""


def test_pages_and_clicks_come_by_themselves_and_nothing_that_was_typed(
    context: BrowserContext, serve: Serve, client: inb.Client
) -> None:
    source = client.create_source("shop", "js")
    tab = Tab(context, source)
    page = tab.page
    page.goto(f"{serve(source, FORM)}?from=mail&pass%77ord=hunter2#")
    tab.until_said("Successfully sent")
    for label, text in (("User", SECRETS[2]), ("Word", SECRETS[0]), ("Number", SECRETS[1]), ("Pin", SECRETS[4])):
        page.get_by_label(label).click()
        page.get_by_label(label).fill(text)
    page.get_by_label("Coupon").fill("SPRING")
    page.keyboard.press("Tab")
    page.get_by_label("Seats").select_option("2")
    page.get_by_text("Meal").click()
    for name in ("go", "note", "private", "account"):
        page.locator(f"#{name}").click()
    page.get_by_role("link", name="More").click()
    page.evaluate("document.querySelector('#reset').addEventListener('click', (event) => event.preventDefault())")
    page.locator("#reset").click()
    page.evaluate("history.pushState({}, '', '/thanks')")
    page.evaluate("history.pushState({}, '', '/thanks')")  # the same page again
    for _ in range(3):
        page.go_back()
        page.evaluate("new Promise((done) => setTimeout(done, 50))")  # the tracker looks at the address a moment later
    page.evaluate("(text) => document.body.insertAdjacentHTML('beforeend', text)", ODD)
    page.evaluate("document.querySelector('#odd button').click(); odd.dispatchEvent(new Event('submit'))")
    page.evaluate("odd.click()")
    tab.until(lambda: "#odd" in str(source.collections["interaction"].load()["element"].iloc[-1]["path"]))
    tab.until(lambda: len(source.collections["page"].load()) == 5)
    own = "/test_pages_and_clicks_come_by_themselves_and_nothing_that_was_typed"
    query = "from=mail&pass%77ord="
    here, more, thanks = (own, query, None), (own, query, "more"), ("/thanks", None, None)
    pages = source.collections["page"].load()
    assert [(url["path"], url["query"], url["fragment"]) for url in pages["pageUrl"]] == [
        here,
        more,
        thanks,
        more,
        here,
    ]
    assert pages["parentTimestamp"].tolist()[1:] == pages["timestamp"].tolist()[:-1]
    events = source.collections["interaction"].load()
    told = [
        (kind, each["tag"], each["name"], each["value"], each["checked"], each["text"])
        for kind, each in zip(events["type"], events["element"], strict=True)
    ]
    assert [each for each in told if each[0] != "click"] == [
        ("change", "input", "coupon", "SPRING", None, None),
        ("change", "select", "seats", "2", None, None),
        ("change", "input", "meal", "on", True, None),
        *[("submit", "form", None, None, None, None)] * 2,
    ]
    clicks = [each[1:] for each in told if each[0] == "click"]
    assert clicks == [
        *(("input", name, None, None, None) for name in ("user", "word", "number", "pin")),
        ("button", None, None, None, "Go now"),
        ("button", None, None, None, None),
        ("div", None, None, None, None),
        ("a", None, None, None, "More"),
        ("a", None, None, None, "Reset"),
        ("button", None, None, None, "Odd"),
        ("form", None, None, None, None),
    ]
    button, *_ = [each for each in events["element"] if each["tag"] == "button"]
    assert (button["id"], list(button["classList"]), button["path"]) == ("go", ["big", "blue"], "button#go")
    assert events["element"].iloc[-4]["href"] == "http://127.0.0.1:1/reset?next=/a?token=&page=2"
    joined = inb.analysis.join(source.collections["page"], source.collections["visitor"])
    assert joined.report.matched == 5
    assert tab.bodies
    assert not [secret for secret in SECRETS for body in tab.bodies if secret in body]
    assert tab.errors == []


def test_a_bad_event_is_dropped_with_the_reason_and_holds_no_other_up(
    context: BrowserContext, serve: Serve, client: inb.Client
) -> None:
    source = client.create_source("shop", "js")
    booked = bookings(source)
    tab = Tab(context, source)
    # Called before the tracker's script has come: kept for it, as it was then. So are the object and its function.
    early = f"""<script>const kept = window._intempt['{source.record.tracker_number}'], {{ track }} = kept;
        const [name, data] = {json.dumps(booking(0))}; kept.track(name, data); data.bookingId = "k";</script>"""
    tab.page.goto(serve(source, early))
    tab.until_said("Successfully sent")
    tab.run("kept.track(name, data); track(name, {...data, bookingId: 'kf'}); kept.track(name, new Map([['a', 1]]))")
    tab.until(lambda: ids(booked) == ["0", "k", "kf"])
    before = {"k", "kf"}
    name, good = booking(1)
    tab.track((name, {**good, "bookingId": 5}), ("flight-bookings", good), (name, {**good, "color": "red"}))
    tab.run("window._intempt['YOUR_TRACKER_NUMBER'].track('flight-booking', {n: 1n})")
    tab.run("window._intempt['YOUR_TRACKER_NUMBER'].track()")
    tab.run("window._intempt['YOUR_TRACKER_NUMBER'].track('flight-booking', {text: 'x'.repeat(40000)})")
    tab.until(lambda: {*ids(booked)} - before == {"0", "1"})
    tab.until_said('for "flight-booking" was refused and is dropped: bookingId: found 5; expected text')
    for reason in (
        'for "flight-bookings" was refused and is dropped: the source has no collection',
        '"flight-booking" has no field color: not kept',
        "Not tracked: TypeError: Do not know how to serialize a BigInt",
        r"Not tracked: TypeError: track\(\) needs the name of a collection",
        "Not tracked: TypeError: the properties are to be a plain object",
        "is larger than 30000 bytes and is dropped",
    ):
        tab.until_said(reason)

    client.sandbox.faults({"path": EVENTS, "to": 2, "status": 400, "message": "one of them"})
    tab.track(*(booking(number) for number in range(2, 5)))  # the three of them, then the first of them alone
    tab.until(lambda: {*ids(booked)} - before == {"0", "1", "3", "4"})
    tab.until_said("is dropped: one of them")
    tab.until(lambda: tab.page.evaluate("Object.keys(localStorage).length") == 1)

    tab.said.clear()
    tab.track(("page", {"title": 5}))
    tab.until_said("title: found 5")
    assert not [line for line in tab.said if "Successfully" in line]  # nothing was
    tab.page.evaluate("history.pushState({}, '', '/second')")
    tab.until(lambda: len(source.collections["page"].load()) == 2)
    source.collections["page"].delete()
    tab.page.evaluate("history.pushState({}, '', '/third')")
    tab.until_said("No page is told any more until the page is loaded again")
    assert tab.errors == []

    # A page may send and not read: the answer of any other path is kept from it, with and without the number.
    for path in ("sources", "collections", f"collections/{booked.id}/data"):
        url = f"{client.base_url}/v1/{client.org}/{path}"
        assert tab.page.evaluate(f"fetch('{url}').then(() => 'read', (error) => error.name)") == "TypeError"


HIDE = """Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});
    document.dispatchEvent(new Event('visibilitychange')); delete document.visibilityState;"""


def test_when_events_are_sent_and_when_not(context: BrowserContext, serve: Serve, client: inb.Client) -> None:
    source = client.create_source("shop", "js")
    booked = bookings(source)
    tab = Tab(context, source)
    clock = tab.page.clock
    clock.install(time=1_600_000_000)
    tab.page.goto(serve(source))
    clock.run_for(500)
    tab.until_said("Successfully sent")
    clock.pause_at(1_600_000_100)
    tab.bodies.clear()
    tab.track(*map(booking, range(19)))
    clock.run_for(400)
    assert tab.bodies == []
    tab.track(booking(19))  # with the twentieth they go at once
    clock.run_for(10)
    tab.until(lambda: len(ids(booked)) == 20)

    client.sandbox.faults({"path": EVENTS, "to": 1, "status": 429, "retry_after": 60})
    tab.track(booking(20))
    with tab.page.expect_response("**/events"):
        clock.run_for(600)
    tab.page.wait_for_timeout(200)  # until the page has it too; nothing there moves meanwhile
    tab.bodies.clear()
    tab.track(booking(21))
    tab.run(HIDE)
    clock.run_for(55_000)
    tab.run(HIDE)
    assert tab.bodies == []
    clock.run_for(10_000)
    tab.until(lambda: len(ids(booked)) == 22)

    tab.run(f"for (let i = 0; i < 2000; i++) window._intempt['{tab.number}'].track(...{json.dumps(booking(0))})")
    clock.run_for(10)
    tab.until(lambda: tab.page.evaluate("Object.keys(localStorage).length") == 1)
    assert len(booked.load()) == 2022
    tab.run("window.large = {more: 'x'.repeat(29_000), bookingId: '0'}")
    tab.run("window.kept = [...Array(70)].map(() => window._intempt['YOUR_TRACKER_NUMBER'].track('none', large))")
    assert tab.run("kept.findIndex((each) => !each)") == 68  # 2 MB
    tab.until_said("68 events wait for the server; further ones are dropped")
    clock.run_for(10)
    tab.until(lambda: tab.page.evaluate("Object.keys(localStorage).length") == 1)

    source.delete()
    tab.track(booking(5))
    clock.run_for(600)
    tab.until_said("kept and not sent until the page is loaded again: no source has this tracker number")
    tab.bodies.clear()
    tab.track(*map(booking, range(30)))
    tab.run(HIDE)
    clock.run_for(100_000)
    assert tab.bodies == []
    assert tab.errors == []


def test_where_the_browser_keeps_nothing_the_visitor_is_known_by_a_cookie(
    context: BrowserContext, serve: Serve, client: inb.Client, host: tuple[str, dict[str, str]]
) -> None:
    source = client.create_source("shop", "js")
    context.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})")
    tab = Tab(context, source)
    tab.page.goto(serve(source))
    tab.until_said("Successfully sent")
    tab.page.reload()
    tab.until_said("Successfully sent", times=2)
    visitors = source.collections["page"].load()["visitorId"].tolist()
    assert len(visitors) == 2
    assert len(set(visitors)) == 1

    # A frame without an origin has neither cookies nor locks; and older browsers have no locks anywhere.
    address, pages = host
    pages["/outer"] = f'<!doctype html><iframe sandbox="allow-scripts" src="{serve(source)}"></iframe>'
    frame, older = Tab(context, source), Tab(context, source)
    frame.page.goto(f"{address}/outer")
    older.page.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', {get() { return undefined; }})")
    older.page.goto(serve(source))
    for each in (tab, frame, older):
        each.until_said("Successfully sent")
        assert each.errors == []


OVERFLOWS = """[...document.querySelectorAll('form label > *')].map((each) => [each, each.parentElement])
    .filter((both) => both[0].getBoundingClientRect().right > both[1].getBoundingClientRect().right + 0.5)
    .map(([each]) => each.id)"""


def test_the_demo_page(context: BrowserContext, client: inb.Client) -> None:
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{client.base_url}/demo")
    page.get_by_role("combobox", name="To", exact=True).select_option("SFO")
    page.get_by_label("Passenger name").fill("Ada")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name=re.compile("^Book the flight")).first.press("Enter")
    page.get_by_role("button", name=re.compile("^Cancel")).click()
    expect(page.get_by_text("cancelled.")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("cancelled")
    expect(page.locator("#log")).to_contain_text("Flight demo")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    SHOTS.mkdir(parents=True, exist_ok=True)
    for theme, width in (("light", 1200), ("dark", 1200), ("dark", 360)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the screen"
        assert page.evaluate(OVERFLOWS) == []
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []
        page.screenshot(path=SHOTS / f"demo-{width}-{theme}.png", full_page=True)
    demo = client.sources["flight-demo"].collections
    searches, booked = demo["flight-search"].load(), demo["flight-booking"].load()
    assert searches[["destination", "passengers", "results"]].to_numpy().tolist() == [["SFO", 1, 4]]
    assert booked["bookingStatus"].tolist() == ["booked", "cancelled"]
    assert set(booked["flightId"]) <= set(demo["flight"].load()["flightId"])
    assert not demo["interaction"].load()["element"].astype(str).str.contains("Ada").any()

    client.sources["flight-demo"].delete()
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#count")).to_contain_text("The tracker has stopped: no source has this tracker number")
    page.route("**/intempt.min.js", lambda route: route.abort())
    page.reload()
    expect(page.locator("#count")).to_contain_text("did not load")
    assert errors == []
