"""Edits of what stands above the table, and of the whole schema at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.arrow_names import avro_name
from intempt_nb.widgets.designing.draft import KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from intempt_nb.widgets.designing.draft import Draft

__all__ = ["empty_document", "headed", "renamed", "with_inferred"]


def empty_document(name: str) -> dict[str, Any]:
    """Return the document of a record without fields."""
    return {"type": "record", "name": avro_name(name) if name else "", "fields": []}


def headed(draft: Draft, key: str, value: Any, source_ids: Collection[str]) -> Draft:
    """Return the draft with another value in a cell of its head.

    Parameters
    ----------
    draft
        The collection.
    key
        ``name``, ``title``, ``kind``, ``source``, or of the record ``record``, ``namespace``, ``doc``.
    value
        What was typed or chosen.
    source_ids
        Those there are.

    Raises
    ------
    DataError
        If there is no such cell, or nothing of that kind.
    """
    text = "" if value is None else str(value)
    match key:
        case "name":
            return draft if text.strip() == draft.name else renamed(draft, text.strip())
        case "title":
            return draft if text == draft.title else replace(draft, title=text)
        case "kind" if text in KINDS:
            return draft if text == draft.kind else replace(draft, kind=next(each for each in KINDS if each == text))
        case "source" if text in source_ids:
            return draft if text == draft.source_id else replace(draft, source_id=text)
        case "record":
            return draft.with_document(_with(draft.document, "name", text.strip(), keep=True))
        case "namespace" | "doc":
            return draft.with_document(_with(draft.document, key, text, keep=False))
        case "kind" | "source":
            raise DataError(f"there is no {key} {text!r}")
        case _:
            raise DataError(f"there is no cell {key!r}")


def renamed(draft: Draft, name: str) -> Draft:
    """Return the draft with another name; the record's, where it was made of the collection's, goes with it."""
    document = draft.document
    if name and document.get("name", "") in ("", avro_name(draft.name)):
        document = _with(document, "name", avro_name(name), keep=True)
    return replace(draft.with_document(document), name=name)


def with_inferred(draft: Draft, document: Mapping[str, Any]) -> Draft:
    """Return the draft with inferred fields in place of its own, and with a name if it has none."""
    named = draft if draft.name else renamed(draft, str(document["name"]))
    return named.with_document({**named.document, "fields": document["fields"]})


def _with(document: Mapping[str, Any], key: str, text: str, *, keep: bool) -> Mapping[str, Any]:
    """Return the document with a text, behind the name if it is new; without it if it is empty and not to be kept."""
    if text == (document.get(key) or ""):
        return document
    if key in document or not text:
        return {each: text if each == key else value for each, value in document.items() if text or keep or each != key}
    first = {each: document[each] for each in ("type", "name") if each in document}
    return {**first, key: text, **{each: value for each, value in document.items() if each not in first}}
