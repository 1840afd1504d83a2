"""Identifiers and relations as mappings."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from intempt_nb.api import endpoints
from intempt_nb.errors import ApiError
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

    def rows(identifiers: Sequence[Identifier]) -> list[tuple[object, ...]]:
        return [(each.name, each.type, _fields(each, ", "), each.reference_id, each.id) for each in identifiers]

    return Listing("identifier", fetch, ("name", "type", "fields", "references", "id"), rows)


def relations_of(transport: Transport, coll_id: Callable[[], str] | None = None) -> Listing[Relation]:
    """Return the relations of a collection, or of the organisation, by name or id.

    A collection's id is asked for when they are.
    """

    def fetch() -> list[tuple[str, str, str, Relation]]:
        found = endpoints.list_relations(transport, None if coll_id is None else coll_id())
        return [(each.id, each.name, each.id, each) for each in found]

    header = ("name", "type", "identifier", "from", "to", "id")
    return Listing("relation", fetch, header, lambda relations: _ends(transport, relations))


def _ends(transport: Transport, relations: Sequence[Relation]) -> list[tuple[object, ...]]:
    """Return relations with what they lead from and to.

    Identifiers and collections are asked for once each, and now, as they may change.
    """
    identifier = cache(lambda wanted: endpoints.get_identifier(transport, wanted))
    collection = cache(lambda wanted: endpoints.get_collection(transport, wanted))

    def end(of: Identifier) -> str:
        return f"{collection(of.coll_id).name}: {_fields(of, ' + ')}"

    def cells(each: Relation) -> tuple[object, ...]:
        try:
            here = identifier(each.identifier_id)
            to = None if here.reference_id is None else end(identifier(here.reference_id))
            return each.name, each.type, here.name, end(here), to, each.id
        except ApiError:  # of a source that this key does not open, or deleted meanwhile
            return each.name, each.type, each.identifier_id, None, None, each.id

    return [cells(each) for each in relations]


def _fields(identifier: Identifier, between: str) -> str:
    return between.join(str(field.get("name")) for field in identifier.schema_json.get("fields", []))
