"""What a designer starts with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from intempt_nb.errors import DataError
from intempt_nb.schema.parsing.source import as_text
from intempt_nb.schema.schema import Schema
from intempt_nb.widgets.designing.draft import KINDS, Draft, read_document
from intempt_nb.widgets.designing.heads import empty_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.api.resources import CollectionKind
    from intempt_nb.handles import CollectionHandle
    from intempt_nb.widgets.designing.known import Known

__all__ = ["started"]


def started(
    known: Known,
    schema: Schema | Mapping[str, Any] | str | None,
    name: str | None,
    kind: CollectionKind | None,
    title: str | None,
) -> Draft:
    """Return the draft that a designer starts with; arguments as the designer has them.

    Raises
    ------
    DataError
        If there is no such kind.
    SchemaError
        If the schema is no record.
    """
    if kind is not None and kind not in KINDS:
        raise DataError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}", expected=" | ".join(KINDS))
    source_id = known.sources[0].id if len(known.sources) == 1 else None
    if known.edited is not None:
        live = next((each for each in known.collections if each.id == known.edited.id), known.edited)
        return _of_collection(live, source_id, schema, name, kind, title)
    if schema is None:
        return Draft(empty_document(name or ""), name or "", title or "", kind or "attribute", source_id)
    written, document = _read(schema)
    return Draft(document, _called(document, name), title or "", kind or "attribute", source_id, written)


def _read(schema: Schema | Mapping[str, Any] | str) -> tuple[str | None, dict[str, Any]]:
    """Return a schema's own text, if it has one, and its JSON."""
    if isinstance(schema, Schema | str | bytes):
        text = schema.text if isinstance(schema, Schema) else as_text(schema)
        return text, read_document(text)
    return None, read_document(as_text(schema))


def _called(document: Mapping[str, Any], name: str | None) -> str:
    """Return the name of a collection: the record's, if no other is given."""
    found = document.get("name")
    return name if name is not None else found.rpartition(".")[2] if isinstance(found, str) else ""


def _of_collection(
    collection: CollectionHandle,
    source_id: str | None,
    schema: Schema | Mapping[str, Any] | str | None,
    name: str | None,
    kind: CollectionKind | None,
    title: str | None,
) -> Draft:
    record = collection.record
    written, document = _read(schema) if schema is not None else (None, read_document(json.dumps(record.schema_json)))
    return Draft(
        document,
        record.name if name is None else name,
        (record.title or "") if title is None else title,
        kind or record.kind,
        source_id,
        written,
    )
