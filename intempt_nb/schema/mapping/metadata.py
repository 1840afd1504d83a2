"""What rides along with Arrow schemas, so that the way from Avro to Arrow and back loses nothing, nor the other way.

Avro → Arrow: the whole text is in the schema's metadata (``avro.schema``), the JSON of each field in the field's own
(``avro.field``). The second survives ``select`` and ``rename_columns``, which drop the first, so it stands for itself:
what other fields define is defined in it too. Of others' metadata, what the Rust crate arrow-avro writes is read, see
:meth:`intempt_nb.schema.mapping.from_arrow.Reverse.field`.

Arrow → Avro: a field's attributes remember what Avro has no word for.

- ``arrow.type``: the Arrow type, as :mod:`intempt_nb.schema.mapping.arrow_text` has it: ``"uint8"``.
- ``arrow.timezone``: the zone of an instant where it is not UTC: ``"Europe/Berlin"``. Instants are never shifted.
- ``arrow.nullable``: false for a field that is not nullable though its Avro type has null.

An attribute that does not fit the field's Avro type is not used. What a column of nulls becomes, and the storage of an
extension type, stay what they are. Metadata of others stays behind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, get_args

import pyarrow as pa

from intempt_nb.errors import DataError, Problem, SchemaError
from intempt_nb.schema.mapping.arrow import DENSE, ArrowForm, StringDates, Unions, arrow_type
from intempt_nb.schema.mapping.arrow_names import avro_name, titled
from intempt_nb.schema.mapping.arrow_text import ZONE, arrow_from_json, arrow_to_json
from intempt_nb.schema.mapping.from_arrow import TEXTS, Reverse, Uint64, is_enum
from intempt_nb.schema.mapping.standalone import definitions, namespace_of, same_definition, standalone
from intempt_nb.schema.model import AvroType, Defined, Enum, Field, Record, Timestamp, resolved, without_null
from intempt_nb.schema.parsing.avro import VALUE, ParsedSchema, parse_json, read_schema
from intempt_nb.schema.parsing.recursion import recursive_names
from intempt_nb.schema.parsing.source import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FIELD_KEY",
    "SCHEMA_KEY",
    "arrow_field",
    "arrow_schema",
    "carried_schema",
    "declared_field",
    "declared_type",
    "parse_text",
    "to_avro_field",
    "to_avro_record",
]

SCHEMA_KEY = b"avro.schema"
FIELD_KEY = b"avro.field"
_FORMS = [ArrowForm(unions, dates) for unions, dates in product(get_args(Unions), get_args(StringDates))]


def arrow_schema(text: str, parsed: ParsedSchema, form: ArrowForm = DENSE) -> pa.Schema:
    """Return the Arrow schema of an Avro schema.

    Parameters
    ----------
    text
        The schema as it was written.
    parsed
        The type it describes; one that is no record has one column.
    form
        What stands for unions and for dates on string.

    Returns
    -------
    pyarrow.Schema
        The text and the fields' JSON in its metadata. Made once for each text and form of late.
    """
    return _arrow_schema(_Source(text, parsed), form)


@dataclass(frozen=True, slots=True)
class _Source:
    """A schema's text, which says what it is, and what was made of it already."""

    text: str
    parsed: ParsedSchema = field(compare=False)


@lru_cache(maxsize=128)
def _arrow_schema(source: _Source, form: ArrowForm) -> pa.Schema:
    parsed = source.parsed
    fields = [
        arrow_field(each, parsed.named, avro, form)
        for each, avro in zip(parsed.record.fields, _standalone_fields(source), strict=True)
    ]
    return pa.schema(fields, {SCHEMA_KEY: source.text.encode()})


def _standalone_fields(source: _Source) -> list[dict[str, Any]]:
    """Return the JSON of each field, with all it names in it."""
    avro, parsed = json.loads(source.text), source.parsed
    if not isinstance(parsed.root, Record):
        return [{"name": VALUE, "type": avro}]
    while isinstance(avro["type"], dict):
        avro = avro["type"]
    fields: list[dict[str, Any]] = avro["fields"]
    if len(parsed.named) == 1 and not recursive_names(parsed.named):
        return fields
    defined = dict(definitions(avro))
    namespace = namespace_of(parsed.root.name)
    return [{**each, "type": standalone(each["type"], namespace, defined, set())} for each in fields]


def arrow_field(
    column: Field, named: Mapping[str, Defined], source: Mapping[str, Any], form: ArrowForm = DENSE
) -> pa.Field:
    """Return the Arrow field of a column, `source` (the column's own Avro JSON) in its metadata.

    Parameters
    ----------
    column
        The column.
    named
        The schema's named types, which references resolve to.
    source
        The column's JSON, with every name it uses defined in it.
    form
        What stands for unions and for dates on string.
    """
    arrow, nullable = _type_and_nullable(column, named, form)
    return pa.field(column.name, arrow, nullable, {FIELD_KEY: json.dumps(source)})


def _type_and_nullable(column: Field, named: Mapping[str, Defined], form: ArrowForm) -> tuple[pa.DataType, bool]:
    arrow = arrow_type(column.type, named, form)
    if not form.restored or not column.attributes:
        return arrow, column.nullable
    nullable = column.nullable and column.attributes.get("arrow.nullable") is not False
    return _restored(column, arrow, named), nullable


def _restored(column: Field, arrow: pa.DataType, named: Mapping[str, Defined]) -> pa.DataType:
    """Return the Arrow type that the column's attributes remember, or else `arrow`."""
    zone, remembered = column.attributes.get("arrow.timezone"), column.attributes.get("arrow.type")
    match without_null(column.type):
        case Timestamp(unit, local=False) if isinstance(zone, str) and ZONE.fullmatch(zone):
            return pa.timestamp(unit, zone)
    if remembered is None:
        return arrow
    try:
        exact = arrow_from_json(remembered)
        return exact if _stands_for(exact, column, arrow, named) else arrow
    except (DataError, ValueError, RecursionError):
        return arrow


def _stands_for(exact: pa.DataType, column: Field, arrow: pa.DataType, named: Mapping[str, Defined]) -> bool:
    """Return whether an Arrow type becomes a type of Avro with the same Arrow type as the column's."""
    plain = resolved(without_null(column.type), named)
    if isinstance(exact, pa.DictionaryType) and isinstance(plain, Enum):
        return exact.value_type in TEXTS
    for uint64 in get_args(Uint64):
        reverse = Reverse(uint64=uint64)
        parsed = _parse_field(json.dumps(reverse.field(pa.field("x", exact, column.nullable), "x")))
        if parsed is None or reverse.notes:
            continue
        if _unnamed(arrow_type(parsed.record.fields[0].type, parsed.named)) == _unnamed(arrow):
            return True
    return False


def _unnamed(arrow: pa.DataType) -> pa.DataType:
    """Return a type of :func:`arrow_type` with the children of its unions unnamed, as types may be called anything."""
    match arrow:
        case pa.UnionType():
            children = [arrow.field(index) for index in range(arrow.num_fields)]
            return pa.dense_union([pa.field("", _unnamed(each.type), each.nullable) for each in children])
        case pa.StructType():
            return pa.struct([each.with_type(_unnamed(each.type)) for each in arrow])
        case pa.ListType():
            return pa.list_(arrow.value_field.with_type(_unnamed(arrow.value_type)))
        case pa.MapType():
            return pa.map_(arrow.key_type, arrow.item_field.with_type(_unnamed(arrow.item_type)))
        case _:
            return arrow


@lru_cache(maxsize=4096)
def _parse_field(text: str | bytes, *, strict: bool = True) -> ParsedSchema | None:
    """Return what a field's JSON describes, as a record of that one field; None if it is none."""
    try:
        avro = parse_json(text)
        wrapper = {"type": "record", "name": _WRAPPER, "fields": [{**avro, "name": "_"}]}
        parsed, _ = read_schema(wrapper, strict=strict)
    except (SchemaError, TypeError):
        return None
    return parsed


_WRAPPER = "_of_one_field"


def _fits(column: Field, named: Mapping[str, Defined], found: pa.Field) -> bool:
    """Return whether an Arrow field is what a column becomes, in any form."""
    if (found.type, found.nullable) == _type_and_nullable(column, named, DENSE):
        return True
    return found.nullable == column.nullable and any(
        arrow_type(column.type, named, form) == found.type for form in _FORMS
    )


def carried_schema(schema: pa.Schema) -> tuple[str, ParsedSchema] | None:
    """Return the Avro schema whose text an Arrow schema carries; None if there is none or the columns are others."""
    carried = (schema.metadata or {}).get(SCHEMA_KEY)
    parsed = None if carried is None else parse_text(carried)
    if carried is None or parsed is None:
        return None
    text = as_text(carried)
    if arrow_schema(text, parsed).equals(schema):
        return text, parsed
    columns = parsed.record.fields
    same = [each.name for each in columns] == schema.names
    if same and all(_fits(each, parsed.named, found) for each, found in zip(columns, schema, strict=True)):
        return text, parsed
    return None


@lru_cache(maxsize=128)
def parse_text(text: str | bytes) -> ParsedSchema | None:
    """Return the type that a schema's text describes, made once for each text of late; None if it is no schema."""
    try:
        return read_schema(parse_json(as_text(text)), strict=False)[0]
    except SchemaError:
        return None


def declared_field(field: pa.Field) -> dict[str, Any] | None:
    """Return the Avro JSON that a field carries, under the field's present name.

    Returns
    -------
    dict or None
        None if it carries none, or if its type is another by now.
    """
    declared = _declared(field)
    return None if declared is None else dict(declared[0])


def declared_type(field: pa.Field) -> AvroType | None:
    """Return the type in the Avro JSON that a field carries; None if it carries none, or has another type by now."""
    avro = declared_field(field)
    parsed = None if avro is None else _parse_field(json.dumps(avro), strict=False)
    return None if parsed is None else parsed.record.fields[0].type


def _declared(field: pa.Field) -> tuple[dict[str, Any], dict[str, Defined]] | None:
    """Return the Avro JSON that a field carries, and the types it defines."""
    carried = (field.metadata or {}).get(FIELD_KEY)
    return None if carried is None else _declared_in(carried, field.name, field.type, field.nullable)


@lru_cache(maxsize=4096)
def _declared_in(
    carried: bytes, name: str, arrow: pa.DataType, nullable: bool
) -> tuple[dict[str, Any], dict[str, Defined]] | None:
    parsed = _parse_field(carried, strict=False)
    if parsed is None or not _fits(parsed.record.fields[0], parsed.named, pa.field(name, arrow, nullable)):
        return None
    avro = titled(json.loads(carried), avro_name(name), name)
    return avro, {each: defined for each, defined in parsed.named.items() if each != _WRAPPER}


@dataclass(slots=True)
class Made:
    """What the columns of a schema have brought so far, beside their JSON.

    Parameters
    ----------
    taken
        Full names of the types that the schema has.
    defined
        Those of them whose definition is known, with all the types it leads to; a column may use them again.
    notes
        What to warn of.
    """

    taken: set[str] = field(default_factory=set)
    defined: dict[str, Mapping[str, Defined]] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)


def to_avro_field(
    field: pa.Field, taken: set[str] | None = None, *, made: Made | None = None, uint64: Uint64 = "decimal"
) -> dict[str, Any]:
    """Return the Avro JSON of an Arrow field.

    The field's ``avro.field`` metadata is used where it still fits the field's type; a name that Avro does not take is
    changed and kept as the title.

    Parameters
    ----------
    field
        Any Arrow field.
    taken
        Full names of types that the schema has already, which this field must not define again; those it does are
        added.
    made
        The same and more, in place of `taken`.
    uint64
        What uint64 becomes: ``"decimal"``, or ``"long"``, which holds the numbers below 2**63.

    Raises
    ------
    DataError
        For a type that Avro has no counterpart for; names the column and the place in it.
    """
    made = Made(set() if taken is None else taken) if made is None else made
    declared = _declared(field)
    if declared is not None:
        avro, defined = declared
        known = defined.keys() & made.taken
        if all(name in made.defined and same_definition(name, made.defined[name], defined) for name in known):
            made.taken.update(defined)
            made.defined.update(dict.fromkeys(defined, defined))
            inside = dict(definitions(avro["type"])) if known else {}
            return {**avro, "type": standalone(avro["type"], "", inside, set(known)) if known else avro["type"]}
    reverse = Reverse(made.taken, uint64)
    try:
        avro = reverse.field(field, avro_name(field.name))
    except RecursionError:
        raise DataError("the column's type is nested too deeply for a schema", field=field.name) from None
    made.notes.extend(reverse.notes)
    return _remembering(avro, field, exact=reverse.exact or bool(reverse.notes))


def _remembering(avro: dict[str, Any], field: pa.Field, *, exact: bool) -> dict[str, Any]:
    """Return a field's Avro JSON with the attributes that its Arrow type needs to come back."""
    if avro.get("default") is not None and _parse_field(json.dumps(avro)) is None:
        del avro["default"]  # of others' metadata, and not one of the type
    if not field.nullable and isinstance(field.type, pa.UnionType) and "null" in avro["type"]:
        avro["arrow.nullable"] = False
    if exact:
        return avro
    if isinstance(field.type, pa.TimestampType) and field.type.unit != "s" and ZONE.fullmatch(field.type.tz):
        return {**avro, "arrow.timezone": field.type.tz}
    try:
        return {**avro, "arrow.type": arrow_to_json(field.type)}
    except ValueError:
        return avro


def to_avro_record(
    source: pa.Schema | pa.Table | pa.RecordBatch, name: str | None, namespace: str | None, uint64: Uint64
) -> tuple[dict[str, Any], list[Problem]]:
    """Return the Avro JSON of an Arrow schema, and what to warn of.

    Parameters
    ----------
    source
        The schema, or data: a dictionary column of text whose values Avro takes as symbols is then an enum.
    name, namespace
        Of the record; None for those that arrow-avro says in the metadata, or ``record`` and none.
    uint64
        As for :func:`to_avro_field`.

    Raises
    ------
    DataError
        For a type that Avro has no counterpart for, and for columns that become the same name.
    SchemaError
        For a namespace that is none.
    """
    schema = source if isinstance(source, pa.Schema) else _with_symbols(source)
    said = {key.decode(): text.decode() for key, text in (schema.metadata or {}).items() if key in _RECORD_KEYS}
    name = avro_name(name or said.get("avro.name", "record"))
    if namespace:
        read_schema({"type": "record", "name": name, "namespace": namespace, "fields": []})  # raises if it is none
    namespace = said.get("avro.namespace") if namespace is None else namespace
    made = Made({f"{namespace}.{name}" if namespace else name, name})
    fields: dict[str, dict[str, Any]] = {}
    for column in schema:
        avro = to_avro_field(column, made=made, uint64=uint64)
        if avro["name"] in fields:
            message = f"several columns become the Avro name {avro['name']!r}; rename them first"
            raise DataError(message, field=column.name)
        fields[avro["name"]] = avro
    head = {"type": "record", "name": name, **({"namespace": namespace} if namespace else {})}
    doc = {"doc": said["avro.doc"]} if "avro.doc" in said else {}
    return {**head, **doc, "fields": list(fields.values())}, made.notes


_RECORD_KEYS = (b"avro.name", b"avro.namespace", b"avro.doc")


def _with_symbols(source: pa.Table | pa.RecordBatch) -> pa.Schema:
    """Return the schema of data, the values of its dictionaries of text said as symbols where Avro takes them."""
    table = source if isinstance(source, pa.Table) else pa.Table.from_batches([source])
    schema = table.schema
    for index, column in enumerate(table.columns):
        if not isinstance(column.type, pa.DictionaryType) or column.type.value_type not in TEXTS:
            continue
        chunks = column.unify_dictionaries().chunks
        symbols = chunks[0].dictionary.to_pylist() if chunks else []
        if is_enum(symbols):
            field = schema.field(index)
            metadata = {**(field.metadata or {}), b"avro.enum.symbols": json.dumps(symbols)}
            schema = schema.set(index, field.with_metadata(metadata))
    return schema
