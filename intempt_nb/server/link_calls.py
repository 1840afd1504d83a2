"""The calls about identifiers and relations: what links items."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from intempt_nb.server.answers import invalid, json_answer, not_found
from intempt_nb.server.calls import read_id, read_text
from intempt_nb.server.rules import check_identifier, check_relation, schema_text
from intempt_nb.server.tables import Identifier, Relation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from intempt_nb.server.calls import Call

__all__ = [
    "create_identifier",
    "create_identifier_from",
    "create_relation",
    "list_identifiers",
    "list_identifiers_of_collection",
    "list_relations",
    "show_identifier",
    "show_relation",
]


def list_identifiers(call: Call) -> Response:
    """``GET /identifiers``, ``?collId=`` [java]; those that the key opens."""
    with call.store.read() as tx:
        identifiers = tx.identifiers(call.query_id("collId"), call.visible_source())
    return json_answer(call.hal.listing("identifiers", map(call.hal.identifier, identifiers), "/identifiers"))


def list_identifiers_of_collection(call: Call) -> Response:
    """``GET /collections/{id}/identifiers`` [seed]."""
    with call.store.read() as tx:
        collection = call.collection(tx)
        identifiers = tx.identifiers(collection.id)
    path = f"/collections/{collection.id}/identifiers"
    return json_answer(call.hal.listing("identifiers", map(call.hal.identifier, identifiers), path))


def create_identifier(call: Call) -> Response:
    """``POST /identifiers`` [seed]."""
    return create_identifier_from(call.json_object(), call)


def create_identifier_from(body: Mapping[str, Any], call: Call) -> Response:
    """Create the identifier that a body describes."""
    collection_id = read_id(body, "collId")
    kind, name = read_text(body, "type"), read_text(body, "name")
    reference_id = None if body.get("referenceId") is None else read_id(body, "referenceId")
    schema = schema_text(body.get("schema"))
    with call.store.write() as tx:
        collection = tx.collection(collection_id)
        if collection is None:
            raise invalid(f"'collId': there is no collection {collection_id}")
        call.access.require(collection.source_id)
        wanted = Identifier(0, collection.id, collection.source_id, kind, name, schema, reference_id)
        check_identifier(tx, collection, wanted)
        referenced = None if reference_id is None else tx.identifier(reference_id)
        if referenced is not None:
            call.access.require(referenced.source_id)
        new_id = tx.add_identifier(collection.id, kind, name, schema, reference_id)
    return json_answer(call.hal.identifier(replace(wanted, id=new_id)), 201)


def show_identifier(call: Call) -> Response:
    """``GET /identifiers/{id}`` [ref]."""
    with call.store.read() as tx:
        return json_answer(call.hal.identifier(call.identifier(tx)))


def list_relations(call: Call) -> Response:
    """``GET /relations``, ``?collId=`` [seed]; those that the key opens."""
    with call.store.read() as tx:
        relations = tx.relations(call.query_id("collId"), call.visible_source())
    return json_answer(call.hal.listing("relations", map(call.hal.relation, relations), "/relations"))


def create_relation(call: Call) -> Response:
    """``POST /relations`` [java]."""
    body = call.json_object()
    name, kind = read_text(body, "name"), read_text(body, "type")
    identifier_id = read_id(body, "identifierId")
    with call.store.write() as tx:
        identifier = tx.identifier(identifier_id)
        if identifier is None:
            raise invalid(f"'identifierId': there is no identifier {identifier_id}")
        call.access.require(identifier.source_id)
        check_relation(kind, identifier)
        new_id = tx.add_relation(identifier.id, name, kind)
    return json_answer(call.hal.relation(Relation(new_id, identifier.id, identifier.source_id, name, kind)), 201)


def show_relation(call: Call) -> Response:
    """``GET /relations/{id}``, where the relation's own link leads [ours]."""
    relation_id = call.path_id("relation")
    with call.store.read() as tx:
        relation = tx.relation(relation_id)
    if relation is None:
        raise not_found("relation", str(relation_id))
    call.access.require(relation.source_id)
    return json_answer(call.hal.relation(relation))
