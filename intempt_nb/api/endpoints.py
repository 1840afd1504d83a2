"""One typed function per call of the REST API; each takes the transport first.

All raise what :meth:`intempt_nb.api.transport.Transport.request` does: `ApiError` and its subclasses, `TransportError`
and, for calls that change something, `DeliveryUnknownError`. Schemas are plain JSON, sent as they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from intempt_nb.api.resources import (
    Collection,
    CollectionKind,
    DataItem,
    Identifier,
    Relation,
    Source,
    embedded,
    read_links,
)
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intempt_nb.api.transport import Transport

__all__ = [
    "count_items",
    "create_collection",
    "create_identifier",
    "create_relation",
    "create_source",
    "data_page",
    "data_parts",
    "delete_collection",
    "delete_faults",
    "delete_item",
    "delete_source",
    "get_collection",
    "get_faults",
    "get_identifier",
    "get_item",
    "get_root",
    "get_source",
    "list_collections",
    "list_identifiers",
    "list_relations",
    "list_source_collections",
    "list_sources",
    "post_item",
    "put_faults",
    "source_data_path",
    "total_of",
    "update_collection",
]

_FAULTS = "../../_sandbox/faults"
_LONGEST = 1 << 20
"""Bytes of a page that are read for what it says of others; a server that does not take a limit sends all items."""


def get_root(transport: Transport) -> dict[str, Any]:
    """Return what the API says of itself: ``service``, ``version``, ``status``, ``_links``."""
    return transport.get_json("")


def list_sources(transport: Transport, name: str | None = None) -> list[Source]:
    """Return all sources, or those with a name."""
    return [Source.from_json(each) for each in _list(transport, "sources", "sources", {"name": name})]


def get_source(transport: Transport, source_id: str) -> Source:
    """Return one source."""
    return Source.from_json(transport.get_json(_path("sources", source_id)))


def create_source(
    transport: Transport,
    name: str,
    type: str,
    title: str | None = None,
    description: str | None = None,
) -> Source:
    """Create a source: in the sandbox only, elsewhere sources are created in the vendor's console.

    Parameters
    ----------
    transport
        A connection to the sandbox.
    name
        The name, unique in the organisation.
    type
        ``js`` (web tracker), ``ios`` or ``api``. The first two are born with default collections.
    title, description
        For people.
    """
    body = {"name": name, "type": type, "title": title, "description": description}
    return Source.from_json(transport.post_json("sources", _given(body)))


def delete_source(transport: Transport, source_id: str) -> Source | None:
    """Delete a source and return it; None if the server does not answer with it."""
    deleted = transport.delete(_path("sources", source_id))
    return None if deleted is None else Source.from_json(deleted)


def list_collections(transport: Transport, name: str | None = None, source_id: str | None = None) -> list[Collection]:
    """Return all collections, or those with a name, of a source, or both."""
    params = {"name": name, "sourceId": source_id}
    return [Collection.from_json(each) for each in _list(transport, "collections", "collections", params)]


def list_source_collections(transport: Transport, source_id: str) -> list[Collection]:
    """Return the collections of a source."""
    path = _path("sources", source_id, "collections")
    return [Collection.from_json(each) for each in _list(transport, path, "collections")]


def get_collection(transport: Transport, coll_id: str) -> Collection:
    """Return one collection."""
    return Collection.from_json(transport.get_json(_path("collections", coll_id)))


def create_collection(
    transport: Transport,
    source_id: str,
    name: str,
    schema: Mapping[str, Any],
    kind: CollectionKind,
    title: str | None = None,
) -> Collection:
    """Create a collection.

    Parameters
    ----------
    transport
        The connection.
    source_id
        The source it is to belong to.
    name
        The name, unique in the source.
    schema
        An Avro record schema as plain JSON.
    kind
        ``profile`` (facts about a user; at most one in a source), ``event`` or ``attribute``.
    title
        For people.
    """
    body = _collection_body(source_id, name, schema, kind, title)
    return Collection.from_json(transport.post_json("collections", body))


def update_collection(
    transport: Transport,
    coll_id: str,
    source_id: str,
    name: str,
    schema: Mapping[str, Any],
    kind: CollectionKind,
    title: str | None = None,
) -> Collection:
    """Replace a collection's definition; arguments as :func:`create_collection` has them."""
    body = _collection_body(source_id, name, schema, kind, title)
    return Collection.from_json(transport.put_json(_path("collections", coll_id), body))


def delete_collection(transport: Transport, coll_id: str) -> Collection | None:
    """Delete a collection and return it; None if the server does not answer with it."""
    deleted = transport.delete(_path("collections", coll_id))
    return None if deleted is None else Collection.from_json(deleted)


def list_identifiers(transport: Transport, coll_id: str) -> list[Identifier]:
    """Return the identifiers of a collection."""
    path = _path("collections", coll_id, "identifiers")
    return [Identifier.from_json(each) for each in _list(transport, path, "identifiers")]


def get_identifier(transport: Transport, identifier_id: str) -> Identifier:
    """Return one identifier."""
    return Identifier.from_json(transport.get_json(_path("identifiers", identifier_id)))


def create_identifier(
    transport: Transport,
    coll_id: str,
    type: str,
    name: str,
    schema: Mapping[str, Any],
    reference_id: str | None = None,
) -> Identifier:
    """Create an identifier. A collection needs a primary one before it takes data.

    Parameters
    ----------
    transport
        The connection.
    coll_id
        The collection it is to belong to.
    type
        ``primary``, ``foreign`` or ``user``; the server may know more.
    name
        The name.
    schema
        An Avro record schema as plain JSON; its fields are some of the collection's, with the same types.
    reference_id
        For a foreign identifier: the primary identifier it points at.
    """
    body = {
        "collId": coll_id,
        "type": type,
        "name": name,
        "referenceId": None if reference_id is None else _wire_number(reference_id),
        "schema": schema,
    }
    return Identifier.from_json(transport.post_json("identifiers", _given(body)))


def list_relations(transport: Transport, coll_id: str | None = None) -> list[Relation]:
    """Return all relations, or those of a collection."""
    return [Relation.from_json(each) for each in _list(transport, "relations", "relations", {"collId": coll_id})]


def create_relation(
    transport: Transport,
    name: str,
    identifier_id: str,
    type: Literal["one_to_many", "many_to_one"],
) -> Relation:
    """Give a foreign identifier a name and a direction."""
    body = {"name": name, "identifierId": identifier_id, "type": type}
    return Relation.from_json(transport.post_json("relations", body))


def post_item(transport: Transport, coll_id: str, item: Mapping[str, Any], *, idempotent: bool = False) -> DataItem:
    """Add one item to a collection.

    Parameters
    ----------
    transport
        The connection.
    coll_id
        The collection.
    item
        The item as plain JSON; the server ignores fields that the schema does not name.
    idempotent
        Whether the item holds the collection's primary key, so that posting it twice overwrites.
    """
    answer = transport.post_json(_path("collections", coll_id, "data"), item, idempotent=idempotent)
    return DataItem.from_json(answer)


def get_item(transport: Transport, coll_id: str, item_id: str) -> DataItem:
    """Return one item."""
    return DataItem.from_json(transport.get_json(_path("collections", coll_id, "data", item_id)))


def delete_item(transport: Transport, coll_id: str, item_id: str) -> DataItem | None:
    """Delete one item and return it; None if the server does not answer with it."""
    deleted = transport.delete(_path("collections", coll_id, "data", item_id))
    return None if deleted is None else DataItem.from_json(deleted)


def data_page(
    transport: Transport, coll_id: str, *, next_href: str | None = None, limit: int | None = None
) -> Iterator[bytes]:
    """Yield one page of a collection's items while it arrives: a HAL object with ``_embedded.dataItemList``.

    The request is sent when the first part is taken.

    Parameters
    ----------
    transport
        The connection.
    coll_id
        The collection.
    next_href
        ``_links.next.href`` of the page before; None for the first page.
    limit
        How many items at most; not documented, so a server may ignore it. It is not added to `next_href`.
    """
    if next_href is not None:
        return transport.get_chunks(next_href)
    return transport.get_chunks(_path("collections", coll_id, "data"), {"limit": limit})


def count_items(transport: Transport, coll_id: str) -> int | None:
    """Return how many items a collection has; None if the server does not say.

    One item is asked for, and ``page.totalElements`` tells the number. A short page without a next one tells it too.
    """
    body = _short_page(data_page(transport, coll_id, limit=1))
    return None if body is None else total_of(body)


def total_of(page: Mapping[str, Any]) -> int | None:
    """Return how many items there are in all, as a page of them tells; None if it does not."""
    numbers = page.get("page")
    total = numbers.get("totalElements") if isinstance(numbers, dict) else None
    if isinstance(total, int) and not isinstance(total, bool):
        return total
    return None if "next" in read_links(page) else len(embedded(page, "dataItemList"))


def data_parts(
    transport: Transport, coll_id: str, count: int, *, after: str | None = None, until: str | None = None
) -> dict[str, Any] | None:
    """Return where several readers of a collection's items begin: ``_links.parts``, ``mark``, ``page.totalElements``.

    This is no documented call but a parameter of one, which the sandbox knows. Another server answers with a page of
    items; one item is asked for, and a page that is longer all the same is not read to its end.

    Parameters
    ----------
    transport
        The connection.
    coll_id
        The collection.
    count
        How many parts at most.
    after, until
        Marks, the ``mark`` of earlier answers: only what came in after the one, and before the other was given.

    Returns
    -------
    dict or None
        The answer, also of a server that does not know parts; None if it is a page that was not read to its end.
    """
    params = {"parts": count, "limit": 1, "after": after, "until": until}
    return _short_page(transport.get_chunks(_path("collections", coll_id, "data"), params))


def _short_page(chunks: Iterator[bytes]) -> dict[str, Any] | None:
    """Return a page of items; None for one that is long, of which no more is read."""
    text = bytearray()
    for chunk in chunks:
        text += chunk
        if len(text) > _LONGEST:
            return None
    try:
        body = json.loads(text)
    except ValueError:
        raise TransportError("a page of items: expected JSON, found something else") from None
    if not isinstance(body, dict):
        raise TransportError(f"a page of items: expected a JSON object, found {type(body).__name__}")
    return body


def source_data_path(source_id: str) -> str:
    """Return the path of the bulk call, which takes ``{"<collection name>": [item, …], …}`` for any collections.

    Its answer is normally ``{"_embedded": {"data": [{"collId", "id", "data", …}, …]}}`` in the order of the items. It
    is sent by :meth:`Transport.attempt`: what to do with an answer, or without one, is for the uploader to say.
    """
    return _path("sources", source_id, "data")


def get_faults(transport: Transport) -> dict[str, Any]:
    """Return a sandbox's fault script: ``{"rules": [{"rule", "matched", "applied"}, …]}``."""
    return transport.get_json(_FAULTS)


def put_faults(transport: Transport, rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Replace a sandbox's fault script, and return it as :func:`get_faults` does."""
    return transport.put_json(_FAULTS, {"rules": rules})


def delete_faults(transport: Transport) -> dict[str, Any] | None:
    """Clear a sandbox's fault script; return it as it was, with the last counts."""
    return transport.delete(_FAULTS)


def _path(*segments: str) -> str:
    """Return the segments as one relative path.

    An empty id would turn a request for one thing into a request for all, ``.`` and ``..`` into one for another.
    """
    for segment in segments:
        if not isinstance(segment, str) or segment in ("", ".", ".."):
            raise DataError(
                f"{segment!r} is not an id", value=str(segment), expected="an id as the API gave it, as text"
            )
    return "/".join(quote(segment, safe="") for segment in segments)


def _list(transport: Transport, path: str, name: str, params: Mapping[str, str | None] | None = None) -> list[object]:
    """Return a list's items, page after page."""
    items: list[object] = []
    seen: set[str] = set()
    body = transport.get_json(path, params)
    while True:
        items += embedded(body, name)
        link = read_links(body).get("next")
        if link is None:
            return items
        href = link.expand()
        if href in seen:
            raise TransportError(f"{path}: the server's pages go round in a circle, {shorten(href)!r} came twice")
        seen.add(href)
        body = transport.get_json(href)


def _given(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if value is not None}


def _collection_body(
    source_id: str, name: str, schema: Mapping[str, Any], kind: CollectionKind, title: str | None
) -> dict[str, object]:
    body = {
        "sourceId": source_id,
        "name": name,
        "title": title,
        "profile": kind == "profile",
        "event": kind == "event",
        "schema": schema,
    }
    return _given(body)


def _wire_number(identifier_id: str) -> int | str:
    """Return an id as the number that the documented request has; text if a number would change it."""
    if identifier_id.isascii() and identifier_id.isdigit() and not identifier_id.startswith("0"):
        return int(identifier_id)
    return identifier_id
