"""The explorer as a person drives it, without a browser."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.api import endpoints
from intempt_nb.api.transport import Transport
from intempt_nb.errors import TransportError
from intempt_nb.widgets import namespace
from intempt_nb.widgets.exploring.widget import Explorer
from panels import act

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def world(data: Path) -> Iterator[inb.Client]:
    """A client of a sandbox with flights and airlines, and a web source with its own collections."""
    with inb.sandbox() as client:
        shop = client.create_source("air", title="Air traffic")
        airlines = shop.create_collection("airlines", inb.infer_schema(data / "airlines.csv").schema)
        airlines.create_identifier("carrier", ["carrier"])
        airlines.upload(data / "airlines.csv", progress=False)
        schema = inb.infer_schema(data / "flights.csv").schema.with_field({"name": "eventId", "type": "string"})
        flights = shop.create_collection("flights", schema, "event", title="Flights of 2013")
        flights.create_identifier("eventId", ["eventId"])
        flights.create_identifier("airline", ["carrier"], "foreign", airlines.primary)
        flights.create_relation("flown by", "airline")
        flights.upload(data / "flights.csv", progress=False)
        client.create_source("mywebsource", "js")
        yield client


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are asked, in order."""
    seen: list[str] = []
    get_chunks, get_json = Transport.get_chunks, Transport.get_json

    def chunks(self: Transport, href: str, params: Any = None) -> Any:
        seen.append(f"{href} {params}")
        return get_chunks(self, href, params)

    def whole(self: Transport, href: str, params: Any = None) -> Any:
        seen.append(href)
        return get_json(self, href, params)

    monkeypatch.setattr(Transport, "get_chunks", chunks)
    monkeypatch.setattr(Transport, "get_json", whole)
    return seen


@pytest.fixture
def explorer(world: inb.Client) -> Explorer:
    explorer = Explorer(world)
    explorer.wait(60)
    return explorer


@pytest.fixture(autouse=True)
def notebook(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    monkeypatch.setattr(namespace, "variables", lambda: variables)
    monkeypatch.setattr("intempt_nb.widgets.exploring.showing.variables", lambda: variables)
    return variables


def choose(explorer: Explorer, name: str, tab: str = "fields") -> dict[str, Any]:
    act(explorer, "tab", name=tab)
    act(explorer, "choose", collection=explorer._client.collections[name].id)
    return explorer.state["chosen"]


def leaves(explorer: Explorer) -> dict[str, list[str]]:
    return {each["name"]: [one["name"] for one in each["collections"]] for each in explorer.state["tree"]["sources"]}


def test_the_tree_has_sources_and_their_collections(explorer: Explorer) -> None:
    assert leaves(explorer)["air"] == ["airlines", "flights"]
    assert {"visitor", "page", "interaction"} <= set(leaves(explorer)["mywebsource"])
    assert explorer.collection is None
    assert explorer.code == ""


@pytest.mark.parametrize(
    ("text", "found", "fields"),
    [
        ("FLIGHTS of", {"air": ["flights"]}, ""),  # a title
        ("tailnum", {"air": ["flights"]}, "tailnum"),  # a field
        ("air traf", {"air": ["airlines", "flights"]}, ""),  # a source
        ("nothing like it", {}, None),
    ],
)
def test_a_search_finds_names_titles_and_fields(
    explorer: Explorer, text: str, found: dict[str, list[str]], fields: str | None
) -> None:
    act(explorer, "search", text=text)
    assert leaves(explorer) == found
    if found:
        assert explorer.state["tree"]["sources"][0]["collections"][-1]["fields"] == fields


def test_fields_need_no_request_but_the_count(explorer: Explorer, asked: list[str]) -> None:
    chosen = choose(explorer, "flights")
    assert explorer.collection.name == "flights"
    assert chosen["content"]["rows"][0] == ["eventId", "string", "no", "", ""]
    assert chosen["count"]["text"] == "20,000 rows"
    assert [each for each in asked if "/data" in each] == [f"collections/{explorer.collection.id}/data {{'limit': 1}}"]


def test_links_lead_there_and_back(explorer: Explorer) -> None:
    there = choose(explorer, "flights", "links")["content"]
    assert ["airline", "foreign", "carrier", "air/airlines, carrier (carrier)"] in there["identifiers"]["rows"]
    assert there["relations"]["rows"] == [["flown by", "many to one", "airline"]]
    back = choose(explorer, "airlines", "links")["content"]
    assert back["referrers"]["rows"] == [["air/flights", "airline", "carrier"]]
    flights, airlines = (explorer._client.collections[name].id for name in ("flights", "airlines"))
    for drawn in (there["diagram"], back["diagram"]):
        assert drawn["links"] == [{"from": [flights, "carrier"], "to": [airlines, "carrier"], "label": "airline"}]
    assert [each["title"] for each in back["diagram"]["boxes"]] == ["airlines", "flights"]
    assert choose(explorer, "page", "links")["content"]["identifiers"]["rows"]


def test_rows_are_the_first_twenty(explorer: Explorer) -> None:
    rows = choose(explorer, "flights", "rows")["content"]
    assert (len(rows["rows"]), rows["count"]) == (20, 20)
    assert rows["rows"][0][1:5] == ["2013", "1", "1", "558"]
    empty = choose(explorer, "visitor", "rows")
    assert (empty["content"]["rows"], empty["count"]["text"]) == ([], "0 rows")


def test_columns_are_profiled_from_a_sample_that_is_named_as_one(explorer: Explorer) -> None:
    found = choose(explorer, "flights", "columns")["content"]
    assert found["note"] == "A sample: the first 10,000 rows of 20,000."
    by_name = {each["name"]: each for each in found["rows"]}
    assert by_name["origin"]["distinct"] == "3"
    assert by_name["dep_delay"]["picture"]["src"].startswith("data:image/svg+xml;base64,")
    assert choose(explorer, "airlines", "columns")["content"]["note"] == "All 16 rows."


def test_what_was_asked_is_not_asked_again_before_a_refresh(explorer: Explorer, asked: list[str]) -> None:
    for _ in range(2):
        for name in ("flights", "airlines"):
            for tab in ("rows", "links", "columns"):
                choose(explorer, name, tab)
    data = [each for each in asked if "/data" in each]
    assert len(data) == 2 * 3  # the count, the first rows, the sample
    act(explorer, "refresh")
    assert explorer.collection.name == "airlines"
    assert len([each for each in asked if "/data" in each]) == 2 * 3 + 2  # the count and the tab that is shown


def test_a_large_collection_is_never_read_whole_by_looking_at_it(
    client: inb.Client, shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = {"type": "record", "name": "many", "fields": [{"name": "id", "type": "long"}]}
    many = shop.create_collection("many", schema)
    many.create_identifier("id", ["id"])
    many.upload(pd.DataFrame({"id": range(50_000)}), progress=False)
    served = 0
    page = endpoints.data_page

    def counted(*args: Any, **named: Any) -> Iterator[bytes]:
        nonlocal served
        for chunk in page(*args, **named):
            served += bytes(chunk).count(b'"matches"')
            yield chunk

    monkeypatch.setattr(endpoints, "data_page", counted)
    explorer = Explorer(client)
    explorer.wait(60)
    for tab in ("fields", "links", "rows", "columns", "load"):
        choose(explorer, "many", tab)
    assert explorer.state["chosen"]["count"]["text"] == "50,000 rows"
    assert served == 1 + 20 + 10_000
    act(explorer, "load", wait=60)
    assert len(explorer.data) == 50_000


def test_load_puts_a_frame_into_the_notebook_as_its_code_does(
    explorer: Explorer, world: inb.Client, notebook: dict[str, Any]
) -> None:
    notebook["client"] = world
    choose(explorer, "flights", "load")
    act(explorer, "all_columns", on=False)
    for at in (12, 11):
        act(explorer, "column", at=at, on=True)
    act(explorer, "form", name="limit", value="1,000")
    act(explorer, "form", name="backend", value="numpy_nullable")
    state = act(explorer, "load")
    arguments = 'columns=["flight", "tailnum"], limit=1000, dtype_backend="numpy_nullable"'
    lines = arguments.replace("], ", "],\n    ").replace("1000, ", "1000,\n    ")
    assert explorer.code == f'flights = client.sources["air"].collections["flights"].load(\n    {lines},\n)\n'
    assert state["notice"] == {"kind": "success", "text": "flights is in the notebook, with 1,000 rows and 2 columns"}
    assert notebook["flights"] is explorer.data
    loaded = explorer.data
    exec(explorer.code, notebook)
    pd.testing.assert_frame_equal(notebook["flights"], loaded)


def test_all_rows_are_a_choice_that_names_their_number(explorer: Explorer, notebook: dict[str, Any]) -> None:
    form = choose(explorer, "flights", "load")["content"]
    assert (form["limit"], form["everything"], form["all"]) == ("100000", False, "All rows (20,000)")
    act(explorer, "form", name="everything", value=True)
    assert explorer.code.endswith('.collections["flights"].load()\n')
    act(explorer, "load")
    assert notebook["flights"].shape == (20_000, 20)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("limit", "many", "'many' is no number of rows"),
        ("limit", "9" * 5000, "is no number of rows"),
        ("limit", "-1", "is no number of rows"),
        ("variable", "2nd", "use letters, digits and _"),
        ("variable", "import", "import is a word of Python; choose another name"),
    ],
)
def test_a_form_with_problems_says_them_and_loads_nothing(
    explorer: Explorer, notebook: dict[str, Any], name: str, value: str, said: str
) -> None:
    choose(explorer, "airlines", "load")
    state = act(explorer, "form", name=name, value=value)
    assert said in state["chosen"]["content"]["problems"][name]["message"]
    act(explorer, "load")
    assert explorer.code == ""
    assert notebook == {}


def test_a_load_takes_the_place_of_frames_only(
    explorer: Explorer, world: inb.Client, notebook: dict[str, Any], held: threading.Event
) -> None:
    notebook["client"] = world
    act(explorer, "tab", name="load")
    act(explorer, "choose", collection=world.collections["flights"].id, wait=None)
    content = act(explorer, "form", wait=None, name="variable", value="client")["chosen"]["content"]
    assert content["problems"]["variable"]["message"] == "client is a Client in this notebook; choose another name"
    assert content["replaces"] is False
    assert act(explorer, "load", wait=None)["chosen"]["content"]["loading"] is False
    assert notebook == {"client": world}
    act(explorer, "form", wait=None, name="variable", value="rows")
    act(explorer, "load", wait=None)
    notebook["rows"] = len  # while it comes
    held.set()
    explorer.wait(60)
    assert explorer.state["notice"]["text"] == "rows is a function in this notebook; choose another name"
    assert notebook["rows"] is len
    assert len(explorer.data) == 20_000
    notebook["rows"] = pd.DataFrame()
    assert act(explorer, "tab", name="load")["chosen"]["content"]["replaces"] is True
    act(explorer, "load")
    assert notebook["rows"] is explorer.data


def test_it_says_what_it_is_of_and_what_it_takes(explorer: Explorer) -> None:
    assert repr(explorer) == f"<Explorer of {explorer._client.org}: shows itself in a notebook>"
    with pytest.raises(inb.DataError, match=r"found NoneType; expected a client: inb.Client\(…\)"):
        Explorer(None)


def test_a_name_that_is_taken_by_something_else_is_not_offered(explorer: Explorer, notebook: dict[str, Any]) -> None:
    notebook["airlines"] = "mine"
    assert choose(explorer, "airlines", "load")["content"]["variable"] == "airlines_rows"


def test_a_source_that_may_not_be_read_says_so_and_the_rest_goes_on(world: inb.Client) -> None:
    closed = world.sources["mywebsource"].id
    with world.sandbox.faults({"path": f"/sources/{closed}/collections", "status": 403, "message": "not yours"}):
        explorer = Explorer(world)
        explorer.wait(60)
    problems = {each["name"]: each["problem"] for each in explorer.state["tree"]["sources"]}
    assert "not yours" in problems["mywebsource"]
    assert problems["air"] is None
    assert choose(explorer, "flights")["count"]["text"] == "20,000 rows"


def test_errors_stand_at_their_part_and_can_be_tried_again(explorer: Explorer, world: inb.Client) -> None:
    with world.sandbox.faults({"path": "/collections/*/data", "status": 403, "message": "no rows for you"}):
        chosen = choose(explorer, "flights", "rows")
        assert "no rows for you" in chosen["problem"]
        assert "no rows for you" in chosen["count"]["problem"]
        assert act(explorer, "tab", name="fields")["chosen"]["content"]["rows"]
        act(explorer, "tab", name="rows")
    chosen = act(explorer, "retry")["chosen"]
    assert (len(chosen["content"]["rows"]), chosen["count"]["text"]) == (20, "20,000 rows")


def test_a_load_that_fails_says_so_and_changes_nothing(explorer: Explorer, world: inb.Client) -> None:
    choose(explorer, "flights", "load")
    with world.sandbox.faults({"path": "/collections/*/data", "status": 403, "message": "no rows for you"}):
        state = act(explorer, "load")
    assert "no rows for you" in state["notice"]["text"]
    assert explorer.data is None


def test_a_service_that_cannot_be_reached_is_said_in_the_tree(
    world: inb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise TransportError("no connection")

    with monkeypatch.context() as patch:
        patch.setattr(Transport, "get_json", gone)
        explorer = Explorer(world)
        explorer.wait(60)
    assert explorer.state["tree"]["problem"] == "no connection"
    act(explorer, "refresh")
    assert explorer.state["tree"]["problem"] is None
    assert "air" in leaves(explorer)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, world: inb.Client) -> Iterator[threading.Event]:
    """Pages of flights wait until this is set; a page was asked for when `held.asked` is."""
    release = threading.Event()
    page = endpoints.data_page
    slow = world.collections["flights"].id

    def waiting(transport: Transport, coll_id: str, **named: Any) -> Iterator[bytes]:
        if coll_id == slow:
            assert release.wait(60)
        yield from page(transport, coll_id, **named)

    monkeypatch.setattr(endpoints, "data_page", waiting)
    yield release
    release.set()


def test_a_click_need_not_wait_for_the_answer_to_an_earlier_one(explorer: Explorer, held: threading.Event) -> None:
    flights, airlines = (explorer._client.collections[name].id for name in ("flights", "airlines"))
    act(explorer, "tab", name="rows")
    state = act(explorer, "choose", collection=flights, wait=None)
    assert state["chosen"]["content"] is None
    assert state["busy"] == "Reading the first rows of flights"
    chosen = act(explorer, "choose", collection=airlines)["chosen"]
    assert (chosen["name"], len(chosen["content"]["rows"]), explorer.state["busy"]) == ("airlines", 16, None)
    before = explorer.state
    held.set()
    for thread in [each for each in threading.enumerate() if each.name in ("intempt-nb rows", "intempt-nb count")]:
        thread.join(60)
    assert explorer.state is before  # what came late was dropped
    assert act(explorer, "choose", collection=flights)["chosen"]["count"]["text"] == "20,000 rows"


def test_a_load_can_be_cancelled(explorer: Explorer, held: threading.Event, notebook: dict[str, Any]) -> None:
    act(explorer, "tab", name="load")
    act(explorer, "choose", collection=explorer._client.collections["flights"].id, wait=None)
    assert act(explorer, "load", wait=None)["busy"] == "Loading flights"
    state = act(explorer, "cancel", wait=None)
    assert "cancelled" in state["notice"]["text"]
    held.set()
    for thread in [each for each in threading.enumerate() if each.name == "intempt-nb load"]:
        thread.join(60)
    assert explorer.data is None
    assert "flights" not in notebook


def test_hostile_names_and_values_stay_text_and_short(client: inb.Client, shop: inb.SourceHandle) -> None:
    evil = "<img src=x onerror=alert(1)>"
    fields = [
        {"name": "id", "type": "string", "title": evil, "doc": "d" * 10_000},
        {"name": "v", "type": ["null", "string"]},
    ]
    things = shop.create_collection("things", {"type": "record", "name": "t", "fields": fields}, title=evil * 400)
    things.create_identifier("key", ["id"])
    values = [evil, "x" * 10_000, "\u202egnirts", "a\"b'c\\", ""]
    things.upload(pd.DataFrame({"id": values, "v": values}), progress=False)
    explorer = Explorer(client)
    explorer.wait(60)
    for tab in ("fields", "links", "rows", "columns", "load"):
        state = choose(explorer, "things", tab)
        assert len(json.dumps(state)) < 10_000
    rows = choose(explorer, "things", "rows")["content"]["rows"]
    assert {each[0] for each in rows} == {evil, "x" * 79 + "…", *values[2:]}


def test_a_thousand_fields_stay_below_300_kb(client: inb.Client, shop: inb.SourceHandle) -> None:
    names = [f"field_with_a_long_name_{at:04}" for at in range(1000)]
    fields = [{"name": name, "type": ["null", "double"], "doc": "about " * 20} for name in names]
    wide = shop.create_collection("wide", {"type": "record", "name": "w", "fields": fields})
    wide.create_identifier("key", [names[0]])
    frame = pd.DataFrame({name: [at + 0.123456789 for at in range(30)] for name in names})
    wide.upload(frame, progress=False, limits=inb.Limits(batch_bytes=10**7, item_bytes=10**6))
    explorer = Explorer(client)
    explorer.wait(60)
    for tab in ("fields", "links", "rows", "columns", "load"):
        choose(explorer, "wide", tab)
        assert explorer.state["chosen"]["content"] is not None
        assert len(json.dumps(explorer.state)) < 300_000, tab
    act(explorer, "tab", name="columns")
    last = act(explorer, "page", to=99)["chosen"]["content"]
    assert (last["page"], last["rows"][-1]["name"]) == (9, names[-1])


def test_the_state_has_no_key_and_no_nan(explorer: Explorer) -> None:
    choose(explorer, "flights", "columns")
    text = json.dumps(explorer.state, allow_nan=False)
    assert explorer._client._transport._key.reveal() not in text
