"""The calls about items: single ones, pages, and the bulk endpoint."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from intempt_nb.display import shorten
from intempt_nb.errors import suggest
from intempt_nb.server.answers import HttpError, invalid, not_found, text_answer, to_json
from intempt_nb.server.ids import MAX_ID, now_ms
from intempt_nb.server.items import ItemError, compile_check
from intempt_nb.server.keys import compile_key
from intempt_nb.server.rules import parsed_schema
from intempt_nb.server.tables import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.responses import Response

    from intempt_nb.server.calls import Call
    from intempt_nb.server.tables import Collection, Transaction

    Prepare: TypeAlias = Callable[[Any], tuple[str, str]]
    Rows: TypeAlias = list[tuple[int, int, str]]

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_ERRORS",
    "MAX_LIMIT",
    "Target",
    "create_item",
    "create_items",
    "delete_item",
    "keyless",
    "list_items",
    "preparer",
    "show_item",
    "target_of",
]

DEFAULT_LIMIT = 10_000
"""Items a page if the request does not say [ours]."""

MAX_LIMIT = 100_000
"""The most items a page [ours]."""

MAX_ERRORS = 1_000
"""After so many refused items the rest of a request is not looked at [ours]."""


@dataclass(frozen=True, slots=True)
class Target:
    """A collection that can take data, with the schema of its primary identifier."""

    collection: Collection
    key_schema: str


def create_item(call: Call) -> Response:
    """``POST /collections/{id}/data`` with one item [ref]."""
    item = call.json_object()
    [(collection_id, [row])] = _store(call, lambda tx: [target_of(tx, call.collection(tx))], [[item]])
    return text_answer(call.hal.item(collection_id, Item(*row)), 201)


def create_items(call: Call) -> Response:
    """``POST /sources/{id}/data``: many items for many collections [ref, ios]; all are stored, or none [ours]."""
    body = call.json_object()
    for name, items in body.items():
        if not isinstance(items, list):
            found = shorten(json.dumps(items, ensure_ascii=False))
            raise invalid(f"{name!r} is {found}; expected a list of items: {{collection: [item, …]}}")

    def find(tx: Transaction) -> list[Target]:
        source = call.source(tx)
        known = {each.name: each for each in tx.collections(source_id=source.id)}
        for name in body:
            if name not in known:
                raise invalid(f"source {source.name!r} has no collection {shorten(name)!r}{suggest(name, known)}")
        return [target_of(tx, known[name]) for name in body]

    stored = _store(call, find, list(body.values()))
    return text_answer(call.hal.stored(call.path_id("source"), stored), 201)


def list_items(call: Call) -> Response:
    """``GET /collections/{id}/data`` [ref], ``?limit=`` and a cursor in ``_links.next`` [ours].

    Pages go by item id. An item keeps its id when it is overwritten and new ids are above all others, so what comes in
    while the pages are read neither moves nor hides an item. The last page ends with what was the newest item when the
    first was read: a reader comes to an end however fast items come in.
    """
    limit = _limit(call.query.get("limit"))
    cursor = call.query.get("cursor")
    number, after, last = (0, 0, None) if cursor is None else _read_cursor(cursor)
    with call.store.read() as tx:
        collection = call.collection(tx)
        last = tx.last_item_id(collection.id) if last is None else last
        rows = tx.items_between(collection.id, after, last, limit + 1)
        total = tx.count_items(collection.id)
    this = f"?limit={limit}{'' if cursor is None else f'&cursor={cursor}'}"
    following = None
    if len(rows) > limit:
        rows.pop()
        following = f"?limit={limit}&cursor={_write_cursor(number + 1, rows[-1][0], last)}"
    return text_answer(call.hal.page(collection.id, rows, limit, number, total, (this, following)))


def show_item(call: Call) -> Response:
    """``GET /collections/{id}/data/{itemId}`` [ref]."""
    with call.store.read() as tx:
        collection, item = _item(call, tx)
    return text_answer(call.hal.item(collection.id, item))


def delete_item(call: Call) -> Response:
    """``DELETE /collections/{id}/data/{itemId}``; answers the deleted object [ref]."""
    with call.store.write() as tx:
        collection, item = _item(call, tx)
        tx.delete_item(collection.id, item.id)
    return text_answer(call.hal.item(collection.id, item))


def _item(call: Call, tx: Transaction) -> tuple[Collection, Item]:
    collection = call.collection(tx)
    item_id = call.path_id("item")
    item = tx.item(collection.id, item_id)
    if item is None:
        raise not_found(f"item in collection {collection.name!r}", str(item_id))
    return collection, item


def target_of(tx: Transaction, collection: Collection) -> Target:
    """Return a collection as a target; a 400 if it has no primary identifier."""
    for primary in tx.identifiers(collection.id, kind="primary"):
        return Target(collection, primary.schema)
    raise keyless(collection)


def keyless(collection: Collection) -> HttpError:
    """Return the refusal of data for a collection without a primary identifier."""
    return invalid(
        f"collection {collection.name!r} has no primary identifier; create one before any data is posted "
        "(POST /identifiers)"
    )


def _store(
    call: Call, find: Callable[[Transaction], list[Target]], batches: Sequence[list[Any]]
) -> list[tuple[int, Rows]]:
    """Check the items of each target and store all of them; return the rows stored, by collection."""
    with call.store.read() as tx:
        targets = find(tx)
    prepared = _prepare_all(targets, batches)
    with call.store.write() as tx:
        current = find(tx)
        if current != targets:
            # A schema has changed since the items were checked, outside of the lock.
            targets, prepared = current, _prepare_all(current, batches)
        updated = now_ms()
        ids = [
            tx.upsert_items(target.collection.id, items, updated)
            for target, items in zip(targets, prepared, strict=True)
        ]
    return [
        (target.collection.id, [(item_id, updated, text) for item_id, (_, text) in zip(row_ids, items, strict=True)])
        for target, row_ids, items in zip(targets, ids, prepared, strict=True)
    ]


def _prepare_all(targets: Sequence[Target], batches: Sequence[list[Any]]) -> list[list[tuple[str, str]]]:
    prepared: list[list[tuple[str, str]]] = []
    errors: list[dict[str, Any]] = []
    for target, items in zip(targets, batches, strict=True):
        prepare = preparer(target.collection.schema, target.key_schema)
        rows = []
        for index, item in enumerate(items):
            try:
                rows.append(prepare(item))
            except ItemError as error:
                place = {"collection": target.collection.name, "index": index}
                errors.append({**place, "field": error.field or None, "message": error.message})
                if len(errors) == MAX_ERRORS:
                    raise _refused(errors) from None
        prepared.append(rows)
    if errors:
        raise _refused(errors)
    return prepared


@lru_cache(maxsize=512)
def preparer(schema_text: str, key_schema_text: str) -> Prepare:
    """Return a function that takes an item and returns its key text and the JSON text to store."""
    schema = parsed_schema(schema_text)
    columns = {field.name: field for field in schema.record.fields}
    check = compile_check(schema)
    key_of = compile_key([columns[field.name] for field in parsed_schema(key_schema_text).record.fields])

    def prepare(item: Any) -> tuple[str, str]:
        kept = check(item)
        return key_of(kept), to_json(kept)

    return prepare


def _refused(errors: list[dict[str, Any]]) -> HttpError:
    lines = [
        f"{each['collection']}[{each['index']}]{'.' if each['field'] else ''}{each['field'] or ''}: {each['message']}"
        for each in errors[:3]
    ]
    count = f"at least {MAX_ERRORS}" if len(errors) == MAX_ERRORS else str(len(errors))
    more = "; …" if len(errors) > len(lines) else ""
    return HttpError(400, f"{count} not matching the schema, nothing was stored: {'; '.join(lines)}{more}", errors)


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_LIMIT
    if value.isascii() and value.isdigit() and len(value) < 10 and 0 < int(value) <= MAX_LIMIT:
        return int(value)
    raise invalid(f"'limit': {shorten(value)!r}; expected a number of items from 1 to {MAX_LIMIT}")


def _write_cursor(number: int, after: int, last: int) -> str:
    return base64.urlsafe_b64encode(f"{number}.{after}.{last}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[int, int, int]:
    """Return the number of a page, the id it begins behind, and the id that the last page ends with."""
    try:
        padded = text + "=" * (-len(text) % 4)
        number, after, last = (int(part) for part in base64.b64decode(padded, b"-_", validate=True).split(b"."))
    except ValueError:
        number, after, last = -1, -1, -1
    if number < 0 or not 0 <= after <= last <= MAX_ID:
        raise invalid(f"'cursor': {shorten(text)!r} was not given out here; follow '_links.next.href' as it is")
    return number, after, last
