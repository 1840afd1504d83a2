"""A collection's links, as tables and as a diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten

if TYPE_CHECKING:
    from intempt_nb.api.resources import Identifier
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.widgets.exploring.reading import Links

__all__ = ["links_view"]

MOST_DRAWN = 12
"""Boxes around the collection's own; the tables have all."""

MOST_LISTED = 200


def links_view(collection: CollectionHandle, links: Links) -> dict[str, Any]:
    """Return what leads from a collection to others and back."""
    names = {each.id: each.name for each in links.identifiers}
    return {
        "identifiers": {
            "columns": ["Identifier", "Type", "Fields", "Refers to"],
            "rows": [
                [shorten(each.name), each.type, _fields_text(each), _target_text(each, links)]
                for each in links.identifiers[:MOST_LISTED]
            ],
        },
        "relations": {
            "columns": ["Relation", "Type", "Identifier"],
            "rows": [
                [
                    shorten(each.name),
                    each.type.replace("_", " "),
                    shorten(names.get(each.identifier_id, each.identifier_id)),
                ]
                for each in links.relations[:MOST_LISTED]
            ],
        },
        "referrers": {
            "columns": ["Collection", "Identifier", "Fields"],
            "rows": [
                [_full_name(other), shorten(each.name), _fields_text(each)]
                for other, each in links.referrers[:MOST_LISTED]
            ],
        },
        "note": _note(links),
        "diagram": _diagram(collection, links),
    }


def _note(links: Links) -> str:
    notes = []
    if links.asked < links.others:
        notes.append(f"{links.asked:,} of {links.others:,} other collections were asked what they refer to.")
    if links.refused:
        notes.append(f"{links.refused:,} of them did not answer.")
    return " ".join(notes)


def _names(identifier: Identifier) -> list[str]:
    fields = identifier.schema_json.get("fields", ())
    return [str(each.get("name")) for each in fields if isinstance(each, dict)]


def _fields_text(identifier: Identifier) -> str:
    return shorten(", ".join(_names(identifier)), 200)


def _full_name(collection: CollectionHandle) -> str:
    record = collection.record
    return shorten(f"{record.source_name or record.source_id}/{record.name}")


def _target_text(identifier: Identifier, links: Links) -> str:
    if identifier.reference_id is None:
        return ""
    target = links.targets.get(identifier.reference_id)
    if target is None:
        return f"identifier {identifier.reference_id}"
    return f"{_full_name(target[0])}, {shorten(target[1].name)} ({_fields_text(target[1])})"


def _diagram(collection: CollectionHandle, links: Links) -> dict[str, Any]:
    """Return the boxes and links to draw; a box has only the fields that links are about."""
    boxes: dict[str, dict[str, Any]] = {}

    def box(owner: CollectionHandle, identifier: Identifier | None) -> bool:
        """Return whether an identifier's collection has a box, with its fields in it."""
        if owner.id not in boxes and len(boxes) > MOST_DRAWN:
            return False
        record = owner.record
        named = {"id": owner.id, "title": shorten(record.name), "note": shorten(record.source_name or ""), "lines": []}
        lines = boxes.setdefault(owner.id, named)["lines"]
        for name in [] if identifier is None else _names(identifier):
            line = next((each for each in lines if each["id"] == name), None)
            if line is None:
                lines.append(line := {"id": name, "text": shorten(name), "key": False})
            line["key"] = line["key"] or (identifier is not None and identifier.type == "primary")
        return True

    drawn = []
    box(collection, None)
    for own in links.identifiers:
        box(collection, own)
        target = links.targets.get(own.reference_id or "")
        if target is not None and box(*target):
            drawn.append((collection.id, own, target[0].id, target[1]))
    for key in (each for each in links.identifiers if each.type == "primary"):
        for other, identifier in links.referrers:
            if identifier.reference_id == key.id and other.id != collection.id and box(other, identifier):
                drawn.append((other.id, identifier, collection.id, key))
    return {
        "boxes": list(boxes.values()),
        "links": [each for one in drawn for each in _lines(*one)],
        "label": shorten(f"Links of {collection.name}"),
    }


def _lines(owner: str, identifier: Identifier, target: str, key: Identifier) -> list[dict[str, Any]]:
    """Return a line from each field to the one that it points at; the first of them has the name."""
    pairs = list(zip(_names(identifier), _names(key), strict=False))
    return [
        {"from": [owner, field], "to": [target, other], "label": "" if at else shorten(identifier.name)}
        for at, (field, other) in enumerate(pairs)
    ]
