"""What the tracker in a page sends: events of one source, each taken or refused on its own [ours].

The body is ``{"events": [{"collection", "data", "eventId", "visitorId", "timestamp"}, …]}``: ``data`` as the page gave
it to ``track``, beside it what the tracker adds, the time in epoch milliseconds. What is added goes into an item where
the schema has a field of that name which ``data`` has no value for, in that field's own form, since only the server
knows the schema: a page has no key to read it with. ``serverTimestamp`` is added likewise.

A page cannot be asked to put its events right, and one on its way out does not even see the answer. So a bad event is
refused and named in the answer, and the others are stored; the items of a bulk request are stored all or none.

Who sent an event is somebody the source has seen. So the source's profile collection gets an item of the visitor, if an
event's collection refers to it by a foreign identifier: with the key and nothing else, and only if there is none yet
and its schema asks for no more. Else a join from events to visitors would find nobody [ours].
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from intempt_nb.display import shorten
from intempt_nb.schema import model
from intempt_nb.schema.model import without_null
from intempt_nb.server.answers import invalid, json_answer
from intempt_nb.server.data_calls import keyless, preparer
from intempt_nb.server.ids import now_ms
from intempt_nb.server.items import ItemError
from intempt_nb.server.rules import parsed_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.responses import Response

    from intempt_nb.server.calls import Call
    from intempt_nb.server.tables import Collection, Transaction

    Form: TypeAlias = Callable[[Any], Any]
    Targets: TypeAlias = Mapping[str, "_Target"]

__all__ = ["MAX_EVENTS", "MAX_IGNORED", "receive_events"]

MAX_EVENTS = 1_000
"""The most events of a request: each may have a line in the answer."""

MAX_IGNORED = 20
"""The most names of ignored fields that an answer has, of each collection; long ones are cut."""

_TEXTS = ("eventId", "visitorId")
_TIMES = ("timestamp", "serverTimestamp")
_PER_MILLI = {"ms": 1, "us": 10**3, "ns": 10**6}


@dataclass(frozen=True, slots=True)
class _Event:
    """An event as it was sent."""

    collection: str
    data: dict[str, Any]
    added: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Profile:
    """The source's collection of visitors, with the schema of its primary identifier."""

    collection_id: int
    schema: str
    key_schema: str


@dataclass(frozen=True, slots=True)
class _Target:
    """A collection, with the schemas of its primary identifier and of those that refer to the visitors."""

    collection: Collection
    key_schema: str | None
    links: tuple[str, ...]
    profile: _Profile | None


@dataclass(frozen=True, slots=True)
class _Batch:
    """What a request comes to: keys and JSON texts by collection, what is refused, and what is ignored."""

    rows: dict[int, list[tuple[str, str]]]
    visitors: dict[int, dict[str, str]]
    refused: list[dict[str, Any]]
    ignored: dict[str, dict[str, None]]


def receive_events(call: Call) -> Response:
    """``POST /trackers/{number}/events``.

    Answers ``{stored, refused: [{index, collection, field, message, missing}, …], ignored: {collection: [field, …]}}``.
    ``missing`` is whether the source has no such collection; ``ignored`` has the first `MAX_IGNORED` fields that the
    schema does not name, which are not kept therefore [ref].
    """
    events = call.json_object().get("events")
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise invalid(f"'events' is to be a list of at most {MAX_EVENTS:,} events")
    now = now_ms()
    with call.store.read() as tx:
        targets = _targets(tx, call.access.source_id)
    batch = _prepared(targets, events, now)
    with call.store.write() as tx:
        current = _targets(tx, call.access.source_id)
        if current != targets:
            # A schema has changed since the events were checked, outside of the lock.
            batch = _prepared(current, events, now)
        for collection_id, items in batch.rows.items():
            tx.upsert_items(collection_id, items, now)
        for collection_id, visitors in batch.visitors.items():
            tx.add_missing_items(collection_id, visitors, now)
    ignored = {name: list(fields) for name, fields in batch.ignored.items() if fields}
    return json_answer({"stored": len(events) - len(batch.refused), "refused": batch.refused, "ignored": ignored})


def _targets(tx: Transaction, source_id: int | None) -> Targets:
    """Return the collections of a source, by name."""
    collections = tx.collections(source_id=source_id)
    identifiers = tx.identifiers(source_id=source_id)
    primaries = {each.collection_id: each for each in reversed(identifiers) if each.type == "primary"}
    hub = next((each for each in collections if each.profile and each.id in primaries), None)
    profile = None if hub is None else _Profile(hub.id, hub.schema, primaries[hub.id].schema)
    links: dict[int, list[str]] = {}
    for each in identifiers:
        if hub is not None and each.type == "foreign" and each.reference_id == primaries[hub.id].id:
            links.setdefault(each.collection_id, []).append(each.schema)
    return {
        each.name: _Target(
            each, primaries[each.id].schema if each.id in primaries else None, tuple(links.get(each.id, ())), profile
        )
        for each in collections
    }


def _prepared(targets: Targets, events: list[Any], now: int) -> _Batch:
    batch = _Batch({}, {}, [], {})
    for index, value in enumerate(events):
        try:
            event = _read(value, now)
            target = targets.get(event.collection)
            if target is None:
                # Without the names that there are: whoever reads the page has the number, and reads nothing with it.
                raise ItemError(f"the source has no collection {shorten(event.collection)!r}")
            _add(batch, target, event)
        except ItemError as error:
            name = value.get("collection") if isinstance(value, dict) else None
            text = name if isinstance(name, str) else None
            reason = {"field": error.field or None, "message": error.message}
            missing = text is not None and text not in targets
            place = {"index": index, "collection": None if text is None else shorten(text)}
            batch.refused.append({**place, **reason, "missing": missing})
    return batch


def _read(value: Any, now: int) -> _Event:
    match value:
        case {"collection": str(name), "data": dict(data)}:
            added = {each: value[each] for each in (*_TEXTS, "timestamp") if each in value}
            return _Event(name, data, {**added, "serverTimestamp": now})
        case _:
            found = shorten(json.dumps(value, ensure_ascii=False))
            raise ItemError(f"found {found}; expected an event with a collection's name and data")


def _add(batch: _Batch, target: _Target, event: _Event) -> None:
    """Add an event's item, its visitor, and the fields that are not kept."""
    collection = target.collection
    if target.key_schema is None:
        raise ItemError(keyless(collection).message)
    forms = _forms(collection.schema)
    added = {name: form(event.added[name]) for name, form in forms.items() if name in event.added}
    item = {**added, **{name: value for name, value in event.data.items() if value is not None or name not in added}}
    names = _names(collection.schema)
    ignored = batch.ignored.setdefault(collection.name, {})
    for name in event.data:
        if len(ignored) == MAX_IGNORED:
            break
        if name not in names:
            ignored[shorten(name)] = None
    batch.rows.setdefault(collection.id, []).append(preparer(collection.schema, target.key_schema)(item))
    if target.profile is not None:
        for link in target.links:
            _add_visitor(batch.visitors.setdefault(target.profile.collection_id, {}), target.profile, link, item)


def _add_visitor(visitors: dict[str, str], profile: _Profile, link: str, item: Mapping[str, Any]) -> None:
    values = [item.get(each.name) for each in parsed_schema(link).record.fields]
    names = [each.name for each in parsed_schema(profile.key_schema).record.fields]
    if None in values or len(values) != len(names):
        return
    try:
        key, text = preparer(profile.schema, profile.key_schema)(dict(zip(names, values, strict=True)))
    except ItemError:
        return  # a profile here has more than its key, which only the source's owner knows
    visitors[key] = text


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
