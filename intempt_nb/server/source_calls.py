"""The calls about sources, and the root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from intempt_nb.server.access import digest_of, new_key
from intempt_nb.server.answers import invalid, json_answer
from intempt_nb.server.calls import read_optional_text, read_text
from intempt_nb.server.defaults import create_defaults
from intempt_nb.server.ids import new_tracker_number
from intempt_nb.server.rules import TRACKED, slug, source_type

if TYPE_CHECKING:
    from starlette.responses import Response

    from intempt_nb.server.calls import Call

__all__ = ["create_source", "delete_source", "list_sources", "show_source"]


def list_sources(call: Call) -> Response:
    """``GET /sources``, ``?name=`` [ref]; needs the organisation's key [ours]."""
    call.access.require_organization("listing sources")
    with call.store.read() as tx:
        sources = tx.sources(call.query.get("name"))
    return json_answer(call.hal.listing("sources", map(call.hal.source, sources), "/sources", by_name=True))


def create_source(call: Call) -> Response:
    """``POST /sources {type, title | name, description?}``; sandbox only [ours].

    The answer is the source with its ``apiKey``, which is shown this once. Web and iOS sources are born with their
    default collections [seed 001] and a tracker number.
    """
    call.access.require_organization("creating a source")
    body = call.json_object()
    title = read_optional_text(body, "title")
    name = read_text(body, "name") if title is None or body.get("name") is not None else slug(title)
    title = title or name
    description = read_optional_text(body, "description")
    kind = source_type(read_text(body, "type"))
    key = new_key()
    number = new_tracker_number() if kind in TRACKED else None
    with call.store.write() as tx:
        if tx.sources(name):
            raise invalid(f"there is a source {name!r} already; choose another name")
        source = tx.add_source(name, title, description, kind, digest_of(key), number)
        create_defaults(tx, source)
    answer = call.hal.source(source)
    links = answer.pop("_links")
    return json_answer({**answer, "apiKey": key, "_links": links}, 201)


def show_source(call: Call) -> Response:
    """``GET /sources/{id}`` [ref]."""
    with call.store.read() as tx:
        return json_answer(call.hal.source(call.source(tx)))


def delete_source(call: Call) -> Response:
    """``DELETE /sources/{id}`` with all that belongs to it; answers the deleted object [ref]."""
    call.access.require_organization("deleting a source")
    with call.store.write() as tx:
        source = call.source(tx)
        tx.delete_source(source.id)
    return json_answer(call.hal.source(source))
