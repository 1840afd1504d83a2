from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import intempt_nb as inb
from intempt_nb.widgets import CollectionDesigner
from random_schemas import field, record

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = record(field("id", "string", default="é", x=1.0), name="thing", namespace="n.s")


def test_a_definition_comes_back_from_its_file(shop: inb.SourceHandle, tmp_path: Path) -> None:
    path = tmp_path / "things.json"
    before = CollectionDesigner(shop, schema=DOCUMENT, name="things", kind="event", title="Things")
    before.to_file(path)
    text = path.read_text(encoding="utf-8")
    body = json.loads(text)
    assert body == {"name": "things", "title": "Things", "profile": False, "event": True, "schema": DOCUMENT}
    assert list(body["schema"]) == list(DOCUMENT)
    assert text.startswith('{\n  "name"')
    assert text.endswith("}\n")
    after = CollectionDesigner.from_file(path, shop)
    assert after.schema == before.schema
    assert after.state["head"] == before.state["head"]
    assert not after.state["undo"]


def test_the_file_is_what_the_api_takes(shop: inb.SourceHandle, tmp_path: Path) -> None:
    CollectionDesigner(shop, schema=DOCUMENT, name="things").to_file(tmp_path / "a.json")
    body = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    made = shop._transport.post_json("collections", {"sourceId": shop.id, **body})
    assert made["schema"] == DOCUMENT


def test_an_avro_schema_is_read_as_it_was_written(shop: inb.SourceHandle, tmp_path: Path) -> None:
    text = json.dumps(DOCUMENT, indent=7)
    (tmp_path / "a.avsc").write_text(text)
    designer = CollectionDesigner.from_file(tmp_path / "a.avsc", shop)
    assert designer.schema.text == text
    assert designer.state["head"]["name"] == "thing"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "a collection's schema is a record"),
        ('{"schema": "string"}', "its schema cannot be shown"),
        ('{"name": 5, "schema": {"type": "record", "name": "r", "fields": []}}', "name is 5; expected text"),
        ('{"profile": true, "event": true, "schema": {"fields": []}}', "one of them is true"),
    ],
)
def test_another_file_is_a_clear_error(shop: inb.SourceHandle, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises((inb.DataError, inb.SchemaError), match=message):
        CollectionDesigner.from_file(tmp_path / "a.json", shop)
    with pytest.raises(inb.DataError, match="no file"):
        CollectionDesigner.from_file(tmp_path / "b.json", shop)
