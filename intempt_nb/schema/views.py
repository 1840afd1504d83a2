"""The columns of a schema as a table for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from intempt_nb.schema.model import MISSING, describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from intempt_nb.schema.model import Field, Record

__all__ = ["HEADER", "caption", "rows"]

HEADER = ("field", "type", "required", "default", "title", "doc")


def rows(record: Record) -> Iterator[tuple[object, ...]]:
    """Yield a row for each column."""
    return map(_row, record.fields)


def _row(field: Field) -> tuple[object, ...]:
    default = None if field.default is MISSING else json.dumps(field.default, ensure_ascii=False)
    return field.name, describe(field.type), "yes" if field.required else "", default, field.title, field.doc


def caption(record: Record) -> str:
    """Return what the table is of."""
    count = len(record.fields)
    return f"{record.name}: {count:,} field{'' if count == 1 else 's'}"
