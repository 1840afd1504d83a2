"""The kinds of sources, as seed 001 describes them, and how data gets into a source of each.

The categories and the wider table are descriptions for people. What a source is on the wire is its `type`.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from intempt_nb.schema import model
from intempt_nb.schema.model import is_nullable, without_null

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.api.resources import Source
    from intempt_nb.schema.schema import Schema

__all__ = [
    "DATA_SOURCE_TYPES",
    "SOURCE_CATEGORIES",
    "DataSourceType",
    "Example",
    "HowTo",
    "SourceCategory",
    "how_to",
]


@dataclass(frozen=True, slots=True)
class SourceCategory:
    """A category that a source is picked from in the console [seed 001].

    Parameters
    ----------
    title
        As the console has it.
    type
        What the API calls it: the `type` of a source.
    purpose
        What it is for.
    """

    title: str
    type: str
    purpose: str


SOURCE_CATEGORIES = (
    SourceCategory(
        "Intempt Web Tracker",
        "js",
        "All data flowing through a website; born with default collections, identifiers and relations.",
    ),
    SourceCategory(
        "iOS App",
        "ios",
        "All data flowing through an iOS application; born with default collections, identifiers and relations.",
    ),
    SourceCategory("API Source", "api", "Collections, identifiers and relations made from scratch; born empty."),
)
"""The categories of sources that can be picked [seed 001], with the type values of the API."""


@dataclass(frozen=True, slots=True)
class DataSourceType:
    """Where data can come from, seen from the business [seed 001].

    Parameters
    ----------
    name
        The kind of data source.
    how_it_works
        What sends the data.
    data_collected
        What the data tell.
    """

    name: str
    how_it_works: str
    data_collected: str


DATA_SOURCE_TYPES = (
    DataSourceType(
        "Web/mobile",
        "Any web page/mobile application with Intempt tracker installed",
        "Products, categories and pages browsed, clicks, store, interaction data, number of pages/sessions",
    ),
    DataSourceType(
        "Server to server", "Integrate communications directly from your servers", "Track any data collected"
    ),
    DataSourceType(
        "Beacons",
        "Beacons communicate with nearby smart devices, which send information to linked servers",
        "Entry/ exit, time spent in physical space",
    ),
    DataSourceType(
        "Sales apps",
        "Ecommerce, administration and sales systems that manage sales interactions (e.g. Magento, Shopify, "
        "Prestashop)",
        "Purchases, orders, customer and product value, abandoned baskets, returns",
    ),
    DataSourceType(
        "Marketing apps",
        "Services that help to target markets and convert leads into sales (e.g. Google Analytics, Mailchimp, Drip, "
        "Hootsuite)",
        "User interactions, visitor and session statistics, engagement metrics",
    ),
)
"""The table "Types of Data Sources" of seed 001, word for word."""


@dataclass(frozen=True, slots=True)
class HowTo:
    """How to put data into a source; shows itself as text, and in notebooks as HTML. There is no key in it.

    Parameters
    ----------
    title
        A line above.
    steps
        Each what to do, and the code that does it.
    """

    title: str
    steps: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        parts = [f"{what}\n\n{_indented(code)}" for what, code in self.steps]
        return "\n\n".join([self.title, *parts])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        parts = [f"<p>{escape(what)}</p>{_PRE}<code>{escape(code)}</code></pre>" for what, code in self.steps]
        return f"<p><b>{escape(self.title)}</b></p>{''.join(parts)}"


_PRE = '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">'


def _indented(code: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in code.splitlines())


@dataclass(frozen=True, slots=True)
class Example:
    """An item to show: of a collection of the source, or of the seed's, if it has none that fits.

    Parameters
    ----------
    collection
        The collection's name.
    item
        Values by field.
    exists
        Whether the source has the collection.
    """

    collection: str
    item: Mapping[str, Any]
    exists: bool = True

    @classmethod
    def choose(cls, kind: str | None, found: Sequence[tuple[str, str, Schema]]) -> Example:
        """Return an example for a source.

        Parameters
        ----------
        kind
            The source's type.
        found
            Name, kind and schema of each of its collections.
        """
        if kind not in _BORN_WITH:
            return next((cls(name, _item(schema)) for name, _, schema in found), _SEED)
        own = [each for each in found if each[1] == "event" and each[0] not in _BORN_WITH[kind]]
        return next((cls(name, _item(schema, _ADDED)) for name, _, schema in own), _SEED)


# Events of these come by themselves, so they are no example of a call.
_BORN_WITH = {
    "js": {"visitor", "page", "interaction", "profile", "identify", "view"},
    "ios": {"profile", "launch", "scene", "interaction", "entry", "exit"},
}
_ADDED = frozenset({"eventId", "visitorId", "timestamp", "serverTimestamp", "parentTimestamp"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SEED = Example(
    "flight-booking",
    {"bookingId": "1", "flightId": "1", "bookingStatus": "booked", "bookingDate": "2020-05-25"},
    exists=False,
)


def how_to(source: Source, example: Example, base_url: str, org: str) -> HowTo:
    """Return how to put data into a source of its kind.

    Parameters
    ----------
    source
        The source.
    example
        What the code sends.
    base_url, org
        Where the API is, as the client has them.
    """
    title = f"How to put data into {_escaped(source.name)}"
    if not example.exists:
        title += f" (its collection {example.collection!r} is an example: create one of yours first)"
    base = f"{base_url.rstrip('/')}/v1/{org}"
    match source.type:
        case "js":
            return HowTo(title, _web_steps(source, example, base_url))
        case "ios":
            return HowTo(title, _ios_steps(source, example, base, org))
        case _:
            return HowTo(title, _api_steps(source, example, base))


def _web_steps(source: Source, example: Example, base_url: str) -> tuple[tuple[str, str], ...]:
    place = (
        "Into the head of each page. If the page has a Content-Security-Policy, it has to allow the inline script, and "
        f"{base_url.rstrip('/')} in script-src and connect-src:"
    )
    snippet = source.tracker_snippet
    if snippet is None:
        place = "Into the head of each page, the tracker's code. Copy it from the console:"
        snippet = "Customer Data Platform → Sources"
    number = source.tracker_number or "YOUR_TRACKER_NUMBER"
    call = f"window._intempt['{number}'].track({_json(example.collection)}, {_json(example.item)})"
    call = call.replace("</", "<\\/")  # it may be put into a script element, which "</script>" would end
    return (place, snippet), ("Where something happens, and in the browser's console:", call)


def _ios_steps(source: Source, example: Example, base: str, org: str) -> tuple[tuple[str, str], ...]:
    # The two calls are those of the vendor's iOS SDK of the time [ios].
    begin = (
        f"IntemptTracker.tracking(withOrgId: {_json(org)}, withSourceId: {_json(source.id)}, "
        'withToken: "<YOUR_TOKEN>", withConfig: config) { (status, result, error) in }'
    )
    call = (
        f"IntemptTracker.track({_json(example.collection)}, withProperties: [{_swift(example.item)}]) "
        "{ (status, result, error) in }"
    )
    steps = (
        ("When the app starts (the token is in the console: Customer Data Platform → Sources):", begin),
        ("Where something happens:", call),
    )
    if source.tracker_number is None:
        return steps
    event = {"collection": example.collection, "visitorId": "1", "eventId": "1", "data": example.item}
    url = f"{base}/trackers/{source.tracker_number}/events"
    send = f"curl {shlex.quote(url)} \\\n  -d {shlex.quote(_json({'events': [event]}))}"
    return (*steps, (f"The SDK does not know this sandbox; by its tracker number, {source.tracker_number}:", send))


def _api_steps(source: Source, example: Example, base: str) -> tuple[tuple[str, str], ...]:
    body = shlex.quote(_json({example.collection: [example.item]}))
    curl = (
        f"curl {shlex.quote(f'{base}/sources/{source.id}/data')} \\\n  -d {body} \\\n  -X POST \\\n"
        '  -H "Authorization: ApiKey <YOUR_API_KEY>"'
    )
    python = (
        f"collection = client.sources[{_json(source.name)}].collections[{_json(example.collection)}]\n"
        f'collection.upload("file.csv")'
    )
    return ("From a server:", curl), ("From Python, any file or DataFrame:", python)


def _json(value: Any) -> str:
    return _escaped(json.dumps(value, ensure_ascii=False))


def _escaped(text: str) -> str:
    """Return text without control characters, which a terminal would obey."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _swift(value: Any) -> str:
    if isinstance(value, dict):
        return f"[{', '.join(f'{_json(key)}: {_swift(each)}' for key, each in value.items()) or ':'}]"
    if isinstance(value, list):
        return f"[{', '.join(map(_swift, value))}]"
    return "NSNull()" if value is None else _json(value)


def _item(schema: Schema, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return an item with the fields that have to be there, or some that can be."""
    fields = [field for field in schema.fields if field.name not in without]
    needed = [field for field in fields if field.required] or fields[:3]
    return {field.name: _value(field.type) for field in needed}


def _value(avro_type: model.AvroType) -> Any:
    """Return a value as JSON has it, null for what an example has no value for."""
    match without_null(avro_type):
        case model.String():
            return "1"
        case model.Boolean():
            return True
        case model.Int() | model.Long() | model.Time():
            return 1
        case model.Float() | model.Double() | model.Decimal() | model.BigDecimal():
            return 1
        case model.Date():
            return "2020-05-25"
        case model.Timestamp(unit):
            return 1_590_364_800_000 * {"ms": 1, "us": 10**3, "ns": 10**6}[unit]
        case model.Uuid():
            return "0123456789abcdef0123456789abcdef"
        case model.Enum(_, symbols):
            return symbols[0]
        case model.Array():
            return []
        case model.Map():
            return {}
        case model.Record(fields=fields):
            return {each.name: _value(each.type) for each in fields if not is_nullable(each.type)}
        case model.Union(branches):
            return _value(branches[0])
        case _:
            return None
