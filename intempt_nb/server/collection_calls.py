"""The calls about collections."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from intempt_nb.server.answers import invalid, json_answer
from intempt_nb.server.calls import read_flag, read_id, read_optional_text, read_text
from intempt_nb.server.link_calls import create_identifier_from
from intempt_nb.server.rules import check_collection, schema_text
from intempt_nb.server.tables import Collection

if TYPE_CHECKING:
    from starlette.responses import Response

    from intempt_nb.server.calls import Call
    from intempt_nb.server.tables import Transaction

__all__ = [
    "create_collection",
    "delete_collection",
    "list_collections",
    "list_collections_of_source",
    "show_collection",
    "update_collection",
]


def list_collections(call: Call) -> Response:
    """``GET /collections``, ``?name=``, ``?sourceId=`` [ref, java]; those that the key opens."""
    source_id = call.visible_source(call.query_id("sourceId"))
    with call.store.read() as tx:
        collections = tx.collections(call.query.get("name"), source_id)
    objects = map(call.hal.collection, collections)
    return json_answer(call.hal.listing("collections", objects, "/collections", by_name=True))


def list_collections_of_source(call: Call) -> Response:
    """``GET /sources/{id}/collections`` [ref]."""
    with call.store.read() as tx:
        source = call.source(tx)
        collections = tx.collections(source_id=source.id)
    objects = map(call.hal.collection, collections)
    return json_answer(call.hal.listing("collections", objects, f"/sources/{source.id}/collections"))


def create_collection(call: Call) -> Response:
    """``POST /collections`` [seed]; takes an identifier as well, as the seed posts it."""
    body = call.json_object()
    if "collId" in body and "sourceId" not in body:
        return create_identifier_from(body, call)
    source_id = read_id(body, "sourceId")
    with call.store.write() as tx:
        source = tx.source(source_id)
        if source is None:
            raise invalid(f"'sourceId': there is no source {source_id}")
        call.access.require(source.id)
        unnamed = Collection(0, source.id, source.name, source.title, "", None, profile=False, event=False, schema="")
        wanted = _read(body, unnamed)
        check_collection(tx, wanted)
        return json_answer(call.hal.collection(replace(wanted, id=_add(tx, wanted))), 201)


def show_collection(call: Call) -> Response:
    """``GET /collections/{id}`` [ref]."""
    with call.store.read() as tx:
        return json_answer(call.hal.collection(call.collection(tx)))


def update_collection(call: Call) -> Response:
    """``PUT /collections/{id}`` [java].

    What the body leaves out stays. Items that are there stay as they are, also where a new schema would not take them
    now [ours].
    """
    body = call.json_object()
    with call.store.write() as tx:
        current = call.collection(tx)
        if "sourceId" in body and read_id(body, "sourceId") != current.source_id:
            raise invalid(f"'sourceId': a collection stays in its source, {current.source_id}; leave it out")
        wanted = _read({**_as_body(current), **body}, current)
        check_collection(tx, wanted)
        tx.update_collection(wanted.id, wanted.name, wanted.title, wanted.profile, wanted.event, wanted.schema)
    return json_answer(call.hal.collection(wanted))


def delete_collection(call: Call) -> Response:
    """``DELETE /collections/{id}``; answers the deleted object [ref].

    Its items go with it, and so do the identifiers of other collections that refer to it [ours].
    """
    with call.store.write() as tx:
        collection = call.collection(tx)
        tx.delete_collection(collection.id)
    return json_answer(call.hal.collection(collection))


def _read(body: dict[str, Any], base: Collection) -> Collection:
    """Return `base` with what a body says of the collection."""
    return replace(
        base,
        name=read_text(body, "name"),
        title=read_optional_text(body, "title"),
        profile=read_flag(body, "profile"),
        event=read_flag(body, "event"),
        schema=schema_text(body.get("schema")),
    )


def _as_body(collection: Collection) -> dict[str, Any]:
    return {
        "name": collection.name,
        "title": collection.title,
        "profile": collection.profile,
        "event": collection.event,
        "schema": json.loads(collection.schema),
    }


def _add(tx: Transaction, wanted: Collection) -> int:
    return tx.add_collection(wanted.source_id, wanted.name, wanted.title, wanted.profile, wanted.event, wanted.schema)
