"""Rows against a schema in the upload panel: what is read, and what of the choices is taken."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import intempt_nb as inb
from intempt_nb.widgets.uploading import looking
from panels import act

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.widgets.uploading.widget import UploadPanel

FIELDS: list[dict[str, Any]] = [{"name": "id", "type": "string"}, {"name": "amount", "type": "double"}]


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTEMPT_NB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def collection_of(shop: inb.SourceHandle, fields: list[dict[str, Any]]) -> inb.CollectionHandle:
    found = shop.create_collection("sales", {"type": "record", "name": "sales", "fields": fields}, kind="event")
    found.create_identifier("id", fields=["id"])
    return found


def panel_of(collection: inb.CollectionHandle, source: Any = None) -> UploadPanel:
    panel = inb.widgets.UploadPanel(collection, source)
    panel.wait(60)
    return panel


@pytest.mark.parametrize("second", ["a.csv", "b.csv"])
def test_a_file_that_is_chosen_while_another_choice_is_read_is_read_after_it(
    shop: inb.SourceHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"id,amount\n{name},1\n")
    panel, go_on, read = panel_of(collection_of(shop, FIELDS)), Event(), looking.read_sample

    def read_slowly(*told: Any) -> Any:
        assert go_on.wait(30)
        return read(*told)

    monkeypatch.setattr(looking, "read_sample", read_slowly)
    act(panel, "path", path="a.csv", wait=None)
    act(panel, "back", wait=None)
    state = act(panel, "path", path=second, wait=None)
    assert (state["source"], state["notice"], state["look"]) == (second, None, None)
    go_on.set()
    panel.wait(30)
    assert panel.state["look"]["rows"] == [["2", second[0], "1"]]


@pytest.mark.parametrize(
    ("action", "told", "message"),
    [
        ("column", {"at": 0, "field": "nope"}, "'nope', which is no field of the schema"),
        ("column", {"at": -1, "field": "id"}, "there is no column -1; expected a position from 0 to 1"),
        ("key_column", {"at": 2, "chosen": True}, "there is no column 2"),
        ("option", {"name": "key", "text": "bogus"}, "key is 'bogus'; expected '', 'row', 'content', 'columns'"),
    ],
)
def test_what_cannot_be_followed_is_told_and_changes_nothing(
    shop: inb.SourceHandle, action: str, told: dict[str, Any], message: str
) -> None:
    panel = panel_of(collection_of(shop, FIELDS), pd.DataFrame({"id": ["a"], "amount": [1.0]}))
    before, code = panel.state, panel.code
    state = act(panel, action, **told)
    assert message in (state["notice"] or state["settings"]["problem"])["text"]
    assert (state["look"], panel.code) == (before["look"], code)
    assert act(panel, "column", at=1, field="")["look"]["columns"][1]["field"] is None  # it goes on as before


def test_fields_with_long_names_are_shown_cut_and_chosen_by_that(shop: inb.SourceHandle) -> None:
    names = [f"{'n' * 10_000}{k}" for k in range(20)]
    fields = [{"name": name, "type": ["null", "string"], "default": None} for name in names]
    frame = pd.DataFrame({name: ["x"] for name in ["id", *names[:10], "other"]})
    panel = panel_of(collection_of(shop, [FIELDS[0], *fields]), frame)
    assert len(json.dumps({**panel.state, "code": ""})) < 20_000
    label = panel.state["fields"][15][0]
    state = act(panel, "column", at=11, field=label)
    assert (state["look"]["columns"][11]["field"], state["look"]["columns"][11]["why"]) == (label, "by hand")
    assert f'"other": "{names[14]}"' in panel.code


def test_another_schema_is_looked_at_before_rows_are_sent(shop: inb.SourceHandle) -> None:
    collection = collection_of(shop, [*FIELDS, {"name": "note", "type": ["null", "string"], "default": None}])
    panel = panel_of(collection, pd.DataFrame({"id": ["a"], "amount": [1.0], "other": ["x"]}))
    act(panel, "column", at=2, field="note")
    collection.update({"type": "record", "name": "sales", "fields": [*FIELDS, {"name": "other", "type": "string"}]})
    state = act(panel, "start")
    assert "another schema by now" in state["notice"]["text"]
    assert [each["field"] for each in state["look"]["columns"]] == ["id", "amount", "other"]
    assert act(panel, "start")["outcome"]["text"] == "1 of 1 rows are in the collection."
