"""The collections around one, and what refers to what, as boxes and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.widgets.identifying.model import fields_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.api.resources import Identifier
    from intempt_nb.widgets.identifying.model import Draft, Known, Place

__all__ = ["picture"]

MOST_BOXES = 30
MOST_LINES = 12


def picture(known: Known, draft: Draft) -> dict[str, Any]:
    """Return what the diagram shows: the collection, what it refers to and what refers to it.

    The identifier that is being defined is a dashed link.
    """
    links = list(_links(known, draft))
    near = {box for link in links for box, _ in (link["from"], link["to"])}
    shown = [each for each in known.places if each is known.own or each.handle.id in near][:MOST_BOXES]
    ends = {end for link in links for end in (tuple(link["from"]), tuple(link["to"]))}
    chosen = {(known.own.handle.id, each) for each in draft.fields}
    return {"boxes": [_box(each, known, ends | chosen) for each in shown], "links": links}


def _links(known: Known, draft: Draft) -> Iterator[dict[str, Any]]:
    for place in known.places:
        for identifier in place.identifiers:
            there = known.place_of(identifier.reference_id)
            if there is not None and known.own in (place, there):
                yield from _link(place, fields_of(identifier), there, identifier.name, dashed=False)
    there = known.place_of(draft.reference)
    if there is not None:
        yield from _link(known.own, draft.fields, there, name_of(draft, known), dashed=True)


def _link(place: Place, fields: tuple[str, ...], there: Place, label: str, *, dashed: bool) -> Iterator[dict[str, Any]]:
    theirs = () if there.primary is None else fields_of(there.primary)
    pairs: list[tuple[str | None, str | None]] = list(zip(fields, theirs, strict=False)) or [(None, None)]
    for at, (mine, other) in enumerate(pairs):
        yield {
            "from": [place.handle.id, mine],
            "to": [there.handle.id, other],
            "label": shorten(label, 60) if at == 0 else None,
            "dashed": dashed,
        }


def _box(place: Place, known: Known, wanted: set[tuple[Any, ...]]) -> dict[str, Any]:
    key = set(_key(place.primary))
    names = [name for name in place.schema.names if name in key or (place.handle.id, name) in wanted][:MOST_LINES]
    rest = len(place.schema.names) - len(names)
    return {
        "id": place.handle.id,
        "title": shorten(place.handle.name),
        "note": None if place.source == known.own.source else f"source {shorten(place.source, 60)}",
        "lines": [{"id": name, "text": shorten(name), "key": name in key} for name in names],
        "more": f"{rest:,} {'more ' if names else ''}field{'s' if rest > 1 else ''}" if rest else None,
    }


def _key(primary: Identifier | None) -> tuple[str, ...]:
    return () if primary is None else fields_of(primary)
