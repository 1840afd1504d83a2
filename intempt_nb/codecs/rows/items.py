"""Lists of items (dicts) as sources of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.codecs.rows.frames import open_table
from intempt_nb.codecs.rows.shapes import Shape, arrow_field, build, plain, shape_of_values
from intempt_nb.display import shorten
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intempt_nb.codecs.rows.blocks import Tabular

__all__ = ["open_items"]


def open_items(items: Sequence[Any]) -> Tabular:
    """Return a list of items as a source of rows, numbered from 0; see :mod:`intempt_nb.codecs.rows.shapes`.

    Parameters
    ----------
    items
        A mapping each; values as :func:`json.loads` gives them, and dates, times, decimals, UUIDs and bytes. NaN, NaT
        and NA are no values.

    Raises
    ------
    DataError
        If an item is no mapping or has a key that is no text, or a place holds dates and numbers, say; with the row.
    """
    for row, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise DataError(f"found {shorten(repr(item), 40)}; expected an item: a dict", row=row)
    try:
        values = [plain(item) for item in items]
        shape = shape_of_values(values) if values else Shape()
        schema = pa.schema([arrow_field(key, each) for key, each in shape.fields.items()])
        columns = [build([value.get(each.name) for value in values], each) for each in schema]
    except RecursionError:
        raise DataError("an item is nested too deeply") from None
    except UnicodeEncodeError:
        raise DataError("the items hold text with half of a surrogate pair, which is not Unicode") from None
    return open_table(pa.Table.from_arrays(columns, schema=schema), "list of items")
