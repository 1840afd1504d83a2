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

    def row(identifier: Identifier) -> Sequence[object]:
        fields = ", ".join(str(field.get("name")) for field in identifier.schema_json.get("fields", []))
        return identifier.name, identifier.type, fields, identifier.reference_id, identifier.id

    return Listing("identifier", fetch, ("name", "type", "fields", "references", "id"), row)


def relations_of(transport: Transport, coll_id: Callable[[], str] | None = None) -> Listing[Relation]:
    """Return the relations of a collection, or of the organisation, by name or id.

    A collection's id is asked for when they are.
    """

    def fetch() -> list[tuple[str, str, str, Relation]]:
        found = endpoints.list_relations(transport, None if coll_id is None else coll_id())
        return [(each.id, each.name, each.id, each) for each in found]

    return _Relations(transport, fetch)


class _Relations(Listing["Relation"]):
    """Relations, shown with what they lead from and to."""

    def __init__(self, transport: Transport, fetch: Callable[[], list[tuple[str, str, str, Relation]]]) -> None:
        super().__init__(
            "relation", fetch, ("name", "type", "identifier", "from", "to", "id"), lambda each: (each.name,)
        )
        self._transport = transport

    def _rows(self, entries: Sequence[Relation]) -> list[Sequence[object]]:
        """Return the cells; identifiers and collections are asked for once each, and now, as they may change."""
        identifier = cache(lambda wanted: endpoints.get_identifier(self._transport, wanted))
        collection = cache(lambda wanted: endpoints.get_collection(self._transport, wanted))

        def end(of: Identifier) -> str:
            names = " + ".join(str(field.get("name")) for field in of.schema_json.get("fields", []))
            return f"{collection(of.coll_id).name}: {names}"

        def cells(each: Relation) -> Sequence[object]:
            try:
                here = identifier(each.identifier_id)
                to = None if here.reference_id is None else end(identifier(here.reference_id))
                return each.name, each.type, here.name, end(here), to, each.id
            except ApiError:  # of a source that this key does not open, or deleted meanwhile
                return each.name, each.type, each.identifier_id, None, None, each.id

        return [cells(each) for each in entries]
