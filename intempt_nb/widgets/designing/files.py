"""A collection's definition in a file: what the API takes, so that it can be reviewed, kept and posted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.rows.files import missing_file
from intempt_nb.display import shorten
from intempt_nb.errors import DataError, SchemaError
from intempt_nb.schema.parsing.avro import parse_json
from intempt_nb.schema.parsing.source import as_text, refuse_depth
from intempt_nb.widgets.designing.draft import Draft, read_document

if TYPE_CHECKING:
    from pathlib import Path

    from intempt_nb.api.resources import CollectionKind

__all__ = ["read_file", "to_text"]


def to_text(draft: Draft) -> str:
    """Return the file's text: the body of a request that creates the collection, its source aside."""
    body = {
        "name": draft.name,
        **({"title": draft.title} if draft.title else {}),
        "profile": draft.kind == "profile",
        "event": draft.kind == "event",
        "schema": draft.document,
    }
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


def read_file(path: Path) -> Draft:
    """Return what a file says: such a body, or an Avro record schema alone, whose name the collection then has.

    Raises
    ------
    DataError
        If there is no such file, or it says something else.
    SchemaError
        If it is not JSON, or its schema no record.
    """
    if not path.is_file():
        raise missing_file(path)
    text = as_text(path.read_bytes())
    body = parse_json(text)
    refuse_depth(body)
    if isinstance(body, dict) and "schema" in body and body.get("type") != "record":
        return _of_body(body, path)
    document = read_document(text)
    name = document.get("name")
    return Draft(document, name.rpartition(".")[2] if isinstance(name, str) else "", written=text)


def _of_body(body: dict[str, Any], path: Path) -> Draft:
    flags = {key: body.get(key, False) for key in ("profile", "event")}
    if not all(isinstance(each, bool) for each in flags.values()) or all(flags.values()):
        raise DataError(f"{path}: profile and event are {flags}; one of them is true, or none")
    texts = {key: body.get(key) or "" for key in ("name", "title")}
    wrong = next((key for key, each in texts.items() if not isinstance(each, str)), None)
    if wrong is not None:
        raise DataError(f"{path}: {wrong} is {shorten(texts[wrong])}; expected text")
    kind: CollectionKind = "profile" if flags["profile"] else "event" if flags["event"] else "attribute"
    try:
        document = read_document(json.dumps(body["schema"]))
    except SchemaError as error:
        raise DataError(f"{path}: its schema cannot be shown: {error.problems[0].message}") from None
    return Draft(document, texts["name"], texts["title"], kind)
