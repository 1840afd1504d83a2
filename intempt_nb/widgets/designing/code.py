"""The Python that does what was clicked."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from intempt_nb.widgets.namespace import client_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.widgets.designing.draft import Draft
    from intempt_nb.widgets.designing.known import Known

__all__ = ["code_of", "literal"]

WIDTH = 100
_IMPORT = "import intempt_nb as inb\n\n"
_INDENT = "    "


def code_of(draft: Draft, known: Known) -> str:
    """Return the Python that defines the collection, with the notebook's own client; a key is never in it."""
    source = known.source(draft.source_id)
    source_name = literal("…" if source is None else source.name)
    target = known.target(draft.name, draft.source_id)
    options = {"kind": draft.kind, **({"title": draft.title} if draft.title else {})}
    if target is None:
        told = ", ".join([literal(draft.name), "schema", *_keywords(options)])
        action = f"collection = source.create_collection({told})\n"
    else:
        options |= {} if target.name == draft.name else {"name": draft.name}
        options |= {"title": ""} if known.record(target).title and not draft.title else {}
        action = (
            f"collection = source.collections[{literal(target.name)}]\n"
            f"collection.update({', '.join(['schema', *_keywords(options)])})\n"
        )
    client, lines = client_code(known.transport)
    start = f"{lines or _IMPORT}source = {client}.sources[{source_name}]\n\n"
    return f"{start}schema = inb.Schema.parse(\n{_INDENT}{literal(draft.document, 1)}\n)\n{action}"


def _keywords(options: Mapping[str, Any]) -> list[str]:
    return [f"{name}={literal(value)}" for name, value in options.items()]


def literal(value: Any, level: int = 0) -> str:
    """Return a JSON value as a Python literal: on one line where it fits, otherwise a line for each part.

    Parameters
    ----------
    value
        As :func:`json.loads` gives it.
    level
        How far the lines behind the first are indented.
    """
    room = WIDTH - len(_INDENT) * level
    if not value or not isinstance(value, dict | list) or len(json.dumps(value, ensure_ascii=False)) <= room:
        return _on_one_line(value)
    if isinstance(value, dict):
        parts = [f"{literal(key)}: {literal(each, level + 1)}" for key, each in value.items()]
    else:
        parts = [literal(each, level + 1) for each in value]
    inside = _INDENT * (level + 1)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opening, *(f"{inside}{part}," for part in parts), f"{_INDENT * level}{closing}"])


def _on_one_line(value: Any) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False)  # its escapes mean the same in Python
        case float() if not math.isfinite(value):
            return f'float("{value}")'
        case dict():
            return "{" + ", ".join(f"{_on_one_line(key)}: {_on_one_line(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_on_one_line, value)) + "]"
        case _:
            return repr(value)
