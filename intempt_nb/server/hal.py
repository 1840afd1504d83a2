"""The API's objects as HAL: the keys and their order are those of the examples in seed 000."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.server.answers import to_json
from intempt_nb.server.snippet import snippet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from intempt_nb.server.tables import Collection, Identifier, Item, Relation, Source

__all__ = ["Hal"]

_MATCHES = ',"matches":[],"_links":{'


@dataclass(frozen=True, slots=True)
class Hal:
    """Builds answers whose links lead back to where the request came to.

    Parameters
    ----------
    base
        ``http://host:port/v1/org``, without a slash at its end.
    """

    base: str

    def _links(self, /, **paths: str) -> dict[str, dict[str, str]]:
        return {name: {"href": f"{self.base}{path}"} for name, path in paths.items()}

    def listing(self, name: str, objects: Iterable[dict[str, Any]], path: str, by_name: bool = False) -> dict[str, Any]:
        """Return a list, embedded under `name`; with `by_name` it says how to ask for one of a name."""
        links: dict[str, Any] = self._links(self=path)
        if by_name:
            links["byName"] = {"href": f"{self.base}/{name}{{?name}}", "templated": True}
        return {"_embedded": {name: list(objects)}, "_links": links}

    def source(self, source: Source) -> dict[str, Any]:
        """Return a source [ref], with its tracker number and the snippet for its pages, if it has them [ours]."""
        number = source.tracker_number
        return {
            "id": str(source.id),
            "name": source.name,
            "title": source.title,
            "description": source.description,
            "type": source.type,
            **({} if number is None else {"trackerNumber": str(number)}),
            **({"trackerSnippet": snippet(self.base, number)} if number is not None and source.type == "js" else {}),
            "_links": self._links(self=f"/sources/{source.id}", collections=f"/sources/{source.id}/collections"),
        }

    def collection(self, collection: Collection) -> dict[str, Any]:
        """Return a collection [seed]; with its title only if one was given [ours]."""
        path = f"/collections/{collection.id}"
        return {
            "id": str(collection.id),
            "sourceId": str(collection.source_id),
            "sourceName": collection.source_name,
            "sourceTitle": collection.source_title,
            "name": collection.name,
            **({} if collection.title is None else {"title": collection.title}),
            "profile": collection.profile,
            "event": collection.event,
            "schema": json.loads(collection.schema),
            "_links": self._links(
                self=path,
                source=f"/sources/{collection.source_id}",
                data=f"{path}/data",
                identifiers=f"{path}/identifiers",
                relations=f"/relations?collId={collection.id}",
            ),
        }

    def identifier(self, identifier: Identifier) -> dict[str, Any]:
        """Return an identifier; ``referenceId`` is a JSON number, unlike the other ids [seed]."""
        reference = identifier.reference_id
        return {
            "collId": str(identifier.collection_id),
            "id": str(identifier.id),
            "type": identifier.type,
            "name": identifier.name,
            "schema": json.loads(identifier.schema),
            **({} if reference is None else {"referenceId": reference}),
            "_links": self._links(self=f"/identifiers/{identifier.id}"),
        }

    def relation(self, relation: Relation) -> dict[str, Any]:
        """Return a relation [java]."""
        return {
            "id": str(relation.id),
            "name": relation.name,
            "identifierId": str(relation.identifier_id),
            "type": relation.type,
            "_links": self._links(self=f"/relations/{relation.id}"),
        }

    def item(self, collection_id: int, item: Item) -> str:
        """Return an item as JSON text [ref]."""
        return self._items(collection_id, [(item.id, item.updated, item.data)], _MATCHES)

    def _items(self, collection_id: int, rows: Iterable[tuple[int, int, str]], between: str) -> str:
        # The stored text goes into the answer as it is: parsing it and writing it again would take most of the time.
        head = f'{{"collId":"{collection_id}","id":"'
        href = to_json(f"{self.base}/collections/{collection_id}/data/").removesuffix('"')
        tail = f'{between}"self":{{"href":{href}'
        return ",".join(
            [
                f'{head}{item_id}","updated":{updated},"data":{data}{tail}{item_id}"}}}}}}'
                for item_id, updated, data in rows
            ]
        )

    def page(
        self,
        collection_id: int,
        rows: Sequence[tuple[int, int, str]],
        size: int,
        number: int,
        total: int,
        cursors: tuple[str, str | None],
    ) -> str:
        """Return a page of items as JSON text.

        Parameters
        ----------
        collection_id
            Of the items.
        rows
            Id, update time and JSON text of each.
        size, number, total
            Items a page, which page this is, and how many items there are.
        cursors
            The query strings of this page and of the next one, None if there is none [ours].
        """
        path = f"/collections/{collection_id}/data"
        this, following = cursors
        links = self._links(self=f"{path}{this}", **({} if following is None else {"next": f"{path}{following}"}))
        page = {"size": size, "totalElements": total, "totalPages": -(-total // size), "number": number}
        items = self._items(collection_id, rows, _MATCHES)
        return f'{{"_embedded":{{"dataItemList":[{items}]}},"_links":{to_json(links)},"page":{to_json(page)}}}'

    def parts(self, collection_id: int, this: str, starts: Iterable[str], mark: str, total: int) -> dict[str, Any]:
        """Return where the parts of a collection begin [ours].

        Parameters
        ----------
        collection_id
            Of the items.
        this, starts
            The query strings of this answer, and of the first page of each part.
        mark
            The place behind all parts.
        total
            How many items the parts have together.
        """
        path = f"/collections/{collection_id}/data"
        links: dict[str, Any] = self._links(self=f"{path}{this}")
        links["parts"] = [{"href": f"{self.base}{path}{start}"} for start in starts]
        return {"_links": links, "mark": mark, "page": {"totalElements": total}}

    def stored(self, source_id: int, batches: Iterable[tuple[int, Iterable[tuple[int, int, str]]]]) -> str:
        """Return what a bulk request stored as JSON text: for each collection the rows, in the order of the request."""
        texts = []
        for collection_id, rows in batches:
            collection = to_json(f"{self.base}/collections/{collection_id}")
            texts.append(self._items(collection_id, rows, f',"_links":{{"collection":{{"href":{collection}}},'))
        links = to_json(self._links(self=f"/sources/{source_id}/data"))
        return f'{{"_embedded":{{"data":[{",".join(filter(None, texts))}]}},"_links":{links}}}'
