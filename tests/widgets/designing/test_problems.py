from __future__ import annotations

from typing import Any

import pytest

from intempt_nb.errors import RejectedError
from intempt_nb.widgets.designing.draft import Draft
from intempt_nb.widgets.designing.problems import flaws_of, refusals_of
from random_schemas import enum, field, fixed, record


def cells_of(*fields: Any, kind: Any = "attribute", **more: Any) -> dict[tuple[str, str], str]:
    draft = Draft(record(*fields, **more), "c", kind=kind, source_id="1")
    return {(each.path, each.key): each.level for each in flaws_of(draft, None)}


@pytest.mark.parametrize(
    ("wrong", "path", "key", "level"),
    [
        (field("9", "int"), "/fields/0", "name", "error"),
        ({"type": "int"}, "/fields/0", "name", "error"),
        ({"name": "a"}, "/fields/0", "type", "error"),
        (field("a", "int", default="x"), "/fields/0", "default", "error"),
        (field("a", "int", doc=5), "/fields/0", "doc", "error"),
        (field("a", "int", title=5), "/fields/0", "title", "warning"),
        (field("a", "int", order="up"), "/fields/0", "name", "error"),
        (field("a", "int", logicalType="date"), "/fields/0", "logical", "warning"),
        (field("a", ["null", {"type": "int", "logicalType": "daet"}]), "/fields/0", "logical", "warning"),
        (field("a", {"type": "bytes", "logicalType": "decimal"}), "/fields/0", "precision", "warning"),
        (field("a", enum()), "/fields/0", "symbols", "warning"),
        (field("a", ["null", enum("9")]), "/fields/0", "symbols", "error"),
        (field("a", {"type": "enum", "name": "E"}), "/fields/0", "symbols", "error"),
        (field("a", {"type": "fixed", "name": "F"}), "/fields/0", "size", "error"),
        (field("a", fixed(3, name="4")), "/fields/0", "type", "error"),
        (field("a", ["int", {"type": "array", "items": "strng"}]), "/fields/0", "custom", "error"),
        (field("a", {"type": "array", "items": "strng"}), "/fields/0/type/items", "custom", "error"),
        (field("a", {"type": "map", "values": enum("9")}), "/fields/0/type/values", "symbols", "error"),
        (field("a", ["null", record(field("9", "int"), name="I")]), "/fields/0/type/1/fields/0", "name", "error"),
        (5, "/fields/0", "custom", "error"),
    ],
)
def test_what_is_wrong_stands_at_its_cell(wrong: Any, path: str, key: str, level: str) -> None:
    assert cells_of(wrong) == {(path, key): level}


def test_what_is_wrong_with_the_record_stands_in_the_head() -> None:
    assert cells_of(name="9") == {("head", "record"): "error"}
    assert cells_of(namespace=5) == {("head", "namespace"): "error"}
    assert cells_of(aliases=5) == {("", ""): "error"}


def test_warnings_are_told_beside_errors() -> None:
    found = cells_of(field("9", "int"), field("a", {"type": "int", "logicalType": "daet"}))
    assert found == {("/fields/0", "name"): "error", ("/fields/1", "logical"): "warning"}
    text = '{"type": "record", "name": "9", "name": "8", "fields": []}'
    draft = Draft({}, "c", source_id="1").with_text(text)
    assert [each.level for each in flaws_of(draft, None)] == ["error", "warning"]


def test_events_are_advised_and_never_refused() -> None:
    assert cells_of(field("a", "int"), kind="event") == {("head", "kind"): "advice"}
    assert not cells_of(field("eventId", "string"), field("timestamp", "long"), kind="event")


@pytest.mark.parametrize(
    ("message", "path", "key"),
    [
        ("'name' is 5; expected text", "head", "name"),
        ("'profile' and 'event' are both true", "head", "kind"),
        ("'schema' cannot be used: /fields/0/type/items: bad", "/fields/0/type/items", "type"),
        ("'schema' is too large", "head", "record"),
        ("source 's' has a collection 'b' already; choose another name", "head", "name"),
        ("source 's' has a profile collection already, 'users'; there is one a source", "head", "kind"),
        (
            "field 'a' is long in identifier 'key' and int in the collection; give both the same type",
            "/fields/0",
            "type",
        ),
    ],
)
def test_what_a_server_refuses_stands_at_the_cell_it_names(message: str, path: str, key: str) -> None:
    draft = Draft(record(field("a", {"type": "array", "items": "int"})), "c")
    (found,) = refusals_of(RejectedError(message, 400), draft.rows)
    assert (found.path, found.key, found.level) == (path, key, "error")


def test_what_a_server_refuses_without_naming_a_cell_is_told_elsewhere() -> None:
    assert refusals_of(RejectedError("the source takes no 'name' now", 400), ()) == []
