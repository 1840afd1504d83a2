"""The calls about items: single ones, pages, and the bulk endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from intempt_nb.display import shorten
from intempt_nb.errors import suggest
from intempt_nb.server.answers import HttpError, invalid, json_answer, not_found, text_answer, to_json
from intempt_nb.server.ids import now_ms
from intempt_nb.server.items import ItemError, compile_check
from intempt_nb.server.keys import compile_key
from intempt_nb.server.ranges import Span, divide, read_cursor, read_span, write_cursor, write_mark
from intempt_nb.server.rules import parsed_schema
from intempt_nb.server.tables import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.responses import Response

    from intempt_nb.server.calls import Call
    from intempt_nb.server.tables import Collection, Transaction

    Prepare: TypeAlias = Callable[[Any], tuple[str, str]]
    Rows: TypeAlias = list[tuple[int, int, str]]

__all__ = [
    "DEFAULT_LIMIT",
    "MAX_ERRORS",
    "MAX_LIMIT",
    "MAX_PARTS",
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

MAX_PARTS = 1_000
"""The most parts that a collection is divided into for one request [ours]."""

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

    ``?after=`` and ``?until=`` take marks, and leave out what was there before the one or came in after the other; with
    ``?parts=`` the answer says where several readers begin (`_list_parts`) [ours]. ``page`` is of the whole collection.
    """
    limit = _number(call.query, "limit", "items", MAX_LIMIT) or DEFAULT_LIMIT
    parts = _number(call.query, "parts", "parts", MAX_PARTS)
    cursor = call.query.get("cursor")
    for name in ("parts", "after", "until"):
        if cursor is not None and name in call.query:
            raise invalid(f"a 'cursor' has its beginning and its end; leave {name!r} out, and follow links as they are")
    if parts is not None:
        return _list_parts(call, parts)
    with call.store.read() as tx:
        collection = call.collection(tx)
        number, span = (0, read_span(call.query, tx, collection)) if cursor is None else read_cursor(cursor)
        rows = tx.items_between(collection.id, span.after, span.last, limit + 1)
        total = tx.count_items(collection.id)
    this = _query(call, "cursor", "after", "until", limit=limit)
    following = None
    if len(rows) > limit:
        rows.pop()
        following = _query(call, limit=limit, cursor=write_cursor(number + 1, Span(rows[-1][0], span.last)))
    return text_answer(call.hal.page(collection.id, rows, limit, number, total, (this, following)))


def _list_parts(call: Call, count: int) -> Response:
    """``GET /collections/{id}/data?parts=8`` [ours]: no items, but where to read the same items side by side.

    ``_links.parts`` are the first pages of readings that end where the next one begins, with equally many items each.
    What comes in after this answer is in none of them: ``mark`` is that place for ``?after=`` and ``?until=``, also of
    another day. An item that is overwritten keeps its place. ``limit`` is for
    servers that do not know parts, and answer with a page: here it is not looked at.
    """
    with call.store.read() as tx:
        collection = call.collection(tx)
        span = read_span(call.query, tx, collection)
        spans, total = divide(tx, collection, span, count)
    this = _query(call, "after", "until", parts=count)
    starts = [_query(call, limit=DEFAULT_LIMIT, cursor=write_cursor(0, each)) for each in spans]
    return json_answer(call.hal.parts(collection.id, this, starts, write_mark(collection, span), total))


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


def _number(query: Mapping[str, str], name: str, things: str, most: int) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10 and 0 < int(value) <= most:
        return int(value)
    raise invalid(f"{name!r}: {shorten(value)!r}; expected a number of {things} from 1 to {most}")


def _query(call: Call, *kept: str, **values: object) -> str:
    """Return a query string of values, and of what else the request has."""
    return f"?{urlencode({**values, **{name: call.query[name] for name in kept if name in call.query}})}"
