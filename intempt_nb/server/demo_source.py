"""The source of the demo page: a web source with flights, searches and bookings.

It is set up when the page is visited, so that a sandbox whose demo nobody opens has no source that nobody made. What is
there already is used as it is; what is missing is added, so that a visit after a deletion works again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from intempt_nb.server.access import digest_of, new_key
from intempt_nb.server.answers import HttpError, to_json
from intempt_nb.server.data_calls import preparer
from intempt_nb.server.defaults import create_defaults
from intempt_nb.server.ids import new_tracker_number, now_ms

if TYPE_CHECKING:
    from intempt_nb.server.tables import Source, Transaction

__all__ = ["DEMO_SOURCE", "demo_tracker"]

DEMO_SOURCE: Final = "flight-demo"
"""Its name."""

_FLIGHTS = Path(__file__).with_name("static") / "flights.json"
_NAMESPACE = "com.intempt.data.source.web"
_DATE = {"type": "string", "logicalType": "date"}
_EVENT = {"eventId": "string", "visitorId": "string"}


def _field(name: str, avro_type: Any, title: str | None = None) -> dict[str, Any]:
    shown = {} if title is None else {"display": True, "title": title}
    return {"name": name, "type": avro_type, **shown}


_FLIGHT = [
    _field("flightId", "string", "Flight ID"),
    _field("carrier", "string"),
    _field("airline", "string", "Airline"),
    _field("origin", "string", "From"),
    _field("destination", "string", "To"),
    _field("departure", "string", "Departure, local time"),
    _field("arrival", "string", "Arrival, local time"),
    _field("miles", "int", "Distance in miles"),
]
_SEARCH = [
    *(_field(name, kind) for name, kind in _EVENT.items()),
    _field("timestamp", "long"),
    _field("origin", "string", "From"),
    _field("destination", "string", "To"),
    _field("departureDate", _DATE, "Departure"),
    _field("passengers", "int", "Passengers"),
    _field("results", "int", "Flights found"),
]
# The schema of seed 000, field by field, so that its line of JavaScript works in the demo's console as well.
_BOOKING = [
    *(_field(name, kind) for name, kind in _EVENT.items()),
    _field("bookingId", "string", "Booking ID"),
    _field("flightId", "string", "Flight ID"),
    _field("bookingStatus", "string", "Booking Status"),
    _field("bookingDate", _DATE, "Booking Date"),
]


def demo_tracker(tx: Transaction) -> int:
    """Return the tracker number of the demo's source, with all that it needs; what is missing is made.

    Raises
    ------
    HttpError
        409 if there is a source of its name that is no web source.
    """
    found = tx.sources(DEMO_SOURCE)
    source = found[0] if found else _add_source(tx)
    if source.type != "js" or source.tracker_number is None:
        raise HttpError(409, f"the source {DEMO_SOURCE!r} is no web source; delete it, and the demo makes its own")
    keys = _primaries(tx, source)
    visitor = keys.get("visitor")
    if "flight" not in keys:
        keys["flight"] = _add_flights(tx, source)
    for name, fields in (("flight-search", _SEARCH), ("flight-booking", _BOOKING)):
        if name not in keys:
            links = {"visitorId": visitor, "flightId": keys["flight"]}
            _add_events(tx, source, name, fields, links)
    return source.tracker_number


def _primaries(tx: Transaction, source: Source) -> dict[str, int | None]:
    """Return the primary identifier of each collection of the source, by the collection's name."""
    ids = {each.collection_id: each.id for each in tx.identifiers(source_id=source.id, kind="primary")}
    return {each.name: ids.get(each.id) for each in tx.collections(source_id=source.id)}


def _add_source(tx: Transaction) -> Source:
    source = tx.add_source(
        DEMO_SOURCE, "Flight demo", "The demo page of the sandbox", "js", digest_of(new_key()), new_tracker_number()
    )
    create_defaults(tx, source)
    return source


def _add_flights(tx: Transaction, source: Source) -> int:
    """Add the flights that can be booked, and return their primary identifier."""
    schema, key_schema = _schema("flight_schema", _FLIGHT), _schema("flightId", _FLIGHT[:1])
    collection_id = tx.add_collection(source.id, "flight", "Flights", profile=False, event=False, schema=schema)
    primary_id = tx.add_identifier(collection_id, "primary", "flightId", key_schema)
    prepare = preparer(schema, key_schema)
    flights = json.loads(_FLIGHTS.read_text(encoding="utf-8"))["flights"]
    tx.upsert_items(collection_id, [prepare(each) for each in flights], now_ms())
    return primary_id


def _add_events(
    tx: Transaction, source: Source, name: str, fields: list[dict[str, Any]], links: dict[str, int | None]
) -> None:
    schema = _schema(f"{name.replace('-', '_')}_schema", fields)
    collection_id = tx.add_collection(source.id, name, None, profile=False, event=True, schema=schema)
    tx.add_identifier(collection_id, "primary", "eventId", _schema("eventId", fields[:1]))
    for column in fields:
        reference = links.get(column["name"])
        if reference is not None:
            link = _schema(column["name"], [column])
            link_id = tx.add_identifier(collection_id, "foreign", column["name"], link, reference)
            tx.add_relation(link_id, f"{name}_{column['name']}", "many_to_one")


def _schema(name: str, fields: list[dict[str, Any]]) -> str:
    return to_json({"type": "record", "name": name, "namespace": _NAMESPACE, "fields": fields})
