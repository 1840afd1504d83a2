"""Avro JSON → the model: names, namespaces, logical types, and every problem with its JSON pointer.

The rules are those of the Avro 1.12 specification, section "Schema Declaration", and one of the Intempt API:
``{"type": "string", "logicalType": "date"}`` is an ISO date. What can be understood though it is not quite right is
read with a warning: a logical type that is unknown or on a base it does not fit (ignored, as the specification asks),
and an object like a field's where only a type belongs, as the vendor's converter from JSON Schema writes array items.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import Problem, SchemaError
from intempt_nb.schema.model import Field, Record, describe
from intempt_nb.schema.parsing.defaults import default_problems, uses_names
from intempt_nb.schema.parsing.naming import PRIMITIVE_NAMES, Context
from intempt_nb.schema.parsing.recursion import NamedTypes
from intempt_nb.schema.parsing.source import as_text, refuse_depth, too_deep
from intempt_nb.schema.parsing.types import parse_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.schema.model import AvroType, Defined

__all__ = [
    "VALUE",
    "ParsedSchema",
    "SchemaWarning",
    "examine_schema",
    "not_a_record",
    "parse_json",
    "parse_record",
    "read_record",
    "read_schema",
    "read_source",
    "repeated_keys",
]

VALUE = "value"
"""The column of a schema that is no record."""


class SchemaWarning(UserWarning):
    """A schema that can be used, though not quite as it says: an unknown logical type, for one."""


@dataclass(frozen=True)
class ParsedSchema:
    """A type and the named types that `Reference` points at."""

    root: AvroType
    named: Mapping[str, Defined]

    @property
    def record(self) -> Record:
        """The root itself; a root that is no record is the one column of a record, `VALUE`."""
        return self.root if isinstance(self.root, Record) else Record(VALUE, (Field(VALUE, self.root),))

    @cached_property
    def columns(self) -> Mapping[str, Field]:
        """The fields of the record by name."""
        return {field.name: field for field in self.record.fields}


def parse_json(text: str | bytes) -> Any:
    """Return the decoded JSON of a schema text.

    Raises
    ------
    SchemaError
        If the text is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise SchemaError([Problem("", f"not JSON: {error.msg} at {place}")]) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError as error:
        raise SchemaError([Problem("", f"not JSON: {shorten(error)}")]) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def repeated_keys(text: str | bytes) -> list[Problem]:
    """Return a problem for each key that stands twice in one object of a JSON text; the last one counts."""
    repeats: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeats.extend(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        return made

    json.loads(text, object_pairs_hook=note)
    return [Problem("", f"the key {shorten(key)!r} stands twice in one object; the last one counts") for key in repeats]


def read_source(source: Any, *, strict: bool = True) -> tuple[str, ParsedSchema, tuple[Problem, ...]]:
    """Return a schema's text, what :func:`read_schema` makes of it, and what to warn of.

    Parameters
    ----------
    source
        JSON text or decoded JSON; the name of a primitive type, with quotes or without.
    strict
        As for :func:`read_schema`.

    Raises
    ------
    SchemaError
        If it has no JSON form, or is no schema.
    """
    text = as_text(source)
    if isinstance(source, str) and text in PRIMITIVE_NAMES:
        text = json.dumps(text)
    parsed, warned = read_schema(parse_json(text), strict=strict)
    return text, parsed, (*repeated_keys(text), *warned)


def parse_record(value: Any) -> ParsedSchema:
    """Parse an Avro record schema from decoded JSON.

    Parameters
    ----------
    value
        The schema as :func:`json.loads` gives it.

    Returns
    -------
    ParsedSchema
        The record and all named types.

    Raises
    ------
    SchemaError
        With every problem found, each at its JSON pointer.

    Warns
    -----
    SchemaWarning
        For what :func:`read_schema` only warns of.
    """
    parsed, warned = read_record(value)
    for warning in warned:
        warnings.warn(str(warning), SchemaWarning, stacklevel=3)
    return parsed


def read_record(value: Any) -> tuple[ParsedSchema, tuple[Problem, ...]]:
    """Return what :func:`read_schema` does; a schema that is no record is a `SchemaError`."""
    parsed, warned = read_schema(value)
    if not isinstance(parsed.root, Record):
        raise not_a_record(parsed)
    return parsed, warned


def not_a_record(parsed: ParsedSchema) -> SchemaError:
    """Return the error of a schema that no collection can have."""
    expected = "a collection's schema is a record: {'type': 'record', 'name': …, 'fields': […]}"
    return SchemaError([Problem("", f"found {describe(parsed.root)}; {expected}")])


def read_schema(value: Any, *, strict: bool = True) -> tuple[ParsedSchema, tuple[Problem, ...]]:
    """Parse any Avro schema from decoded JSON.

    Parameters
    ----------
    value
        The schema as :func:`json.loads` gives it.
    strict
        False to only warn of names, defaults, docs and repeated aliases that Avro does not allow. Data written with
        such a schema can be read all the same, and other tools have let many through.

    Returns
    -------
    ParsedSchema
        The type and all named types.
    tuple of Problem
        What to warn of: logical types that are unknown or do not fit (the base type is used) or stand beside a field's
        type instead of in it, objects like a field's where a type belongs, an empty union, default dates that are none.

    Raises
    ------
    SchemaError
        With every problem found, each at its JSON pointer.
    """
    parsed, problems, warned = examine_schema(value, strict=strict)
    if parsed is None:
        raise SchemaError(problems)
    return parsed, warned


def examine_schema(
    value: Any, *, strict: bool = True
) -> tuple[ParsedSchema | None, tuple[Problem, ...], tuple[Problem, ...]]:
    """Return what :func:`read_schema` does, without raising for what is wrong: None and the problems, and the warnings.

    Raises
    ------
    SchemaError
        If the schema is nested so deeply that it cannot be looked at.
    """
    refuse_depth(value)
    context = Context(strict=strict)
    root = parse_type(value, "", "", context)
    named = NamedTypes((name, each) for name, each in context.named.items() if each is not None)
    names_are_known = not context.problems
    for stated in reversed(context.defaults):  # so that what is found does not move the places of those before
        if names_are_known or not uses_names(stated.type):
            found = default_problems(stated.default, stated.type, named, stated.path)
            if strict:
                context.problems[stated.at : stated.at] = found
            else:
                context.warnings.extend(found)
    parsed = None if context.problems else ParsedSchema(root, named)
    return parsed, tuple(context.told_in_full()), tuple(context.warnings)
