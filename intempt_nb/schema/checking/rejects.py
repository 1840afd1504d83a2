"""What is known of values that cannot be used, as a table: row, field, value, expected, reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.display import shorten
from intempt_nb.schema.model import describe

if TYPE_CHECKING:
    from intempt_nb.schema.checking.refusals import Refusal
    from intempt_nb.schema.model import Field

__all__ = ["REJECTS", "VALUE_LENGTH", "as_texts", "rejects_of"]

REJECTS = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("field", pa.string()),
        pa.field("value", pa.string()),
        pa.field("expected", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""A row with two bad cells stands here twice. `row` is null for a whole column, `field` for a whole row."""

VALUE_LENGTH = 200


def rejects_of(refusal: Refusal, cells: pa.Array, rows: pa.Array, field: Field) -> pa.Table:
    """Return the refused cells of a column as `REJECTS`.

    Parameters
    ----------
    refusal
        From the conversion of `cells`.
    cells
        The column.
    rows
        The number of each of its rows, int64.
    field
        What the column should be.
    """
    count = len(refusal.positions)
    return pa.table(
        [
            rows.take(refusal.positions),
            refusal.located(field.name),
            as_texts(refusal.with_values_of(cells).values),
            pa.repeat(refusal.expected or describe(field.type), count),
            pa.repeat(refusal.reason, count),
        ],
        schema=REJECTS,
    )


def as_texts(values: pa.Array) -> pa.Array:
    """Return values as text for people, cut to `VALUE_LENGTH`."""
    try:
        texts = values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # nested and binary values
        shown = [None if value is None else shorten(value, VALUE_LENGTH) for value in values.to_pylist()]
        return pa.array(shown, pa.string())
    if (pc.max(pc.binary_length(texts)).as_py() or 0) <= VALUE_LENGTH:
        return texts
    return pc.utf8_slice_codeunits(texts, 0, VALUE_LENGTH)
