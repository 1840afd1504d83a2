"""What an update would take from a collection: fields that go, and items that could not be read any more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import SchemaError
from intempt_nb.schema.comparing.compatibility import compatibility
from intempt_nb.schema.comparing.difference import difference
from intempt_nb.schema.parsing.avro import read_source
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from intempt_nb.api.resources import Collection
    from intempt_nb.schema.comparing.compatibility import Incompatibility
    from intempt_nb.widgets.designing.draft import Draft

__all__ = ["Losses", "losses_of"]

MOST_TOLD = 20
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Losses:
    """What an update would take.

    Parameters
    ----------
    removed
        The paths of the fields that go: ``address.city``.
    unreadable
        Why items that are there could not be read, with the field in front.
    """

    removed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def told(self) -> list[str]:
        """A line for each, the first of many."""
        lines = [*(f"the field {shorten(each)} is removed" for each in self.removed), *self.unreadable]
        more = len(lines) - MOST_TOLD
        return lines[:MOST_TOLD] + ([f"and {more:,} more"] if more > 0 else [])

    @property
    def brief(self) -> str:
        """All in a few words; empty if nothing is lost."""
        parts = []
        if self.removed:
            named = ", ".join(shorten(each, 40) for each in self.removed[:MOST_NAMED])
            more = f" and {len(self.removed) - MOST_NAMED:,} more" if len(self.removed) > MOST_NAMED else ""
            parts.append(f"removes {_count(len(self.removed), 'field')} ({named}{more})")
        if self.unreadable:
            parts.append(f"items there may not be readable ({_count(len(self.unreadable), 'place')})")
        return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


@lru_cache(maxsize=8)
def losses_of(draft: Draft, live: Collection) -> Losses:
    """Return what would be lost if a collection became what a draft says; nothing as long as that cannot be told."""
    if draft.checked.parsed is None:
        return Losses()
    try:
        before, after = _changed_parts(live.schema_json, draft.document)
    except SchemaError:
        try:
            before, after = _read(live.schema_json), draft.schema
        except SchemaError:  # what cannot be read cannot be compared
            return Losses()
    removed = [each.path for each in difference(before, after).removed if each.aspect == "field"]
    found = [each for each in compatibility(after, before).incompatibilities if not _is_own_name(each)]
    return Losses(tuple(removed), tuple(f"{_field_at(after, each.reader_path)}{each.message}" for each in found))


def _is_own_name(found: Incompatibility) -> bool:
    """Return whether the record alone has another name, which goes with the collection's: no item has it."""
    return found.kind == "NAME_MISMATCH" and found.reader_path in ("", "/name")


def _read(document: Mapping[str, Any]) -> Schema:
    text, parsed, _ = read_source(document, strict=False)
    return Schema(text, parsed).require_record()


def _changed_parts(live: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Schema, Schema]:
    """Return the two schemas with the fields alone that are not in both: to compare 1,000 takes a fifth of a second.

    Raises
    ------
    SchemaError
        If a field needs a type that another one defines.
    """
    before = _by_name(live.get("fields"))
    same = {name for name, each in _by_name(document["fields"]).items() if before.get(name) == each}
    return _read(_without(live, same)), _read(_without(document, same))


def _by_name(fields: Any) -> dict[Any, Any]:
    listed = fields if isinstance(fields, list) else ()
    return {each["name"]: each for each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)}


def _without(document: Mapping[str, Any], same: set[str]) -> dict[str, Any]:
    fields = document.get("fields")
    if not isinstance(fields, list):
        return dict(document)
    rest = [each for each in fields if not (isinstance(each, dict) and each.get("name") in same)]
    return {**document, "fields": rest}


def _field_at(schema: Schema, path: str) -> str:
    """Return the names of the fields that a pointer leads through, as what stands in front of a message."""
    steps: Sequence[str] = path.split("/")[1:]
    names, found = [], schema.to_avro()
    value: Any = found
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
            if isinstance(value, dict) and "type" in value and isinstance(value.get("name"), str):
                names.append(value["name"])
        else:
            break
    return f"{shorten('.'.join(names))}: " if names else ""
