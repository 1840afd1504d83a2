"""Tables from one form of unions and dates to another; see :class:`intempt_nb.schema.mapping.arrow.ArrowForm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from intempt_nb.codecs.avro.columns import BROKEN, broken, record_batch
from intempt_nb.codecs.avro.decode import Decoder
from intempt_nb.codecs.avro.sizes import Budget
from intempt_nb.codecs.avro.write import RowEncoder, open_batches, slices
from intempt_nb.errors import DataError
from intempt_nb.schema.mapping.arrow import ArrowForm
from intempt_nb.schema.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from intempt_nb.schema.mapping.arrow import StringDates, Unions

__all__ = ["convert_unions"]


def convert_unions(
    data: Any,
    schema: str | bytes | Mapping[str, Any] | Schema | None = None,
    *,
    unions: Unions = "dense",
    string_dates: StringDates = "date32",
) -> pa.Table:
    """Return a table whose unions and dates on string have another form.

    Parameters
    ----------
    data
        A table, or what else :func:`intempt_nb.codecs.avro.write.write_avro` takes, of any form and with all of the
        schema's columns or some.
    schema
        What the columns are; None for the schema that the data carry.
    unions, string_dates
        The form wanted, see :class:`intempt_nb.schema.mapping.arrow.ArrowForm`.

    Returns
    -------
    pyarrow.Table
        The same columns in the same order. Those whose type is the form's already are not touched.

    Raises
    ------
    DataError
        For a value that the form has no place for (a long beyond 2**53 promoted to double), or JSON text that may be
        of several branches; with its row, counted from 0, and its field.
    """
    arrow, batches = open_batches(data)
    schema = Schema.from_arrow(arrow) if schema is None else Schema.parse(schema)
    target = schema.select(arrow.names, unions=unions, string_dates=string_dates)
    form = ArrowForm(unions, string_dates)
    return pa.Table.from_batches(_converted(batches, schema, target, form), target)


def _converted(
    batches: Iterable[pa.RecordBatch], schema: Schema, target: pa.Schema, form: ArrowForm
) -> Iterator[pa.RecordBatch]:
    encoder = RowEncoder(schema)
    first = 0
    for part in slices(batches):
        arrays = []
        for wanted, column in zip(target, part.columns, strict=True):
            if column.type == wanted.type:
                arrays.append(column)
            else:
                data, starts = encoder.column(column, wanted.name, first)
                arrays.append(_decoded(data, starts, schema, wanted.name, form, first))
        yield record_batch(target, part.num_rows, arrays)
        first += part.num_rows


def _decoded(data: bytes, starts: list[int], schema: Schema, name: str, form: ArrowForm, first: int) -> pa.Array:
    column = Decoder(schema.named, form, Budget()).column(schema[name].type)
    for row, start in enumerate(starts):
        try:
            column.read(data, start)
        except BROKEN as error:
            found = broken(error)
            raise DataError(str(found), row=first + row, field=f"{name}{found.path}") from None
    return column.finish()
