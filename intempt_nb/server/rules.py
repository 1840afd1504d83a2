"""What the API demands of sources, collections, identifiers and relations; a broken rule is a 400 that says which."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from intempt_nb.errors import SchemaError, suggest
from intempt_nb.schema import model
from intempt_nb.schema.model import describe, without_null
from intempt_nb.schema.parsing.avro import ParsedSchema, parse_json, read_record
from intempt_nb.server.answers import invalid, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.server.tables import Collection, Identifier, Transaction

__all__ = [
    "CATEGORIES",
    "IDENTIFIER_TYPES",
    "RELATION_TYPES",
    "TRACKED",
    "check_collection",
    "check_identifier",
    "check_relation",
    "parsed_schema",
    "schema_text",
    "slug",
    "source_type",
]

CATEGORIES: Mapping[str, str] = {"js": "Intempt Web Tracker", "ios": "iOS App", "api": "API Source"}
"""The categories a source is picked from [seed 001], by the type they are on the wire."""

TRACKED = ("js", "ios")
"""The types of sources whose data comes from where no key can be kept: they have a tracker number [ours]."""

IDENTIFIER_TYPES = ("primary", "foreign", "user", "profile", "account")
"""The first two from [seed 000], user from [ref], the others from [java]."""

RELATION_TYPES = ("one_to_many", "many_to_one")
"""[java]"""


def source_type(value: str) -> str:
    """Return the type of a source, given as such or as the name of its category.

    Raises
    ------
    HttpError
        400 for anything else.
    """
    for kind, category in CATEGORIES.items():
        if value.casefold() in (kind, category.casefold()):
            return kind
    known = [*CATEGORIES, *CATEGORIES.values()]
    raise invalid(f"'type': {value!r} is not a category of sources{suggest(value, known)}")


def slug(title: str) -> str:
    """Return the name made from a title: lower case, all but letters and digits as single dashes [ours]."""
    return re.sub(r"\W+", "-", title.lower()).strip("-") or "source"


def schema_text(value: Any) -> str:
    """Return the JSON text of a request's schema, as it is to be stored.

    Raises
    ------
    HttpError
        400 with every problem of the schema, each at its place.
    """
    _parse(value)
    try:
        return to_json(value)
    except ValueError:
        raise invalid("'schema' has a number which is too large for a double") from None


def _parse(value: Any) -> ParsedSchema:
    try:
        parsed, _ = read_record(value)  # what it would warn of is for the client to tell, to the one who wrote it
    except SchemaError as error:
        raise invalid(f"'schema' cannot be used: {error}") from None
    return parsed


@lru_cache(maxsize=512)
def parsed_schema(text: str) -> ParsedSchema:
    """Return the parsed form of a stored schema."""
    return _parse(parse_json(text))


def check_collection(tx: Transaction, wanted: Collection) -> None:
    """Check a collection about to be stored against the others of its source.

    Raises
    ------
    HttpError
        400 if both flags are true, if its name is taken in the source, if the source has a profile collection already
        [ref], or if its schema no longer has the fields of its identifiers.
    """
    if wanted.profile and wanted.event:
        raise invalid("'profile' and 'event' are both true; a collection is one of them, or neither")
    others = [each for each in tx.collections(source_id=wanted.source_id) if each.id != wanted.id]
    for other in others:
        if other.name == wanted.name:
            raise invalid(
                f"source {wanted.source_name!r} has a collection {wanted.name!r} already; choose another name"
            )
        if other.profile and wanted.profile:
            raise invalid(
                f"source {wanted.source_name!r} has a profile collection already, {other.name!r}; "
                "there is one per source"
            )
    schema = parsed_schema(wanted.schema)
    for identifier in tx.identifiers(collection_id=wanted.id):
        _check_fields(schema, parsed_schema(identifier.schema), f"identifier {identifier.name!r}")


def check_identifier(tx: Transaction, collection: Collection, wanted: Identifier) -> None:
    """Check an identifier about to be stored against its collection and what it refers to.

    Raises
    ------
    HttpError
        400 for a second primary of a collection, fields that are not the collection's, and a reference that is missing
        [seed 000], leads nowhere, leads to another than a primary, or has other types [help].
    """
    if wanted.type not in IDENTIFIER_TYPES:
        raise invalid(f"'type': {wanted.type!r} is not a type of identifiers{suggest(wanted.type, IDENTIFIER_TYPES)}")
    if wanted.type == "primary":
        for other in tx.identifiers(collection_id=collection.id, kind="primary"):
            raise invalid(f"collection {collection.name!r} has a primary identifier already, {other.name!r}")
        if wanted.reference_id is not None:
            raise invalid("a primary identifier refers to nothing; leave out 'referenceId', or make its type 'foreign'")
    schema = parsed_schema(wanted.schema)
    if not schema.record.fields:
        raise invalid("'schema' has no fields; an identifier needs at least one of the collection's")
    _check_fields(parsed_schema(collection.schema), schema, "the identifier")
    if wanted.reference_id is not None:
        _check_reference(tx, wanted.reference_id, schema)
    elif wanted.type == "foreign":
        raise invalid("a foreign identifier needs 'referenceId', the id of the primary identifier it points at")


def check_relation(kind: str, identifier: Identifier) -> None:
    """Check a relation about to be stored.

    Raises
    ------
    HttpError
        400 for an unknown type, or an identifier that refers to nothing: a relation is a named foreign key [help].
    """
    if kind not in RELATION_TYPES:
        raise invalid(f"'type': {kind!r} is not a type of relations{suggest(kind, RELATION_TYPES)}")
    if identifier.reference_id is None:
        raise invalid(
            f"'identifierId': identifier {identifier.name!r} is {identifier.type} and refers to nothing; a relation "
            "needs a foreign one"
        )


def _check_fields(collection: ParsedSchema, identifier: ParsedSchema, what: str) -> None:
    columns = {field.name: field for field in collection.record.fields}
    for field in identifier.record.fields:
        if field.name not in columns:
            raise invalid(
                f"{what} has the field {field.name!r}, which the collection has not{suggest(field.name, columns)}"
            )
        column = columns[field.name]
        if _comparable(field.type, identifier) != _comparable(column.type, collection):
            raise invalid(
                f"field {field.name!r} is {describe(field.type)} in {what} and {describe(column.type)} in the "
                "collection; give both the same type"
            )


def _check_reference(tx: Transaction, reference_id: int, schema: ParsedSchema) -> None:
    target = tx.identifier(reference_id)
    if target is None:
        raise invalid(f"'referenceId': there is no identifier {reference_id}")
    if target.type != "primary":
        raise invalid(f"'referenceId': identifier {target.name!r} is {target.type}; only a primary can be referred to")
    referenced = parsed_schema(target.schema)
    here = [_comparable(field.type, schema) for field in schema.record.fields]
    there = [_comparable(field.type, referenced) for field in referenced.record.fields]
    if here != there:
        raise invalid(
            f"'referenceId': identifier {target.name!r} is {_row(referenced)}, this one {_row(schema)}; the types must "
            "be the same, in the same order"
        )


def _comparable(avro_type: model.AvroType, schema: ParsedSchema) -> object:
    """Return what two types share if values of one are values of the other: null, and how a type is called, aside."""
    bare = without_null(avro_type)
    if isinstance(bare, model.Reference):
        bare = schema.named[bare.name]
    match bare:
        case model.Enum(symbols=symbols):
            return symbols
        case model.Fixed(size=size):
            return size
        case model.Decimal(precision, scale, fixed):
            return precision, scale, fixed and fixed.size
        case model.Uuid(model.Fixed()):
            return model.Uuid, 16
        case model.Duration():
            return model.Duration
        case _:
            return bare


def _row(schema: ParsedSchema) -> str:
    return f"({', '.join(describe(without_null(field.type)) for field in schema.record.fields)})"
