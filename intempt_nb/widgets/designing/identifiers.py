"""Fields that identifiers of the collection use, and that the draft no longer has as they were."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.widgets.designing.problems import Flaw
from intempt_nb.widgets.designing.shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from intempt_nb.api.resources import Collection, Identifier
    from intempt_nb.widgets.designing.draft import Draft

__all__ = ["identifier_flaws"]

_ASIDE = ("name", "namespace", "aliases", "doc", "default")
"""What a type can say without being another one to an identifier."""


def identifier_flaws(draft: Draft, identifiers: Sequence[Identifier], live: Collection | None) -> Iterator[Flaw]:
    """Yield what a server would refuse for the sake of a collection's identifiers.

    Parameters
    ----------
    draft
        What the collection is to become.
    identifiers
        Those of the collection.
    live
        The collection as the server has it.
    """
    if live is None:
        return
    before, after = _by_name(live.schema_json.get("fields")), _by_name(draft.document["fields"])
    for identifier in identifiers:
        called = f"identifier {shorten(identifier.name)}"
        for name in _by_name(identifier.schema_json.get("fields")):
            if name not in before:
                continue
            if name not in after:
                path = _renamed_to(draft, before, before[name][0])
                gone = f"{called} uses the field {shorten(name)}; the server will refuse"
                yield Flaw(
                    path, "name" if path else "", "warning", f"{gone} {'another name' if path else 'to remove it'}"
                )
            elif _told(before[name][1]) != _told(after[name][1]):
                said = f"{called} uses this field; the server will refuse another type"
                yield Flaw(f"/fields/{after[name][0]}", "type", "warning", said)


def _by_name(fields: Any) -> dict[str, tuple[int, Mapping[str, Any]]]:
    """Return fields by name, each with its index."""
    listed = enumerate(fields if isinstance(fields, list) else ())
    return {
        each["name"]: (at, each) for at, each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)
    }


def _renamed_to(draft: Draft, before: Mapping[str, Any], index: int) -> str:
    """Return the path of the field that stands where another one stood, with a name that is new; empty if none does."""
    fields = draft.document["fields"]
    found = fields[index] if index < len(fields) else None
    is_new = isinstance(found, dict) and len(fields) >= len(before) and found.get("name") not in before
    return f"/fields/{index}" if is_new else ""


def _told(field: Mapping[str, Any]) -> str:
    """Return a field's type, null and names aside."""
    node = shape_of(field.get("type")).node
    if isinstance(node, dict):
        node = {key: value for key, value in node.items() if key not in _ASIDE}
        node = node["type"] if list(node) == ["type"] else node
    return json.dumps(node, sort_keys=True)
