"""The designer as a whole, driven as a browser would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.widgets import CollectionDesigner
from panels import act
from random_schemas import field, record

if TYPE_CHECKING:
    from pathlib import Path

THINGS = record(field("id", "string"), field("size", ["null", "long"]), name="things")


def problems(state: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["path"], each["key"], each["level"]) for each in state["problems"]]


def rows(state: dict[str, Any], *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row.get(key) for key in keys) for row in state["rows"]]


def test_a_collection_is_defined_from_nothing_and_created(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop)
    assert problems(designer.state) == [("head", "name", "error")]
    act(designer, "head", key="name", value=" flight-booking ")
    act(designer, "head", key="kind", value="event")
    act(designer, "head", key="title", value="Bookings")
    act(designer, "head", key="namespace", value="com.example")
    assert act(designer, "create")["notice"]["text"] == "Add a field first."
    state = act(designer, "add", into="/fields", at=None)
    assert state["focus"]["key"] == "/fields/0:name"
    act(designer, "set", path="/fields/0", key="name", value="eventId")
    act(designer, "paste", text="timestamp,flight", into="/fields")
    act(designer, "set", path="/fields/1", key="type", value="long")
    act(designer, "set", path="/fields/2", key="type", value="record")
    state = act(designer, "add", into=designer.state["rows"][2]["into"], at=None)
    assert rows(state, "path", "level", "name", "type")[-1] == ("/fields/2/type/fields/0", 2, "field", "string")
    assert problems(state) == []
    assert state["create"] == {
        "label": "Create collection", "enabled": True, "why": "", "losses": [], "question": None, "stale": False,
    }  # fmt: skip
    state = act(designer, "create")
    made = shop.collections["flight-booking"]
    assert designer.collection is not None
    assert state["created"] == {
        "name": "flight-booking", "id": designer.collection.id, "kind": "event", "fields": 3, "verb": "created",
    }  # fmt: skip
    assert (made.id, made.kind, made.record.title) == (designer.collection.id, "event", "Bookings")
    assert made.schema == designer.schema
    assert made.schema.to_avro()["namespace"] == "com.example"
    assert made.schema.record.name == "com.example.flight_booking"


def test_a_name_that_is_taken_updates_and_says_so_before(shop: inb.SourceHandle) -> None:
    there = shop.create_collection("things", THINGS, title="Old")
    designer = CollectionDesigner(shop, schema=THINGS, kind="event")
    assert ("head", "name", "warning") in problems(designer.state)
    assert designer.state["create"]["label"] == "Update collection"
    act(designer, "add", into="/fields", at=0)
    act(designer, "set", path="/fields/0", key="default", value="x")  # which the items that are there get
    state = act(designer, "create")
    assert (state["created"]["verb"], state["created"]["id"]) == ("updated", there.id)
    assert ("head", "name", "warning") not in problems(state)  # it is this one now
    made = shop.collections["things"]
    assert (made.schema.names, made.kind, made.record.title) == (["field", "id", "size"], "event", "")


def test_a_collection_is_changed_and_can_get_another_name(shop: inb.SourceHandle) -> None:
    shop.create_collection("others", THINGS)
    things = shop.create_collection("things", THINGS, kind="event", title="Things")
    designer = CollectionDesigner(shop.collections["things"])
    assert designer.schema == things.schema
    assert {key: designer.state["head"][key] for key in ("name", "title", "kind")} == {
        "name": "things", "title": "Things", "kind": "event",
    }  # fmt: skip
    assert problems(act(designer, "head", key="name", value="others"))[0] == ("head", "name", "error")
    act(designer, "head", key="name", value="parts")
    act(designer, "create")
    assert shop.collections["parts"].id == things.id
    assert sorted(shop.collections) == ["others", "parts"]


def test_what_the_server_refuses_stands_at_its_cell_until_the_next_edit(
    shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)

    def refuse(*_: object) -> None:
        raise inb.RejectedError("'title' is too long", 400)

    monkeypatch.setattr(inb.SourceHandle, "create_collection", refuse)
    state = act(designer, "create")
    assert ("head", "title", "error") in problems(state)
    assert state["create"]["enabled"]
    assert ("head", "title", "error") not in problems(act(designer, "head", key="title", value="x"))


def test_other_errors_of_the_server_are_told_in_its_words_alone(shop: inb.SourceHandle) -> None:
    shop.create_collection("users", THINGS, kind="profile")
    designer = CollectionDesigner(shop, schema=THINGS, kind="profile")
    (told,) = act(designer, "create")["problems"]
    assert (told["path"], told["key"]) == ("head", "kind")
    assert told["message"].startswith("source 'shop' has a profile collection already")
    assert designer.collection is None
    designer = CollectionDesigner(shop.create_collection("gone", THINGS))
    shop.collections["gone"].delete()
    assert act(designer, "create")["notice"]["text"].startswith("there is no collection")


def changed_by_others(shop: inb.SourceHandle) -> CollectionDesigner:
    """Return a designer of a collection that got a field meanwhile."""
    designer = CollectionDesigner(shop.create_collection("things", THINGS))
    more = {**THINGS, "fields": [*THINGS["fields"], field("colour", ["null", "string"], default=None)]}
    shop.collections["things"].update(more)
    act(designer, "set", path="/fields/0", key="doc", value="mine")
    return designer


@pytest.mark.parametrize("look", [("refresh", {}), ("tab", {"tab": "compare"})])
def test_what_others_changed_meanwhile_is_not_undone_unseen(
    shop: inb.SourceHandle, look: tuple[str, dict[str, Any]]
) -> None:
    designer = changed_by_others(shop)
    there = shop.collections["things"].record
    assert designer.state["create"]["question"] is None
    state = act(designer, "create")
    assert "things was changed since this designer read it" in state["notice"]["text"]
    assert (state["create"]["enabled"], state["create"]["stale"]) == (False, True)
    assert "press Refresh" in act(designer, "create")["notice"]["text"]
    state = act(designer, look[0], **look[1])
    assert state["create"]["losses"] == ["the field colour is removed"]
    question = "Update things: it was changed by others meanwhile, removes 1 field (colour)"
    assert state["create"]["question"] == question
    assert question in act(designer, "create")["notice"]["text"]  # as nobody has confirmed it
    assert shop.collections["things"].record == there
    assert act(designer, "create", confirmed=question)["created"]["verb"] == "updated"
    assert shop.collections["things"].schema == designer.schema
    assert act(designer, "set", path="/fields/0", key="doc", value="again")["create"]["question"] is None


def test_asking_again_makes_nobody_elses_change_one_of_ones_own(shop: inb.SourceHandle) -> None:
    designer = changed_by_others(shop)
    act(designer, "set", path="/fields/0", key="name", value="id")
    assert "changed by others" in act(designer, "refresh")["create"]["question"]


def test_an_update_that_loses_something_says_what_and_asks_first(shop: inb.SourceHandle) -> None:
    inner = record(field("x", "int"), field("y", "int"), name="I")
    live = shop.create_collection("b2", record(field("id", "string"), field("size", "long"), field("in", inner)))
    designer = CollectionDesigner(live)
    act(designer, "delete", path="/fields/2/type/fields/1")
    assert designer.state["create"]["losses"] == ["the field in.y is removed"]
    act(designer, "delete", path="/fields/0")
    state = act(designer, "set", path="/fields/0", key="type", value="string")
    assert state["create"]["losses"][:2] == ["the field id is removed", "the field in.y is removed"]
    assert state["create"]["losses"][2].startswith("size: long cannot be read as string")
    question = "Update b2: removes 2 fields (id, in.y), items there may not be readable (1 place)"
    assert state["create"]["question"] == question
    act(designer, "create", confirmed="something older")
    assert shop.collections["b2"].schema.names == ["id", "size", "in"]
    act(designer, "create", confirmed=question)
    assert shop.collections["b2"].schema.names == ["size", "in"]


def test_fields_that_identifiers_use_are_warned_of_at_once(shop: inb.SourceHandle) -> None:
    things = shop.create_collection("things", record(field("id", "string"), field("shop", "long"), field("x", "int")))
    things.create_identifier("key", ["id", "shop"])
    designer = CollectionDesigner(things)
    assert problems(act(designer, "set", path="/fields/0", key="nullable", value=True)) == []
    assert problems(act(designer, "set", path="/fields/0", key="type", value="enum"))[1] == (
        "/fields/0", "type", "warning",
    )  # fmt: skip
    state = act(designer, "undo")
    state = act(designer, "set", path="/fields/1", key="name", value="store")
    (told,) = state["problems"]
    assert (told["path"], told["key"], told["level"]) == ("/fields/1", "name", "warning")
    assert told["message"] == "identifier key uses the field shop; the server will refuse another name"
    act(designer, "undo")
    state = act(designer, "delete", path="/fields/0")
    assert problems(state) == [("", "", "warning")]
    state = act(designer, "create", confirmed=state["create"]["question"])
    assert state["notice"]["text"].startswith("identifier 'key' has the field 'id', which the collection has not")


def test_what_was_created_is_told_as_long_as_it_is_that(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    assert act(designer, "create")["created"]["name"] == "things"
    assert act(designer, "head", key="name", value="others")["created"] is None
    assert act(designer, "undo")["created"]["name"] == "things"


def test_the_code_uses_the_notebooks_own_client(
    shop: inb.SourceHandle, client: inb.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    import __main__

    monkeypatch.setattr(__main__, "mine", client, raising=False)
    code = CollectionDesigner(client.sources["shop"], schema=THINGS).code
    exec(code, {"mine": client})
    assert shop.collections["things"].schema.names == ["id", "size"]


def test_the_focus_stays_in_the_panel_while_steps_are_undone(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop)
    for _ in range(3):
        act(designer, "add")
    act(designer, "set", path="/fields/2", key="type", value="record")
    act(designer, "add", into="/fields/2/type/fields")

    def step(action: str, key: str) -> Any:
        return (act(designer, action, key=key)["focus"] or {}).get("key")

    assert step("undo", "/fields/2/type/fields/0:doc") == "/fields/2:name"
    assert step("undo", "/fields/2:into") == "/fields/2:name"
    assert step("redo", "/fields/2:type") == "/fields/2:type"
    assert step("undo", "head:kind:event") is None
    assert step("undo", "/fields/2:delete") == "/fields/1:name"
    assert step("undo", "undo") == "undo"
    assert step("undo", "undo") == "redo"
    assert step("redo", "redo") == "redo"
    assert step("undo", "/fields/0:name") == "add"


def test_a_client_lets_the_source_be_chosen(client: inb.Client) -> None:
    first, second = client.create_source("first"), client.create_source("second")
    second.create_collection("things", THINGS)
    designer = CollectionDesigner(client, schema=THINGS)
    assert designer.state["head"]["sources"] == [[first.id, "first"], [second.id, "second"]]
    assert ("head", "source", "error") in problems(designer.state)
    assert act(designer, "head", key="source", value=first.id)["create"]["label"] == "Create collection"
    assert act(designer, "head", key="source", value=second.id)["create"]["label"] == "Update collection"
    client.create_source("third")
    assert [label for _, label in act(designer, "refresh")["head"]["sources"]] == ["first", "second", "third"]
    assert "there is no source" in act(designer, "head", key="source", value="7")["notice"]["text"]


def test_every_step_can_be_undone_and_done_again(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    texts = [designer.state]
    for action, arguments in (
        ("set", {"path": "/fields/0", "key": "doc", "value": "d"}),
        ("delete", {"path": "/fields/1"}),
        ("head", {"key": "name", "value": "other"}),
        ("text", {"text": "{ broken"}),
    ):
        texts.append(act(designer, action, **arguments))
    shown = [(each["rows"], each["head"]) for each in texts]
    for before in shown[-2::-1]:
        state = act(designer, "undo")
        assert (state["rows"], state["head"]) == before
    assert not state["undo"]
    for after in shown[1:]:
        state = act(designer, "redo")
        assert (state["rows"], state["head"]) == after
    assert not state["redo"]
    act(designer, "undo")
    assert not act(designer, "set", path="/fields/0", key="doc", value="e")["redo"]


def test_the_text_and_the_table_are_one(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    act(designer, "tab", tab="avro")
    typed = json.dumps({**THINGS, "fields": [{"name": "9", "type": "strng"}]}, indent=1)
    state = act(designer, "text", text=typed)
    assert state["pane"]["text"] == typed
    assert rows(state, "name", "type", "custom") == [("9", "custom", "strng")]
    lines = typed.splitlines()
    assert [lines[each["line"] - 1].strip() for each in state["pane"]["problems"]] == [
        '"name": "9",',
        '"type": "strng"',
    ]
    with pytest.raises(inb.SchemaError) as caught:
        designer.schema
    assert len(caught.value.problems) == 2
    state = act(designer, "set", path="/fields/0", key="name", value="a")
    assert json.loads(state["pane"]["text"])["fields"] == [{"name": "a", "type": "strng"}]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{\n"type": }', 2, "not JSON: Expecting value"),
        ("[]", None, "a collection's schema is a record"),
        (" \n", None, "The text is empty. Undo, or paste a schema."),
        ("string", 1, "not JSON"),
        ("[" * 100_000, None, "levels deep"),
        ('{"type": "record", "name": "r", "doc": "\\ud800", "fields": []}', None, "not Unicode"),
        ('{"type": "record", "name": "r", "x": 1e999, "fields": []}', None, "too large"),
    ],
)
def test_a_text_that_is_no_schema_is_kept_beside_the_last_table(
    shop: inb.SourceHandle, text: str, line: int | None, message: str
) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    act(designer, "tab", tab="avro")
    state = act(designer, "text", text=text)
    assert state["pane"]["text"] == text
    (told,) = state["pane"]["problems"]
    assert (told["line"], message in told["message"]) == (line, True)
    assert rows(state, "name") == [("id",), ("size",)]
    assert ("", "", "error") in problems(state)
    assert not state["create"]["enabled"]
    with pytest.raises(inb.SchemaError):
        designer.schema
    assert act(designer, "undo")["create"]["enabled"]


def test_the_tabs_show_arrow_and_pandas_types(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    assert act(designer, "tab", tab="arrow")["pane"]["rows"] == [["id", "string", "no"], ["size", "int64", "yes"]]
    assert act(designer, "tab", tab="pandas")["pane"]["rows"] == [
        ["id", "string[pyarrow]", "string"],
        ["size", "int64[pyarrow]", "Int64"],
    ]
    act(designer, "set", path="/fields/0", key="name", value="9")
    for tab in ("arrow", "pandas", "sample", "compare"):
        pane = act(designer, "tab", tab=tab)["pane"]
        assert (pane["rows"], bool(pane["note"])) == ([], True)
    assert "no tab" in act(designer, "tab", tab="nope")["notice"]["text"]


def test_the_tabs_beside_a_text_that_is_no_schema_are_of_the_last_one(shop: inb.SourceHandle) -> None:
    shop.create_collection("things", THINGS)
    designer = CollectionDesigner(shop, pd.DataFrame({"id": ["a"], "size": [1]}), schema=THINGS)
    panes = {tab: act(designer, "tab", tab=tab)["pane"] for tab in ("arrow", "pandas", "sample", "compare")}
    for text in ("{ half", "9" * 5000):
        act(designer, "text", text=text)
        for tab, pane in panes.items():
            beside = act(designer, "tab", tab=tab)["pane"]
            assert beside | {"note": ""} == pane | {"note": ""}
            assert beside["note"].startswith(pane["note"])
            assert "the last one that was" in beside["note"]
    (told,) = act(designer, "tab", tab="avro")["pane"]["problems"]
    assert told["message"] == "a number has more than 4,300 digits; put it in quotes"


def test_what_is_asked_of_rows_that_have_moved_since_is_not_done(shop: inb.SourceHandle) -> None:
    inner = {"type": "record", "name": "inner", "fields": [field("x", "int"), field("y", "int")]}
    schema = record(field("a", "string"), field("b", inner), name="things")
    designer = CollectionDesigner(shop, schema=schema)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("add", {"into": "/fields", "at": 0}),
        ("duplicate", {"path": "/fields/0"}),
        ("move", {"path": "/fields/0", "by": 1}),
        ("paste", {"text": "new", "into": "/fields"}),
        ("delete", {"path": "/fields/0"}),
        ("undo", {}),
        ("redo", {}),
        ("text", {"text": json.dumps(schema)}),
        ("set", {"path": "/fields/1", "key": "nullable", "value": True}),
        ("set", {"path": "/fields/1", "key": "type", "value": "string"}),
    ]
    for action, arguments in asked:
        drawn = designer.state["structure"]
        moved = act(designer, action, **arguments)
        for late, named in [*asked[:7], ("set", {"path": "/fields/0", "key": "name", "value": "late"})]:
            state = act(designer, late, **named, structure=drawn)
            assert state["rows"] == moved["rows"], (action, late)
            assert "have moved meanwhile" in state["notice"]["text"]


def test_what_moves_no_row_keeps_what_others_are_about_to_do(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    drawn = designer.state["structure"]
    act(designer, "set", path="/fields/0", key="name", value="a", structure=drawn)
    act(designer, "set", path="/fields/0", key="type", value="array", structure=drawn)
    act(designer, "head", key="name", value="others")
    act(designer, "tab", tab="avro")
    act(designer, "text", text="{ half")
    act(designer, "delete", path="/fields/9")
    state = act(designer, "set", path="/fields/1", key="name", value="b", structure=drawn)
    assert rows(state, "name", "type") == [("a", "array"), (None, "string"), ("b", "long")]


def test_comparing_tells_both_ways(shop: inb.SourceHandle) -> None:
    shop.create_collection("things", THINGS)
    old = shop.create_collection("old", record(field("id", "string"), name="things"))
    designer = CollectionDesigner(shop, schema=THINGS)
    pane = act(designer, "tab", tab="compare")["pane"]
    assert "says the same" in pane["note"]
    act(designer, "set", path="/fields/1", key="type", value="record")
    act(designer, "set", path="/fields/1", key="nullable", value=False)
    pane = act(designer, "compare", collection=old.id)["pane"]
    assert pane["with"] == old.id
    assert [row[0] for row in pane["rows"]] == ["size"]
    assert [each["level"] for each in pane["verdict"]] == ["error", "error", "success"]


def test_data_is_inferred_from_at_once_with_its_evidence(shop: inb.SourceHandle, data: Path) -> None:
    designer = CollectionDesigner(shop, data / "flights.csv")
    assert designer.schema == inb.infer_schema(data / "flights.csv").schema
    state = designer.state
    assert state["head"]["name"] == "flights"
    assert state["data"] | {"frames": []} == {
        "origin": "flights.csv", "rows": 20_000, "note": None, "frames": [], "receiving": None,
    }  # fmt: skip
    assert "whole numbers between 1 and 12" in state["rows"][1]["evidence"]
    assert not state["undo"]


def test_types_inside_are_not_called_as_the_record(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, [{"things": {"a": 1}}], name="things")
    assert designer.schema.record.name == "things"
    assert designer.state["rows"][0]["type"] == "record"


def test_a_frame_of_the_notebook_replaces_the_fields(shop: inb.SourceHandle, monkeypatch: pytest.MonkeyPatch) -> None:
    import __main__

    monkeypatch.setattr(__main__, "sizes", pd.DataFrame({"a b": [1.5], "c": ["x"]}), raising=False)
    designer = CollectionDesigner(shop, schema=THINGS)
    assert "sizes" in designer.state["data"]["frames"]
    state = act(designer, "infer_frame", name="sizes")
    assert rows(state, "name", "type", "title") == [("a_b", "double", "a b"), ("c", "string", None)]
    assert (state["head"]["name"], state["data"]["origin"]) == ("things", "sizes")
    assert act(designer, "undo")["rows"][0]["name"] == "id"
    assert "no DataFrame 'gone'" in act(designer, "infer_frame", name="gone")["notice"]["text"]


def test_a_file_is_inferred_from_by_its_path(shop: inb.SourceHandle, tmp_path: Path) -> None:
    path = tmp_path / "sizes.csv"
    path.write_text("size,tag\n1,007\n2\n3,008\n")
    designer = CollectionDesigner(shop)
    state = act(designer, "infer_path", path=f" {path} ")
    assert rows(state, "name", "type") == [("size", "long"), ("tag", "string")]
    assert "1 row is left out" in state["data"]["note"]
    assert (state["head"]["name"], state["notice"]["kind"]) == ("sizes", "success")
    assert "no file" in act(designer, "infer_path", path=str(tmp_path / "none.csv"))["notice"]["text"]
    assert "type the path" in act(designer, "infer_path", path="")["notice"]["text"]


def test_a_file_of_the_browser_is_inferred_from_when_it_is_whole(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop)
    content = b"a,b\n1,x\n"
    act(designer, "file_begin", name="x.csv", size=len(content))
    state = act(designer, "file_piece", offset=0, buffers=[content[:3]])
    assert state["data"]["receiving"] == {"name": "x.csv", "size": 8, "received": 3}
    state = act(designer, "file_piece", offset=3, buffers=[content[3:]])
    assert state["data"]["receiving"] is None
    assert rows(state, "name", "type") == [("a", "long"), ("b", "string")]
    assert list(designer._folder.iterdir()) == []  # type: ignore[union-attr]  # it was begun above
    act(designer, "file_begin", name="y.csv", size=9)
    assert act(designer, "file_cancel")["data"]["receiving"] is None
    assert act(designer, "file_piece", offset=0, buffers=[b"a"])["notice"] is None  # it was on its way, and is left out


def test_the_code_does_the_same_elsewhere(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS, kind="event", title='"Things"')
    act(designer, "set", path="/fields/0", key="default", value='it\'s "x" \\ é \u2028')
    codes = [designer.code]
    act(designer, "create")
    assert designer.code == codes[0]  # still what made the collection
    act(designer, "set", path="/fields/0", key="display", value=True)
    act(designer, "head", key="title", value="")
    codes.append(designer.code)
    act(designer, "create")
    assert designer.code == codes[1]
    assert "collection.update(" in codes[1]
    with inb.sandbox() as other:
        other.create_source("shop")
        for code in codes:
            line = next(line for line in code.splitlines() if line.startswith("client = inb.Client("))
            exec(code.replace(line, ""), {"client": other})
        mine, theirs = shop.collections["things"], other.collections["things"]
        assert theirs.schema.text == mine.schema.text
        assert (theirs.kind, theirs.record.title) == (mine.kind, mine.record.title)


def test_no_key_is_in_anything_that_is_shown(shop: inb.SourceHandle) -> None:
    key = shop._transport._key.reveal()
    designer = CollectionDesigner(shop, schema=THINGS)
    for tab in ("code", "compare", "avro"):
        assert key not in json.dumps(act(designer, "tab", tab=tab))


def test_long_texts_are_cut_and_stay_whole(shop: inb.SourceHandle) -> None:
    hostile = "<img src=x onerror=alert(1)>\u202e" * 400
    designer = CollectionDesigner(shop, schema=record(field("id", "string", doc=hostile), name="things"))
    row = designer.state["rows"][0]
    assert row["cut"] == ["doc"]
    assert len(row["doc"]) < 2000 < len(hostile)
    act(designer, "set", path="/fields/0", key="doc", value=row["doc"])
    act(designer, "set", path="/fields/0", key="title", value="t")
    assert designer.schema["id"].doc == hostile


def test_the_state_is_json_and_small(shop: inb.SourceHandle) -> None:
    avro = {"type": "long", "logicalType": "timestamp-millis"}
    many = [field(f"field{i}", ["null", avro], default=None, title=f"Field {i}", display=True) for i in range(1000)]
    designer = CollectionDesigner(shop, schema=record(*many, name="wide"))
    assert len(json.dumps(designer.state, allow_nan=False)) < 300_000


def test_of_very_many_problems_the_first_are_shown_shortened(shop: inb.SourceHandle) -> None:
    many = [field("q" * 900, "strng") for _ in range(1000)]
    state = CollectionDesigner(shop, schema=record(*many, name="wide")).state
    assert len(state["problems"]) + state["more"] == state["counts"]["errors"] > 1000
    assert len(json.dumps(state["problems"])) < 150_000
    (second, *_) = [each["message"] for each in state["problems"] if each["message"].startswith("a second field")]
    assert second.endswith("q' (the first is field 0)")


@pytest.mark.parametrize("path", ["/fields/9", "/fields/-1", "", "/name", "x"])
@pytest.mark.parametrize("action", ["delete", "duplicate", "move", "set", "add"])
def test_stale_paths_change_nothing(shop: inb.SourceHandle, action: str, path: str) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    arguments = {"move": {"path": path, "by": 1}, "set": {"path": path, "key": "type", "value": "int"}}
    before = designer.state["rows"]
    default = {"into": path} if action == "add" else {"path": path}
    state = act(designer, action, **arguments.get(action, default))
    assert state["notice"]["kind"] == "error"
    assert ":" not in state["notice"]["text"].split(" ")[0]  # no Python exception's name
    assert state["rows"] == before


def test_the_focus_goes_where_the_work_is(shop: inb.SourceHandle) -> None:
    designer = CollectionDesigner(shop, schema=THINGS)
    assert act(designer, "move", path="/fields/0", by=1, key="down")["focus"]["key"] == "/fields/1:down"
    assert act(designer, "duplicate", path="/fields/0")["focus"]["key"] == "/fields/1:name"
    assert act(designer, "delete", path="/fields/2")["focus"]["key"] == "/fields/1:name"
    act(designer, "set", path="/fields/0", key="type", value="record")
    into = designer.state["rows"][0]["into"]
    act(designer, "add", into=into)
    assert act(designer, "delete", path=f"{into}/0")["focus"]["key"] == "/fields/0:name"
    act(designer, "delete", path="/fields/0")
    assert act(designer, "delete", path="/fields/0")["focus"]["key"] == "add"


@pytest.mark.parametrize("schema", ["string", {"type": "enum", "name": "E", "symbols": []}, "{"])
def test_a_start_that_cannot_be_shown_is_an_error(shop: inb.SourceHandle, schema: Any) -> None:
    with pytest.raises(inb.SchemaError):
        CollectionDesigner(shop, schema=schema)


def test_a_place_that_is_none_is_an_error() -> None:
    with pytest.raises(inb.DataError, match="found str; expected a source"):
        CollectionDesigner("shop")  # type: ignore[arg-type]  # the mistake that the test is about
