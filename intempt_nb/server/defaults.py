"""The collections that web and iOS sources are born with [seed 001].

Their names, and the fields of most, are those of the API's reference [ref] and of its iOS client [ios]. Chosen here,
for want of a source [ours]: the fields of the web's ``visitor``, ``profile``, ``identify`` and ``view``; which fields
can be null; and the keys. The profile collection (web: ``visitor``, iOS: ``profile``) has ``visitorId`` for its primary
identifier, an event its ``eventId``, and every other collection points at the profile by a foreign ``visitorId``, with
a many-to-one relation. The beacon events ``entry`` and ``exit`` bring no ``eventId``: all their fields together are the
key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.server.answers import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.server.tables import Source, Transaction

__all__ = ["DEFAULTS", "DefaultCollection", "create_defaults"]


@dataclass(frozen=True, slots=True)
class DefaultCollection:
    """A collection of a new source.

    Parameters
    ----------
    name
        Of the collection.
    fields
        Avro fields.
    key
        The fields of the primary identifier.
    profile, event
        As the API has them.
    """

    name: str
    fields: tuple[dict[str, Any], ...]
    key: tuple[str, ...]
    profile: bool = False
    event: bool = False


def _fields(**types: Any) -> tuple[dict[str, Any], ...]:
    return tuple({"name": name, "type": avro_type} for name, avro_type in types.items())


def _record(name: str, /, **types: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(_fields(**types))}


_TEXT = ["null", "string"]
_LONG = ["null", "long"]
_INT = ["null", "int"]
_DOUBLE = ["null", "double"]
_EVENT = {"visitorId": "string", "eventId": "string"}
_TIMES = {"serverTimestamp": _LONG, "timestamp": "long", "parentTimestamp": _LONG}

_PAGE_URL = _record(
    "page_url", scheme="string", userInfo=_TEXT, host="string", port=_INT, path="string", query=_TEXT, fragment=_TEXT
)
_WEB_ELEMENT = _record(
    "element",
    tag="string",
    name=_TEXT,
    href=_TEXT,
    className=_TEXT,
    classList={"type": "array", "items": "string"},
    id=_TEXT,
    path=_TEXT,
    text=_TEXT,
    value=_TEXT,
    number=_DOUBLE,
    checked=["null", "boolean"],
    attributes=["null", {"type": "map", "values": "string"}],
)
_WEB = (
    DefaultCollection("visitor", _fields(visitorId="string"), ("visitorId",), profile=True),
    DefaultCollection("page", _fields(**_EVENT, **_TIMES, title=_TEXT, pageUrl=_PAGE_URL), ("eventId",), event=True),
    DefaultCollection(
        "interaction", _fields(**_EVENT, **_TIMES, type="string", element=_WEB_ELEMENT), ("eventId",), event=True
    ),
    DefaultCollection("profile", _fields(visitorId="string", email=_TEXT), ("visitorId",)),
    DefaultCollection("identify", _fields(**_EVENT, timestamp="long", userId=_TEXT), ("eventId",), event=True),
    DefaultCollection("view", _fields(**_EVENT, timestamp="long", title=_TEXT), ("eventId",), event=True),
)

_CONTROL = {"alpha": _DOUBLE, "class": _TEXT, "path": _TEXT, "tag": _TEXT, "viewController": _TEXT}
_BEACON = {"uuid": "string", "major": "int", "minor": "int"}
_IOS = (
    DefaultCollection("profile", _fields(visitorId="string", email=_TEXT), ("visitorId",), profile=True),
    DefaultCollection(
        "launch",
        _fields(
            **_EVENT,
            timestamp="long",
            wifi=["null", "boolean"],
            device=_record("device", name=_TEXT, type=_TEXT, osVersion=_TEXT),
            screen=_record("screen", height=_DOUBLE, width=_DOUBLE),
            geo=["null", _record("geo", city=_TEXT, country=_TEXT, region=_TEXT)],
            app=_record("app", name=_TEXT, version=_TEXT),
        ),
        ("eventId",),
        event=True,
    ),
    DefaultCollection(
        "scene",
        _fields(
            visitorId="string",
            parentId=_TEXT,
            eventId="string",
            timestamp="long",
            element=_record("element", **_CONTROL),
        ),
        ("eventId",),
        event=True,
    ),
    DefaultCollection(
        "interaction",
        _fields(
            visitorId="string",
            parentId=_TEXT,
            eventId="string",
            timestamp="long",
            type="string",
            element=_record("element", **_CONTROL, ActionName=_TEXT, text=_TEXT),
        ),
        ("eventId",),
        event=True,
    ),
    DefaultCollection(
        "entry",
        _fields(visitorId="string", entryTime="long", **_BEACON),
        ("visitorId", "entryTime", *_BEACON),
        event=True,
    ),
    DefaultCollection(
        "exit", _fields(visitorId="string", exitTime="long", **_BEACON), ("visitorId", "exitTime", *_BEACON), event=True
    ),
)

DEFAULTS: Mapping[str, tuple[DefaultCollection, ...]] = {"js": _WEB, "ios": _IOS, "api": ()}
"""By the type of the source; the profile collection is the first."""

_NAMESPACES = {"js": "com.intempt.data.source.web", "ios": "com.intempt.data.source.ios"}


def create_defaults(tx: Transaction, source: Source) -> None:
    """Give a new source its default collections, identifiers and relations."""
    hub: tuple[str, int] | None = None
    for default in DEFAULTS[source.type]:
        columns = {field["name"]: field for field in default.fields}
        schema = _schema(source, f"{default.name}_schema", *default.fields)
        collection_id = tx.add_collection(
            source.id, default.name, None, profile=default.profile, event=default.event, schema=schema
        )
        key_schema = _schema(source, "primaryId", *(columns[name] for name in default.key))
        primary_id = tx.add_identifier(collection_id, "primary", "primaryId", key_schema)
        if hub is None:
            hub = default.name, primary_id
            continue
        hub_name, hub_key = hub
        link_schema = _schema(source, "visitorId", columns["visitorId"])
        link = tx.add_identifier(collection_id, "foreign", "visitorId", link_schema, hub_key)
        tx.add_relation(link, f"{default.name}_{hub_name}", "many_to_one")


def _schema(source: Source, name: str, *fields: dict[str, Any]) -> str:
    return to_json({"type": "record", "name": name, "namespace": _NAMESPACES[source.type], "fields": fields})
