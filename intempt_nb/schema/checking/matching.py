"""Which column of some data a field means, and which field a name may have meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import pyarrow as pa

from intempt_nb.schema.mapping.arrow import WIRE, holds_json_text
from intempt_nb.schema.mapping.arrow_names import avro_name
from intempt_nb.schema.model import Array, Map, Record, Reference, without_null

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from intempt_nb.schema.model import AvroType, Defined, Field

__all__ = ["ignored_inside", "match_names", "meant"]


def match_names(fields: Iterable[Field], names: Sequence[str]) -> dict[str, int]:
    """Return which of the source's names each field means: its own, its title, an alias, or one that had to be changed.

    Parameters
    ----------
    fields
        Of the schema, or of a record.
    names
        Of the source's columns, or of a struct's children.

    Returns
    -------
    dict
        Field → position of its name, the first if there are several; fields that none of them means are left out.
    """
    places, changed = _places(names), _places([avro_name(name) for name in names])
    found: dict[str, int] = {}
    for field in fields:
        known = (field.name, field.title, *field.aliases)
        place = next((places[each] for each in known if each in places), changed.get(field.name))
        if place is not None:
            found[field.name] = place
    return found


def _places(names: Sequence[str]) -> dict[str | None, int]:
    return {names[at]: at for at in reversed(range(len(names)))}


def meant(name: str, fields: Iterable[Field]) -> Field | None:
    """Return the field that a name stands for or is a misspelling of, None if there is none.

    Parameters
    ----------
    name
        That is no field's own.
    fields
        That it could be; each is known by its name, its title and its aliases, whether in capitals or not.
    """
    known = {
        _plain(each): field
        for field in fields
        for each in (field.name, field.title, *field.aliases)
        if each is not None
    }
    plain = _plain(name)
    near = [plain] if plain in known else get_close_matches(plain, known, n=1)  # comparing takes long, and finds it too
    return known[near[0]] if near else None


def _plain(name: str) -> str:
    return avro_name(name).casefold()


def ignored_inside(arrow: pa.DataType, avro_type: AvroType, named: Mapping[str, Defined], path: str) -> Iterator[str]:
    """Yield the paths of struct children that the schema's records do not name; they are not sent.

    Parameters
    ----------
    arrow
        The column's type.
    avro_type
        What it should be.
    named
        The schema's named types.
    path
        The column's name.
    """
    plain = without_null(avro_type)
    if isinstance(plain, Reference):
        plain = named[plain.name]
    if holds_json_text(plain, named, WIRE):
        return
    if isinstance(plain, Array) and isinstance(arrow, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        yield from ignored_inside(arrow.value_type, plain.items, named, f"{path}[]")
    elif isinstance(plain, Map) and isinstance(arrow, pa.MapType):
        yield from ignored_inside(arrow.item_type, plain.values, named, f"{path}{{}}")
    elif isinstance(plain, Record) and isinstance(arrow, pa.StructType):
        children = [child.name for child in arrow]
        matched = match_names(plain.fields, children)
        taken = {matched[field.name]: field for field in plain.fields if field.name in matched}
        for index, child in enumerate(arrow):
            if index in taken:
                yield from ignored_inside(child.type, taken[index].type, named, f"{path}.{child.name}")
            else:
                yield f"{path}.{child.name}"
