"""What the tracker in a page sends: events of one source, each taken or refused on its own [ours].

The body is ``{"events": [{"collection", "data", "eventId", "visitorId", "timestamp"}, …]}``: ``data`` as the page gave
it to ``track``, beside it what the tracker adds, the time in epoch milliseconds. What is added goes into an item where
the schema has a field of that name which ``data`` has no value for, in that field's own form, since only the server
knows the schema: a page has no key to read it with. ``serverTimestamp`` is added likewise.

A page cannot be asked to put its events right, and one on its way out does not even see the answer. So a bad event is
refused and named in the answer, and the others are stored; the items of a bulk request are stored all or none.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from intempt_nb.display import shorten
from intempt_nb.schema import model
from intempt_nb.schema.model import without_null
from intempt_nb.server.answers import HttpError, invalid, json_answer
from intempt_nb.server.data_calls import preparer, target_of
from intempt_nb.server.ids import now_ms
from intempt_nb.server.items import ItemError
from intempt_nb.server.rules import parsed_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from intempt_nb.server.calls import Call
    from intempt_nb.server.tables import Collection, Transaction

    Form: TypeAlias = Callable[[Any], Any]

__all__ = ["MAX_EVENTS", "receive_events"]

MAX_EVENTS = 1_000
"""The most events of a request: each may have a line in the answer."""

_TEXTS = ("eventId", "visitorId")
_TIMES = ("timestamp", "serverTimestamp")
_PER_MILLI = {"ms": 1, "us": 10**3, "ns": 10**6}


@dataclass(frozen=True, slots=True)
class _Event:
    """An event as it was sent."""

    collection: str
    data: dict[str, Any]
    added: dict[str, Any]


def receive_events(call: Call) -> Response:
    """``POST /trackers/{number}/events``.

    Answers ``{stored, refused: [{index, collection, field, message}, …], ignored: {collection: [field, …]}}``, where
    ``ignored`` has the fields that the schema does not name, which are not kept therefore [ref].
    """
    events = call.json_object().get("events")
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise invalid(f"'events' is to be a list of at most {MAX_EVENTS:,} events")
    rows: dict[int, list[tuple[str, str]]] = {}
    refused: list[dict[str, Any]] = []
    ignored: dict[str, list[str]] = {}
    with call.store.write() as tx:
        known = {each.name: each for each in tx.collections(source_id=call.access.source_id)}
        now = now_ms()
        for index, value in enumerate(events):
            name = value.get("collection") if isinstance(value, dict) else None
            try:
                event = _read(value, now)
                collection = _collection(known, event.collection)
                rows.setdefault(collection.id, []).append(_prepared(tx, collection, event, ignored))
            except ItemError as error:
                reason = {"field": error.field or None, "message": error.message}
                refused.append({"index": index, "collection": name, **reason})
        for collection_id, items in rows.items():
            tx.upsert_items(collection_id, items, now)
    stored = len(events) - len(refused)
    return json_answer({"stored": stored, "refused": refused, "ignored": ignored})


def _read(value: Any, now: int) -> _Event:
    match value:
        case {"collection": str(name), "data": dict(data)}:
            added = {each: value[each] for each in (*_TEXTS, "timestamp") if each in value}
            return _Event(name, data, {**added, "serverTimestamp": now})
        case _:
            found = shorten(json.dumps(value, ensure_ascii=False))
            raise ItemError(f"found {found}; expected an event with a collection's name and data")


def _collection(known: Mapping[str, Collection], name: str) -> Collection:
    if name not in known:
        # Without the names that there are: whoever reads the page has the number, and is to read nothing with it.
        raise ItemError(f"the source has no collection {shorten(name)!r}")
    return known[name]


def _prepared(tx: Transaction, collection: Collection, event: _Event, ignored: dict[str, list[str]]) -> tuple[str, str]:
    """Return the key and the JSON text of an event's item, and note the fields that are not kept."""
    try:
        target = target_of(tx, collection)
    except HttpError as error:
        raise ItemError(error.message) from None
    forms = _forms(collection.schema)
    added = {name: form(event.added[name]) for name, form in forms.items() if name in event.added}
    names = _names(collection.schema)
    strays = ignored.get(collection.name, []) + [name for name in event.data if name not in names]
    if strays:
        ignored[collection.name] = list(dict.fromkeys(strays))
    return preparer(collection.schema, target.key_schema)({**added, **event.data})


@lru_cache(maxsize=512)
def _names(schema_text: str) -> frozenset[str]:
    return frozenset(field.name for field in parsed_schema(schema_text).record.fields)


@lru_cache(maxsize=512)
def _forms(schema_text: str) -> Mapping[str, Form]:
    """Return the fields that can be filled in, each with the way from what is added to the field's own form."""
    types = {field.name: without_null(field.type) for field in parsed_schema(schema_text).record.fields}
    texts = {name: _as_it_is for name in _TEXTS if isinstance(types.get(name), model.String | model.Uuid)}
    times: dict[str, Form] = {}
    for name in _TIMES:
        match types.get(name):
            case model.Long():
                times[name] = _as_it_is
            case model.Timestamp(unit, local=False):
                times[name] = _scaled(_PER_MILLI[unit])
    return {**texts, **times}


def _as_it_is(value: Any) -> Any:
    return value


def _scaled(factor: int) -> Form:
    return lambda millis: millis * factor if type(millis) is int else millis  # else the check of the item refuses it
