"""What the browser is shown, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.analysis.keys import type_text
from intempt_nb.display import shorten
from intempt_nb.widgets.identifying.model import fields_of, name_of, refusal

if TYPE_CHECKING:
    from intempt_nb.analysis.identifier_check import IdentifierCheck
    from intempt_nb.api.resources import Identifier
    from intempt_nb.widgets.identifying.model import Draft, IdentifierType, Known, Place, Relating

__all__ = ["TYPES", "check_view", "collection_view", "draft_view", "fields_view", "identifiers_view", "references_view"]

TYPES: dict[IdentifierType, str] = {
    "primary": "The key of the collection, one per collection. Without it no data is taken; an item with the same key "
    "replaces the old one.",
    "foreign": "Refers to the primary identifier of a collection, this one or another. Any number.",
    "user": "Joins profiles of several sources that have the same value, such as an e-mail address or a phone number.",
    "profile": "Says whose profile an item belongs to, across the collections of a source; one per source.",
    "account": "Says to which account an item belongs.",
}


def collection_view(known: Known) -> dict[str, Any]:
    """Return which collection it is."""
    record = known.own.handle.record
    return {"name": shorten(record.name), "kind": record.kind, "source": shorten(known.own.source)}


def identifiers_view(known: Known) -> list[dict[str, Any]]:
    """Return the identifiers that are there, each with its relation."""
    return [
        {
            "id": each.id,
            "name": shorten(each.name),
            "type": each.type,
            "fields": shorten(", ".join(fields_of(each)), 200),
            "refers": _refers(each, known),
            "relations": shorten(
                ", ".join(f"{one.name} ({one.type})" for one in known.relations if one.identifier_id == each.id), 200
            ),
        }
        for each in known.own.identifiers
    ]


def _refers(identifier: Identifier, known: Known) -> str | None:
    if identifier.reference_id is None:
        return None
    there = known.place_of(identifier.reference_id)
    return f"identifier {identifier.reference_id}" if there is None else _place_name(there, known)


def _place_name(place: Place, known: Known) -> str:
    name = shorten(place.handle.name)
    return name if place.source == known.own.source else f"{shorten(place.source, 60)}/{name}"


def references_view(known: Known) -> list[tuple[str, str]]:
    """Return what can be referred to: id and words."""
    found = []
    for place in (*(known.others or ()), known.own):
        primary = place.primary
        if primary is not None:
            key = ", ".join(f"{shorten(each, 40)}: {type_text(place.schema, each)}" for each in fields_of(primary))
            where = f"{shorten(place.source, 60)}/{shorten(place.handle.name)}"
            found.append((primary.id, f"{where} · {shorten(primary.name, 60)} ({shorten(key, 120)})"))
    return found


def fields_view(draft: Draft, known: Known) -> list[dict[str, Any]]:
    """Return the fields of the collection, and why some cannot be chosen."""
    return [
        {
            "name": shorten(each.name),
            "type": shorten(type_text(known.own.schema, each.name), 60),
            "title": None if each.title is None or each.title == each.name else shorten(each.title, 60),
            "gaps": each.nullable,
            "refusal": None if (why := refusal(draft, known, each.name)) is None else shorten(why, 120),
        }
        for each in known.own.schema.fields
    ]


def draft_view(draft: Draft, known: Known) -> dict[str, Any]:
    """Return what was chosen; fields by their position."""
    positions = {name: at for at, name in enumerate(known.own.schema.names)}
    return {
        "type": draft.type,
        "name": name_of(draft, known),
        "fields": [positions[each] for each in draft.fields],
        "reference": draft.reference or "",
    }


def relating_view(relating: Relating | None, known: Known) -> dict[str, Any] | None:
    """Return the relation that is being defined."""
    if relating is None:
        return None
    name = next((each.name for each in known.own.identifiers if each.id == relating.identifier), relating.identifier)
    return {"identifier": shorten(name), "name": relating.name, "type": relating.type}


def check_view(check: IdentifierCheck, kind: IdentifierType) -> dict[str, Any]:
    """Return what the rows say: a verdict where there is one, words and counts."""
    joins = kind not in ("primary", "foreign") and check.reference is None
    cares = [] if joins else _cares(check)
    return {
        "good": None if joins or not check.rows else not cares,
        "verdict": f"Take care: {' '.join(cares)}" if cares else "Nothing speaks against it.",
        "words": _joining(check) if joins else list(check.words),
        "counts": [list(each) for each in check.counts()],
    }


def _cares(check: IdentifierCheck) -> list[str]:
    """Return what would happen to rows that nobody expects; the server takes such an identifier all the same."""
    found = check.reference
    if found is not None:
        if found.types is not None:
            return [found.types]
        count = found.found + found.missing
        return [f"{found.missing:,} of {_counted(count, 'reference')} lead nowhere."] if found.missing else []
    repeats = [f"{_counted(check.repeats, 'row')} would be replaced by later ones."] if check.repeats else []
    gaps = [f"{_counted(check.without_key, 'row')} would be without a key."] if check.without_key else []
    return repeats + gaps


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _joining(check: IdentifierCheck) -> list[str]:
    """Return what the counts mean where the same value is to be in several items."""
    names = " + ".join(shorten(each, 40) for each in check.fields)
    if not check.rows:
        return list(check.words)
    words = [
        f"Without a value for {names}: {check.without_key:,} of {check.rows:,} rows. Nothing joins them.",
        f"With the same {names} as an earlier row: {check.repeats:,}. They would be joined with that one.",
    ]
    return words if check.whole else [*words, f"These are the first {check.rows:,} rows; there are more."]
