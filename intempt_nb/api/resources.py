"""The API's objects as frozen records, read from JSON; they hold no connection.

``from_json`` ignores keys it does not know. Ids are text whatever the wire has: they are 17 to 19 digits, above 2**53,
and a float that held one would have lost some.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import uritemplate

from intempt_nb.display import shorten
from intempt_nb.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Collection",
    "CollectionKind",
    "DataItem",
    "Identifier",
    "Link",
    "Relation",
    "Source",
    "embedded",
    "read_links",
]

CollectionKind = Literal["profile", "event", "attribute"]


@dataclass(frozen=True, slots=True)
class Link:
    """One HAL link.

    Parameters
    ----------
    href
        An address, or a URI template (RFC 6570) for one.
    templated
        Whether `href` is a template.
    """

    href: str
    templated: bool = False

    def expand(self, **variables: str | int | None) -> str:
        """Return the address, a template filled in; variables that are None or missing are left out."""
        return uritemplate.expand(self.href, dict(variables)) if self.templated else self.href


@dataclass(frozen=True, slots=True)
class Source:
    """The integration that data comes through.

    Parameters
    ----------
    id
        The id.
    name
        The name, unique in the organisation.
    title, description
        For people; None if not given.
    type
        ``js``, ``ios``, ``api`` and others; None if not given.
    active
        Whether it takes data; None if the server does not say.
    tracker_number
        What its pages send with instead of a key: public, and good for sending events to this source only. Sandbox
        only; None for a source without a tracker.
    tracker_snippet
        The HTML that goes into the head of its pages. Sandbox only; None for others than web sources.
    links
        HAL links by relation: ``self``, ``collections``.
    """

    id: str
    name: str
    title: str | None = None
    description: str | None = None
    type: str | None = None
    active: bool | None = None
    tracker_number: str | None = None
    tracker_snippet: str | None = field(default=None, repr=False)
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a source; `TransportError` if a key is missing or of another type."""
        read = _Reader.of("source", value)
        return cls(
            id=read.id("id"),
            name=read.text("name"),
            title=read.optional_text("title"),
            description=read.optional_text("description"),
            type=read.optional_text("type"),
            active=read.optional_flag("active"),
            tracker_number=read.optional_id("trackerNumber"),
            tracker_snippet=read.optional_text("trackerSnippet"),
            links=read_links(read.value),
        )


@dataclass(frozen=True, slots=True)
class Collection:
    """A table: an Avro record schema and what its rows are.

    Parameters
    ----------
    id
        The id.
    source_id, source_name, source_title
        The source it belongs to; name and title are None if not given.
    name
        The name: the key of its items in a bulk request.
    title
        For people; None if not given.
    profile, event
        The two flags of the API; see `kind`.
    schema_json
        The Avro schema as the server has it, keys in their order.
    org_id
        The organisation's id; None if not given.
    links
        HAL links by relation: ``self``, ``source``, ``data``, ``identifiers``, ``relations``.
    """

    id: str
    source_id: str
    name: str
    schema_json: dict[str, Any] = field(repr=False, hash=False)
    profile: bool = False
    event: bool = False
    title: str | None = None
    source_name: str | None = None
    source_title: str | None = None
    org_id: str | None = None
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, hash=False)

    @property
    def kind(self) -> CollectionKind:
        """What an item is: facts about a user, something that happened, or anything else."""
        if self.profile:
            return "profile"
        return "event" if self.event else "attribute"

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a collection; `TransportError` if a key is missing or of another type."""
        read = _Reader.of("collection", value)
        return cls(
            id=read.id("id"),
            source_id=read.id("sourceId"),
            name=read.text("name"),
            schema_json=read.object("schema"),
            profile=read.optional_flag("profile") or False,
            event=read.optional_flag("event") or False,
            title=read.optional_text("title"),
            source_name=read.optional_text("sourceName"),
            source_title=read.optional_text("sourceTitle"),
            org_id=read.optional_id("orgId"),
            links=read_links(read.value),
        )


@dataclass(frozen=True, slots=True)
class Identifier:
    """What makes items of a collection the same thing, or links them to another.

    Parameters
    ----------
    id
        The id.
    coll_id
        The collection it belongs to.
    type
        ``primary``, ``foreign``, ``user``; also ``profile`` and ``account`` are seen.
    name
        The name.
    schema_json
        An Avro record schema; its fields are some of the collection's.
    reference_id
        The primary identifier that a foreign one points at; None for others.
    links
        HAL links by relation: ``self``.
    """

    id: str
    coll_id: str
    type: str
    name: str
    schema_json: dict[str, Any] = field(repr=False, hash=False)
    reference_id: str | None = None
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read an identifier; `TransportError` if a key is missing or of another type."""
        read = _Reader.of("identifier", value)
        return cls(
            id=read.id("id"),
            coll_id=read.id("collId"),
            type=read.text("type"),
            name=read.text("name"),
            schema_json=read.object("schema"),
            reference_id=read.optional_id("referenceId"),
            links=read_links(read.value),
        )


@dataclass(frozen=True, slots=True)
class Relation:
    """A foreign identifier with a name.

    Parameters
    ----------
    id
        The id.
    name
        The name.
    identifier_id
        The foreign identifier.
    type
        ``one_to_many`` or ``many_to_one``.
    coll_id
        The collection it belongs to; None if the server does not say.
    links
        HAL links by relation.
    """

    id: str
    name: str
    identifier_id: str
    type: str
    coll_id: str | None = None
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read a relation; `TransportError` if a key is missing or of another type."""
        read = _Reader.of("relation", value)
        return cls(
            id=read.id("id"),
            name=read.text("name"),
            identifier_id=read.id("identifierId"),
            type=read.text("type"),
            coll_id=read.optional_id("collId"),
            links=read_links(read.value),
        )


@dataclass(frozen=True, slots=True)
class DataItem:
    """One item of a collection.

    Parameters
    ----------
    coll_id
        The collection.
    id
        The item's own id, which the server gave it.
    data
        The item, as the collection's schema has it.
    updated
        As the server has it, which documents neither form nor meaning; None if it has none.
    matches
        What the server matched it with; empty if nothing.
    links
        HAL links by relation: ``self``, in bulk answers also ``collection``.
    """

    coll_id: str
    id: str
    data: dict[str, Any] = field(hash=False)
    updated: bool | int | str | None = None
    matches: tuple[Any, ...] = field(default=(), hash=False)
    links: Mapping[str, Link] = field(default_factory=dict, repr=False, hash=False)

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Read an item; `TransportError` if a key is missing or of another type."""
        read = _Reader.of("data item", value)
        updated, matches = read.value.get("updated"), read.value.get("matches")
        return cls(
            coll_id=read.id("collId"),
            id=read.id("id"),
            data=read.object("data"),
            updated=updated if isinstance(updated, (bool, int, str)) else None,
            matches=tuple(matches) if isinstance(matches, list) else (),
            links=read_links(read.value),
        )


def embedded(body: Mapping[str, object], name: str) -> list[object]:
    """Return the list `name` of a HAL object's ``_embedded``; empty if there is none.

    Raises
    ------
    TransportError
        There is something else than a list.
    """
    holder = body.get("_embedded")
    if holder is None:
        return []
    items = holder.get(name, []) if isinstance(holder, dict) else holder
    if not isinstance(items, list):
        raise TransportError(f"_embedded.{name}: expected a list, found {_found(items)}")
    return items


def read_links(body: Mapping[str, object]) -> dict[str, Link]:
    """Return a HAL object's ``_links``, the first of each relation; what has no ``href`` is left out."""
    holder = body.get("_links")
    links: dict[str, Link] = {}
    for name, value in holder.items() if isinstance(holder, dict) else ():
        link = value[0] if isinstance(value, list) and value else value
        href = link.get("href") if isinstance(link, dict) else None
        if isinstance(href, str):
            links[name] = Link(href, templated=link.get("templated") is True)
    return links


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes typed values out of a JSON object; errors name the resource, the key and what was found."""

    resource: str
    value: Mapping[str, Any]

    @classmethod
    def of(cls, resource: str, value: object) -> Self:
        if not isinstance(value, dict):
            raise TransportError(f"{resource}: expected a JSON object, found {_found(value)}")
        return cls(resource, value)

    def id(self, key: str) -> str:
        value = self._required(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise self._wrong(key, "an id (text or a whole number, since a float loses digits)")

    def text(self, key: str) -> str:
        value = self._required(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def object(self, key: str) -> dict[str, Any]:
        value = self._required(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "a JSON object")
        return value

    def optional_id(self, key: str) -> str | None:
        return None if self.value.get(key) is None else self.id(key)

    def optional_text(self, key: str) -> str | None:
        return None if self.value.get(key) is None else self.text(key)

    def optional_flag(self, key: str) -> bool | None:
        value = self.value.get(key)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def _required(self, key: str) -> Any:
        if self.value.get(key) is None:
            there = shorten(", ".join(self.value) or "nothing", 200)
            raise TransportError(f"{self.resource}: {key!r} is missing from the server's answer; it has: {there}")
        return self.value[key]

    def _wrong(self, key: str, expected: str) -> TransportError:
        return TransportError(f"{self.resource}: {key!r} is to be {expected}, found {_found(self.value[key])}")


def _found(value: object) -> str:
    return f"{type(value).__name__} {shorten(repr(value), 60)}"
