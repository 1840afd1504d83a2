"""Arrow → Avro's binary encoding, a column at a time; see :mod:`intempt_nb.codecs.avro.cells` for how.

A column may be of any form that :class:`intempt_nb.schema.mapping.arrow.ArrowForm` knows, and of the types that a frame
has where they convert without loss. A value that the schema has no place for raises `BadCell`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intempt_nb.codecs.avro.cells import (
    Cells,
    fixed_cells,
    join_cells,
    list_cells,
    long_cells,
    spread,
)
from intempt_nb.codecs.avro.from_json import encode_default, value_writer
from intempt_nb.codecs.avro.scalars import BadCell, refuse, scalar_cells
from intempt_nb.codecs.avro.to_json import JsonForm
from intempt_nb.codecs.wire.literals import loads
from intempt_nb.codecs.wire.values import Mismatch
from intempt_nb.display import shorten
from intempt_nb.schema.mapping.arrow import arrow_type
from intempt_nb.schema.mapping.layouts import plain_layout
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    Double,
    Field,
    Float,
    Int,
    Long,
    Map,
    Null,
    Record,
    Reference,
    String,
    Union,
    describe,
    without_null,
)
from intempt_nb.schema.parsing.branches import branch_name
from intempt_nb.schema.parsing.recursion import recursive_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from intempt_nb.schema.model import Defined

__all__ = ["Encoder"]


@contextmanager
def _inside(outward: Callable[[int], tuple[int, str]]) -> Iterator[None]:
    """Tell where a part's values stand in the whole: `outward` returns the place and the step for a part's place."""
    try:
        yield
    except BadCell as error:
        error.index, step = outward(error.index)
        error.path = step + error.path
        raise


@dataclass(frozen=True, slots=True)
class Encoder:
    """Encodes the columns of one schema.

    Parameters
    ----------
    named
        The schema's named types.
    """

    named: Mapping[str, Defined]

    def column(self, array: pa.Array, avro_type: AvroType) -> list[Cells]:
        """Return the parts of a column's values, which stand side by side.

        Parameters
        ----------
        array
            Any array that has such values; may be sliced.
        avro_type
            The type to write.

        Raises
        ------
        BadCell
            For the first value found that the type does not have.
        """
        if isinstance(array, pa.ExtensionArray):
            array = array.storage
        if any(check(array.type) for check in _INDIRECT):
            array = plain_layout(array)
        if isinstance(avro_type, Reference):
            return self.column(array, self.named[avro_type.name])
        if not len(array):
            return [join_cells((), 0)]
        if isinstance(avro_type, Union):
            return self._union(array, avro_type)
        if isinstance(avro_type, Null):
            refuse(array, array.is_valid(), "a value where the schema has only null")
            return []
        refuse(array, array.is_null(), f"null where {describe(avro_type)} is expected, which has none")
        match avro_type:
            case Record(name=name) if name in recursive_names(self.named):
                return self._json_text(array, avro_type)
            case Record():
                return self._record(array, avro_type)
            case Array(items):
                return self._array(array, items)
            case Map(values):
                return self._map(array, values)
            case scalar:
                return scalar_cells(array, scalar)

    def _array(self, array: pa.Array, items: AvroType) -> list[Cells]:
        if not pa.types.is_list(array.type):
            array = _as_list(array, items)
        return self._spans(array, [(array.values, items)])

    def _map(self, array: pa.Array, values: AvroType) -> list[Cells]:
        if not pa.types.is_map(array.type):
            raise BadCell(f"{array.type} where {describe(Map(values))} is expected", 0)
        return self._spans(array, [(array.keys, String()), (array.items, values)])

    def _spans(self, array: pa.Array, children: Sequence[tuple[pa.Array, AvroType]]) -> list[Cells]:
        """Encode lists or maps, the items' parts one behind the other."""
        offsets = array.offsets.to_numpy().astype(np.int64)
        first, last = int(offsets[0]), int(offsets[-1])

        def outward(index: int) -> tuple[int, str]:
            place = int(np.searchsorted(offsets, first + index, side="right")) - 1
            return place, f"[{first + index - int(offsets[place])}]"

        with _inside(outward):
            parts = [part for child, kind in children for part in self.column(child[first:last], kind)]
        return list_cells(np.diff(offsets), join_cells(parts, last - first))

    def _record(self, array: pa.Array, record: Record) -> list[Cells]:
        if not pa.types.is_struct(array.type):
            raise BadCell(f"{array.type} where {describe(record)} is expected", 0)
        children = {array.type.field(index).name: array.field(index) for index in range(array.type.num_fields)}
        unknown = children.keys() - {field.name for field in record.fields}
        if unknown:
            raise BadCell(f"the record has no field {sorted(unknown)[0]!r}", 0)
        return [
            part
            for field in record.fields
            for part in self.field(children.get(field.name), field, len(array), f".{field.name}")
        ]

    def field(self, array: pa.Array | None, field: Field, rows: int, step: str) -> list[Cells]:
        """Return the parts of a field's values; its default stands for a column that is not there.

        Parameters
        ----------
        array
            The column; None if there is none.
        field
            The field to write.
        rows
            How many values it has.
        step
            Its name in a path.
        """
        with _inside(lambda index: (index, step)):
            if array is not None:
                return self.column(array, field.type)
            if field.default is MISSING:
                raise BadCell("the data have no such column, and the schema gives no default", 0)
            try:
                default = np.frombuffer(encode_default(field, self.named), np.uint8)
            except Mismatch as mismatch:
                raise BadCell(str(mismatch.reason), 0) from None
            return [fixed_cells(np.tile(default, rows), len(default), rows)]

    def _union(self, array: pa.Array, union: Union) -> list[Cells]:
        only = without_null(union)
        if not union.branches:
            refuse(array, pc.or_(array.is_null(), True), "a value of a union without branches")
            return []
        if not isinstance(only, Union):
            return self._optional(array, only, union.branches.index(only), len(union.branches))
        if pa.types.is_union(array.type):
            return self._dense(array, union)
        if pa.types.is_struct(array.type):
            return self._apart(array, union)
        if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
            return self._promoted(array, union)
        return self._json_text(array, union)

    def _optional(self, array: pa.Array, only: AvroType, at: int, count: int) -> list[Cells]:
        if count == 1 or not array.null_count:
            index = np.full(len(array), 2 * at, np.uint8)
            return [fixed_cells(index, 1, len(array)), *self.column(array, only)]
        valid = array.is_valid().to_numpy(zero_copy_only=False)
        index = np.where(valid, 2 * at, 2 * (1 - at)).astype(np.uint8)
        return [fixed_cells(index, 1, len(array)), *self._some(array.filter(pa.array(valid)), only, valid)]

    def _some(self, array: pa.Array, avro_type: AvroType, rows: NDArray[np.bool_]) -> list[Cells]:
        """Encode values that stand in some rows only."""
        with _inside(lambda index: (int(np.flatnonzero(rows)[index]), "")):
            return [spread(part, rows) for part in self.column(array, avro_type)]

    def _branches(self, rows: Sequence[NDArray[np.bool_]], arrays: Sequence[pa.Array], union: Union) -> list[Cells]:
        """Encode values of several branches: for each, its rows and its values in them."""
        chosen = np.zeros(len(rows[0]), np.int64)
        for index, mask in enumerate(rows):
            chosen[mask] = index
        parts = [long_cells(chosen)]
        for mask, array, branch in zip(rows, arrays, union.branches, strict=True):
            if len(array) and branch != Null():
                parts += self._some(array, branch, mask)
        return parts

    def _dense(self, array: pa.Array, union: Union) -> list[Cells]:
        names = [array.type.field(index).name for index in range(array.type.num_fields)]
        # of a slice, pyarrow's type_codes and offsets are those of the whole array's beginning
        buffers, here = array.buffers(), slice(array.offset, array.offset + len(array))
        codes = np.frombuffer(buffers[1], np.int8)[here]
        known = {branch_name(each) for each in union.branches}
        if not known.issuperset(names):
            advice = f"name the children after the branches: {', '.join(sorted(known))}"
            raise BadCell(f"{array.type} where {describe(union)} is expected; {advice}", 0)
        dense = array.type.mode == "dense"
        places = np.frombuffer(buffers[2], np.int32)[here] if dense else np.arange(len(array))
        rows, arrays = [], []
        for branch in union.branches:
            name = branch_name(branch)
            at = names.index(name) if name in names else None
            mask = codes == (array.type.type_codes[at] if at is not None else -1)
            rows.append(mask)
            arrays.append(pa.nulls(0) if at is None else _taken(array.field(at), places[mask]))
        return self._branches(rows, arrays, union)

    def _apart(self, array: pa.Array, union: Union) -> list[Cells]:
        children = {array.type.field(index).name: array.field(index) for index in range(array.type.num_fields)}
        here = array.is_valid().to_numpy(zero_copy_only=False)
        rows, arrays = [], []
        for branch in union.branches:
            child = children.get(branch_name(branch))
            if branch == Null():
                mask = ~here
            elif child is None:
                mask = np.zeros(len(array), bool)
            else:
                mask = here & child.is_valid().to_numpy(zero_copy_only=False)
            rows.append(mask)
            arrays.append(pa.nulls(0) if child is None else child.filter(pa.array(mask)))
        wrong = np.sum(rows, axis=0) != 1
        refuse(array, pa.array(wrong), f"a struct that stands for {describe(union)} has one child set")
        return self._branches(rows, arrays, union)

    def _promoted(self, array: pa.Array, union: Union) -> list[Cells]:
        """Encode numbers, each as the first branch that holds it exactly."""
        gaps = array.is_null().to_numpy(zero_copy_only=False)
        left = ~gaps
        rows, arrays = [], []
        for branch in union.branches:
            mask = gaps if branch == Null() else left & _holds(branch, array)
            kind = pa.null() if branch == Null() else arrow_type(branch, self.named)
            rows.append(mask)
            arrays.append(array.filter(pa.array(mask)).cast(kind, safe=False) if branch != Null() else pa.nulls(0))
            left = left & ~mask
        if Null() not in union.branches:
            left = left | gaps
        refuse(array, pa.array(left), f"a number that no branch of {describe(union)} holds")
        return self._branches(rows, arrays, union)

    def _json_text(self, array: pa.Array, avro_type: AvroType) -> list[Cells]:
        if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or pa.types.is_null(array.type)):
            raise BadCell(f"{array.type} where the JSON text of {describe(avro_type)} is expected", 0)
        write = value_writer(avro_type, self.named, JsonForm("plain"))
        out = bytearray()
        ends = [0]
        for index, text in enumerate(array.to_pylist()):
            try:
                write(None if text is None else loads(text), out)
            except Mismatch as mismatch:
                value = shorten(mismatch.value)
                reason = mismatch.reason or f"found {value}; expected {mismatch.expected}"
                raise BadCell(reason, index, mismatch.path, value) from None
            except (ValueError, RecursionError) as error:
                raise BadCell(f"no JSON text: {shorten(error)}", index, value=shorten(text)) from None
            ends.append(len(out))
        return [Cells(np.array(ends, np.int64), np.frombuffer(bytes(out), np.uint8))]


def _taken(array: pa.Array, places: NDArray[np.integer[Any]]) -> pa.Array:
    if len(places) == len(array) and np.array_equal(places, np.arange(len(array))):
        return array
    return array.take(pa.array(places))


def _as_list(array: pa.Array, items: AvroType) -> pa.ListArray:
    """Return other kinds of lists, without nulls, as the plain one."""
    if not any(check(array.type) for check in _LISTS):
        raise BadCell(f"{array.type} where {describe(Array(items))} is expected", 0)
    ends = np.zeros(len(array) + 1, np.int32)
    np.cumsum(pc.list_value_length(array).to_numpy(), out=ends[1:])
    return pa.ListArray.from_arrays(pa.array(ends), array.flatten())


_LISTS = (pa.types.is_large_list, pa.types.is_fixed_size_list)


_INDIRECT = (
    pa.types.is_string_view,
    pa.types.is_binary_view,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
    pa.types.is_run_end_encoded,
)
"""Layouts that Arrow's compute functions do not take."""


def _holds(branch: AvroType, array: pa.Array) -> NDArray[np.bool_]:
    """Return which numbers a type holds exactly; for nulls it says whatever."""
    numbers: NDArray[Any] = array.fill_null(0).to_numpy(zero_copy_only=False)
    whole = numbers.dtype.kind == "i"
    held: NDArray[np.bool_] = np.zeros(len(numbers), bool)
    match branch:
        case Int():
            held = (np.trunc(numbers) == numbers) & (numbers >= -(2**31)) & (numbers < 2**31)
        case Long() if whole:
            held = np.ones(len(numbers), bool)
        case Long():
            held = (np.trunc(numbers) == numbers) & (numbers >= -(2.0**63)) & (numbers < 2.0**63)
        case Float():
            with np.errstate(over="ignore"):
                narrow = numbers.astype(np.float32).astype(np.float64)
            held = (narrow == numbers) | (numbers != numbers)
        case Double():
            held = np.abs(numbers.astype(np.float64)) <= 2.0**53 if whole else np.ones(len(numbers), bool)
    return held
