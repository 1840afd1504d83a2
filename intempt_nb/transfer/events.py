"""One event, as a dict of Python values → the JSON that is sent; many events → the bodies of requests.

An event is held against its collection's schema as :mod:`intempt_nb.schema.checking.items` holds an item, so that a
mistake is told where it was made. Its values may be Python's, NumPy's and pandas'; missing ones are None.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.shapes import plain
from intempt_nb.codecs.wire.values import Mismatch
from intempt_nb.display import shorten
from intempt_nb.errors import DataError
from intempt_nb.schema.checking.items import MAX_DEPTH, as_text, item_checker
from intempt_nb.schema.model import Long, String, Timestamp, Uuid, without_null
from intempt_nb.transfer.item_json import item_writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.schema.checking.items import Found
    from intempt_nb.schema.schema import Schema
    from intempt_nb.transfer.options import Limits

__all__ = ["Event", "EventForm", "by_collection", "cut_events", "events_body"]

EVENT_ID, VISITOR_ID, TIMESTAMP = "eventId", "visitorId", "timestamp"

_PER_MILLI = {"ms": 1, "us": 10**3, "ns": 10**6}


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """An event that is to be sent.

    Parameters
    ----------
    collection
        The name of its collection.
    data
        A JSON object in UTF-8.
    event_id
        What it has as its ``eventId``, as text; None if it has none.
    strays
        Places in what was given that the schema has no field for, and that are not sent.
    since
        When it was made, by :func:`time.monotonic`.
    """

    collection: str
    data: bytes
    event_id: str | None = None
    strays: tuple[Found, ...] = ()
    since: float = field(default_factory=time.monotonic)

    def item(self) -> dict[str, Any]:
        """Return what is sent, decoded."""
        decoded: dict[str, Any] = json.loads(self.data)
        return decoded


class EventForm:
    """What the events of one collection look like, and the way there; for any number of threads.

    Parameters
    ----------
    collection
        Its name.
    schema
        Its schema.
    """

    def __init__(self, collection: str, schema: Schema) -> None:
        self._collection = collection
        self._types = {each.name: without_null(each.type) for each in schema.fields}
        self._check = item_checker(schema.root, schema.named)
        self._write = item_writer(schema)

    def event(self, properties: Mapping[str, Any], visitor_id: str) -> Event:
        """Return an event of some properties.

        Parameters
        ----------
        properties
            By field; taken as they are now, and left alone.
        visitor_id
            The ``visitorId``, where the schema has one and the properties have none; ``eventId`` and ``timestamp`` are
            made under the same condition.

        Raises
        ------
        DataError
            If the properties are no mapping, or do not fit the schema; with the first field that does not.
        """
        if not isinstance(properties, Mapping):
            raise self._error(f"found {shorten(repr(properties), 40)}; expected a dict, the event's properties")
        try:
            item = plain({**self._added(visitor_id), **properties})
        except RecursionError:
            raise self._error(f"nested more than {MAX_DEPTH} levels deep") from None
        found = self._check(item)
        wrong = [each for each in found if each.expected is not None]
        if wrong:
            more = f" (and {len(wrong) - 1} more: {_listed(wrong[1:])})" if len(wrong) > 1 else ""
            first = wrong[0]
            raise self._error(f"{first.reason}{more}", first.path, as_text(first.value), first.expected)
        sent = self._as_json(item)
        data = json.dumps(sent, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        event_id = sent.get(EVENT_ID)
        return Event(self._collection, data, None if event_id is None else str(event_id), tuple(found))

    def _added(self, visitor_id: str) -> dict[str, Any]:
        """Return the ids and the time that the schema has fields for."""
        added: dict[str, Any] = {}
        for name, value in ((EVENT_ID, uuid.uuid4().hex), (VISITOR_ID, visitor_id)):
            match self._types.get(name):
                case String():
                    added[name] = value
                case Uuid():
                    added[name] = _with_dashes(value)
        now = time.time_ns() // 1_000_000
        match self._types.get(TIMESTAMP):
            case Long():
                added[TIMESTAMP] = now
            case Timestamp(unit, local=False):
                added[TIMESTAMP] = now * _PER_MILLI[unit]
        return added

    def _as_json(self, item: dict[str, Any]) -> dict[str, Any]:
        try:
            sent: dict[str, Any] = self._write(item)
        except Mismatch as mismatch:
            found = shorten(mismatch.value)
            reason = mismatch.reason or f"found {found}; expected {mismatch.expected}"
            raise self._error(reason, mismatch.path, found, mismatch.expected) from None
        return sent

    def _error(self, reason: str, path: str = "", value: str | None = None, expected: str | None = None) -> DataError:
        message = f"{reason}, in an event for {self._collection!r}"
        return DataError(message, field=path.removeprefix(".") or None, value=value, expected=expected)


def _listed(found: Sequence[Found]) -> str:
    shown = ", ".join(each.path.removeprefix(".") for each in found[:5])
    return shown + (", …" if len(found) > 5 else "")


def _with_dashes(text: str) -> str:
    with suppress(ValueError):
        return str(uuid.UUID(text))
    return text


def by_collection(events: Sequence[Event]) -> dict[str, list[Event]]:
    """Return the events of each collection, in order."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(event.collection, []).append(event)
    return groups


def events_body(events: Sequence[Event]) -> bytes:
    """Return the body of a request: ``{"<collection>":[event,…],…}``."""
    groups = by_collection(events).items()
    return b"{%b}" % b",".join(
        b"%b:[%b]" % (_name(name), b",".join(each.data for each in some)) for name, some in groups
    )


def cut_events(events: Sequence[Event], limits: Limits) -> list[list[Event]]:
    """Cut events into the parts of one request each, in order."""
    parts: list[list[Event]] = []
    names: set[str] = set()
    size = 0
    for event in events:
        own, of_name = len(event.data) + len(","), len(_name(event.collection)) + len(":[]")
        size += own if event.collection in names else own + of_name
        if not parts or size > limits.batch_bytes or len(parts[-1]) == limits.batch_rows:
            parts.append([])
            names, size = set(), own + of_name + len("{}") - len(",")
        names.add(event.collection)
        parts[-1].append(event)
    return parts


def _name(collection: str) -> bytes:
    return json.dumps(collection, ensure_ascii=False).encode()
