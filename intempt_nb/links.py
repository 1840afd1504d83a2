"""A collection's identifiers and relations as mappings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.api import endpoints
from intempt_nb.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from intempt_nb.api.resources import Identifier, Relation
    from intempt_nb.api.transport import Transport

__all__ = ["identifiers_of", "relations_of"]


def identifiers_of(transport: Transport, coll_id: Callable[[], str]) -> Listing[Identifier]:
    """Return a collection's identifiers by name or id; its id is asked for when they are."""

    def fetch() -> list[tuple[str, str, str, Identifier]]:
        found = endpoints.list_identifiers(transport, coll_id())
        return [(each.id, each.name, each.type, each) for each in found]

    def row(identifier: Identifier) -> Sequence[object]:
        fields = ", ".join(str(field.get("name")) for field in identifier.schema_json.get("fields", []))
        return identifier.name, identifier.type, fields, identifier.reference_id, identifier.id

    return Listing("identifier", fetch, ("name", "type", "fields", "references", "id"), row)


def relations_of(transport: Transport, coll_id: Callable[[], str]) -> Listing[Relation]:
    """Return a collection's relations by name or id; its id is asked for when they are."""

    def fetch() -> list[tuple[str, str, str, Relation]]:
        found = endpoints.list_relations(transport, coll_id())
        return [(each.id, each.name, each.id, each) for each in found]

    def row(relation: Relation) -> Sequence[object]:
        return relation.name, relation.type, relation.identifier_id, relation.id

    return Listing("relation", fetch, ("name", "type", "identifier", "id"), row)
