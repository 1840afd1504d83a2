"""Avro JSON → the model: names, namespaces, logical types, and every problem with its JSON pointer.

The rules are those of the Avro 1.12 specification, section "Schema Declaration", and one of the Intempt API:
``{"type": "string", "logicalType": "date"}`` is an ISO date. A logical type that is unknown, or on a base it does not
fit, is ignored as the specification asks, with a warning.
"""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from intempt_nb.display import shorten
from intempt_nb.errors import Problem, SchemaError, suggest
from intempt_nb.schema.extent import Extent, extent_of_parts
from intempt_nb.schema.logical import LOGICAL_TYPES, logical_type
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    BigDecimal,
    Boolean,
    Bytes,
    Date,
    Decimal,
    Double,
    Duration,
    Enum,
    Field,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Named,
    Null,
    Record,
    Reference,
    String,
    Time,
    Timestamp,
    Union,
    Uuid,
)
from intempt_nb.schema.source import MAX_DEPTH, refuse_depth, too_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["NAME", "ParsedSchema", "SchemaWarning", "parse_json", "parse_record", "read_record"]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
MAX_FIXED = 2**31 - 1  # as in Arrow and Java
MAX_TYPES = 50_000  # in a record with every name written out: a few lines can otherwise stand for millions

PRIMITIVES: Mapping[str, AvroType] = {
    "null": Null(),
    "boolean": Boolean(),
    "int": Int(),
    "long": Long(),
    "float": Float(),
    "double": Double(),
    "bytes": Bytes(),
    "string": String(),
}
VALUE = "value"
"""The column of a schema that is no record."""
COMPLEX = ("record", "error", "enum", "array", "map", "fixed")
FIELD_KEYS = frozenset({"name", "type", "default", "doc", "title", "display", "order", "aliases"})


class SchemaWarning(UserWarning):
    """A schema that can be used, though not quite as it says: an unknown logical type, for one."""


@dataclass(frozen=True, slots=True)
class ParsedSchema:
    """A type and the named types that `Reference` points at."""

    root: AvroType
    named: Mapping[str, Named]

    @property
    def record(self) -> Record:
        """The root itself; a root that is no record is the one column of a record, `VALUE`."""
        return self.root if isinstance(self.root, Record) else Record(VALUE, (Field(VALUE, self.root),))


@dataclass(slots=True)
class _Context:
    """What has been met so far: problems, warnings, and the names defined (None while their definition is open)."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    named: dict[str, Named | None] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)

    def problem(self, path: str, message: str) -> Null:
        """Note a problem; the returned null stands in for the type, so that the rest is still read."""
        self.problems.append(Problem(path, message))
        return Null()


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
        For a logical type that is unknown or does not fit its base; the base type is used.
    """
    parsed, warned = read_record(value)
    for warning in warned:
        warnings.warn(str(warning), SchemaWarning, stacklevel=3)
    return parsed


def read_record(value: Any) -> tuple[ParsedSchema, tuple[Problem, ...]]:
    """Return what :func:`parse_record` does, and what it would warn of."""
    refuse_depth(value)
    context = _Context()
    parsed = _parse_type(value, "", "", context)
    if not context.problems and not isinstance(parsed, Record):
        context.problem("", "a collection's schema is a record: {'type': 'record', 'name': …, 'fields': […]}")
    if context.problems:
        raise SchemaError(context.problems)
    assert isinstance(parsed, Record)  # noqa: S101  (shown to mypy; the problem above covers the rest)
    named = {name: each for name, each in context.named.items() if each is not None}
    return ParsedSchema(parsed, named), tuple(context.warnings)


def _parse_type(value: Any, path: str, namespace: str, context: _Context) -> AvroType:
    match value:
        case str():
            return _parse_name(value, path, namespace, context)
        case list():
            return _parse_union(value, path, namespace, context)
        case {"type": str() as kind}:
            return _parse_object(value, kind, path, namespace, context)
        case {"type": dict() | list() as inner}:
            return _parse_type(inner, f"{path}/type", namespace, context)
        case dict():
            found = "no 'type'" if "type" not in value else f"'type' is {shorten(value['type'])!r}"
            return context.problem(path, f"{found}; expected a type name, an object with 'type', or a union")
        case _:
            return context.problem(path, f"found {_json(value)}; expected a type name, an object or a union")


def _parse_name(name: str, path: str, namespace: str, context: _Context) -> AvroType:
    if name in PRIMITIVES:
        return PRIMITIVES[name]
    candidates = [f"{namespace}.{name}", name] if namespace and "." not in name else [name]
    for candidate in candidates:
        if candidate in context.named:
            return Reference(candidate)
    if name in COMPLEX:
        return context.problem(path, f"{name!r} needs an object: {{'type': {name!r}, …}}")
    return context.problem(path, f"unknown type {shorten(name)!r}{suggest(name, [*PRIMITIVES, *context.named])}")


def _parse_union(branches: list[Any], path: str, namespace: str, context: _Context) -> AvroType:
    if not branches:
        return context.problem(path, "an empty union; expected at least one type")
    parsed = []
    seen: dict[str, int] = {}
    for index, branch in enumerate(branches):
        where = f"{path}/{index}"
        if isinstance(branch, list):
            context.problem(where, "a union directly inside a union; write its branches into the outer one")
            continue
        problems_before = len(context.problems)
        each = _parse_type(branch, where, namespace, context)
        if len(context.problems) > problems_before:
            continue  # what stands in for the type would be a second null
        key = _branch_key(each)
        if key in seen:
            context.problem(where, f"a second {key!r} in a union (the first is branch {seen[key]})")
        seen.setdefault(key, index)
        parsed.append(each)
    return Union(tuple(parsed))


def _branch_key(avro_type: AvroType) -> str:
    """Return what must not repeat in a union: the full name, or the base type without its logical type."""
    match avro_type:
        case Fixed(name=name) | Enum(name=name) | Record(name=name) | Reference(name):
            return name
        case Decimal(fixed=Fixed(name=name)) | Uuid(fixed=Fixed(name=name)) | Duration(Fixed(name=name)):
            return name
        case Date(base):
            return base
        case Time(unit):
            return "int" if unit == "ms" else "long"
        case Timestamp():
            return "long"
        case Decimal() | BigDecimal():
            return "bytes"
        case Uuid():
            return "string"
        case _:
            return type(avro_type).__name__.lower()


def _parse_object(value: dict[str, Any], kind: str, path: str, namespace: str, context: _Context) -> AvroType:
    match kind:
        case "record" | "error":
            return _parse_named(value, path, namespace, context, _parse_fields)
        case "enum":
            return _parse_named(value, path, namespace, context, _parse_symbols)
        case "fixed":
            base = _parse_named(value, path, namespace, context, _parse_size)
        case "array" | "map":
            key = "items" if kind == "array" else "values"
            if key not in value:
                return context.problem(path, f"{kind} without {key!r}")
            inner = _parse_type(value[key], f"{path}/{key}", namespace, context)
            return Array(inner) if kind == "array" else Map(inner)
        case _:
            base = _parse_name(kind, f"{path}/type", namespace, context)
    return _parse_logical(value, base, path, context) if "logicalType" in value else base


def _parse_named(
    value: dict[str, Any],
    path: str,
    namespace: str,
    context: _Context,
    parse_rest: Callable[[dict[str, Any], str, str, str, _Context], Named],
) -> AvroType:
    full_name = _full_name(value, path, namespace, context)
    if full_name in context.named:
        return context.problem(f"{path}/name", f"{full_name!r} is defined twice")
    context.named[full_name] = None
    parsed = parse_rest(value, full_name, path, full_name.rpartition(".")[0], context)
    context.named[full_name] = parsed
    if isinstance(parsed, Record):
        extent = extent_of_parts((each.type for each in parsed.fields), context.extents)
        if extent.depth > MAX_DEPTH or extent.types > MAX_TYPES:
            found = f"{extent.types:,} types, {extent.depth} levels deep, with every name written out"
            context.problem(path, f"{found}; at most {MAX_TYPES:,} and {MAX_DEPTH} can be used")
            extent = Extent()  # told once, not by every record around it
        context.extents[full_name] = extent
    return parsed


def _full_name(value: dict[str, Any], path: str, namespace: str, context: _Context) -> str:
    name = value.get("name")
    if not isinstance(name, str):
        found = "no 'name'" if "name" not in value else f"'name' is {_json(name)}"
        context.problem(path, f"{found}; expected text for a {value['type']}")
        return f"unnamed{path}"
    if "." not in name:
        own = value.get("namespace", namespace)
        if not isinstance(own, str):
            context.problem(f"{path}/namespace", f"found {_json(own)}; expected text")
            own = ""
        name = f"{own}.{name}" if own else name
    for part in name.split("."):
        if not NAME.fullmatch(part):
            context.problem(f"{path}/name", f"{shorten(name)!r} is not a name: {_NAME_RULE}")
            break
    if name in PRIMITIVES:
        context.problem(f"{path}/name", f"{name!r} is the name of a primitive type")
    return name


_NAME_RULE = "letters, digits and '_' only, not starting with a digit"


def _parse_fields(value: dict[str, Any], full_name: str, path: str, namespace: str, context: _Context) -> Record:
    raw = value.get("fields")
    if not isinstance(raw, list):
        found = "no 'fields'" if "fields" not in value else f"'fields' is {_json(raw)}"
        context.problem(path, f"{found}; expected a list for a record")
        raw = []
    fields: list[Field] = []
    seen: dict[str, int] = {}
    for index, each in enumerate(raw):
        where = f"{path}/fields/{index}"
        parsed = _parse_field(each, where, namespace, context)
        if parsed is None:
            continue
        if parsed.name in seen:
            context.problem(f"{where}/name", f"a second field {parsed.name!r} (the first is field {seen[parsed.name]})")
        seen.setdefault(parsed.name, index)
        fields.append(parsed)
    return Record(full_name, tuple(fields), _text(value, "doc", path, context), _aliases(value, path, context))


def _parse_field(value: Any, path: str, namespace: str, context: _Context) -> Field | None:
    if not isinstance(value, dict):
        context.problem(path, f"found {_json(value)}; expected an object with 'name' and 'type'")
        return None
    name = value.get("name")
    if not isinstance(name, str):
        context.problem(path, "no 'name'" if "name" not in value else f"'name' is {_json(name)}; expected text")
        name = ""
    elif not NAME.fullmatch(name):
        context.problem(f"{path}/name", f"{shorten(name)!r} is not a name: {_NAME_RULE}")
    if "type" not in value:
        context.problem(path, f"field {shorten(name)!r} has no 'type'")
        return None
    display = value.get("display")
    return Field(
        name=name,
        type=_parse_type(value["type"], f"{path}/type", namespace, context),
        default=value.get("default", MISSING),
        doc=_text(value, "doc", path, context),
        title=_text(value, "title", path, context),
        display=display if isinstance(display, bool) else None,
        order=_order(value, path, context),
        aliases=_aliases(value, path, context),
        attributes={key: each for key, each in value.items() if key not in FIELD_KEYS},
    )


def _parse_symbols(value: dict[str, Any], full_name: str, path: str, _: str, context: _Context) -> Enum:
    symbols = value.get("symbols")
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        context.problem(path, f"'symbols' is {_json(symbols)}; expected a list of names for an enum")
        return Enum(full_name, ())
    seen: set[str] = set()
    for index, symbol in enumerate(symbols):
        if not NAME.fullmatch(symbol):
            context.problem(f"{path}/symbols/{index}", f"{shorten(symbol)!r} is not a symbol: {_NAME_RULE}")
        if symbol in seen:
            context.problem(f"{path}/symbols/{index}", f"{symbol!r} repeats")
        seen.add(symbol)
    default = value.get("default")
    if default is not None and default not in symbols:
        context.problem(f"{path}/default", f"{_json(default)} is not among the symbols")
        default = None
    return Enum(full_name, tuple(symbols), default)


def _parse_size(value: dict[str, Any], full_name: str, path: str, _: str, context: _Context) -> Fixed:
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_FIXED:
        context.problem(path, f"'size' is {_json(size)}; expected a number of bytes up to {MAX_FIXED} for a fixed")
        size = 0
    return Fixed(full_name, size)


def _parse_logical(value: dict[str, Any], base: AvroType, path: str, context: _Context) -> AvroType:
    found = logical_type(value, base)
    if found is not None:
        return found
    name = value["logicalType"]
    reason = (
        f"logical type {name!r} does not fit here"
        if name in LOGICAL_TYPES
        else f"unknown logical type {_json(name)}{suggest(str(name), LOGICAL_TYPES)}"
    )
    context.warnings.append(Problem(f"{path}/logicalType", f"{reason}; using the base type"))
    return base


def _text(value: dict[str, Any], key: str, path: str, context: _Context) -> str | None:
    text = value.get(key)
    if text is None or isinstance(text, str):
        return text
    context.warnings.append(Problem(f"{path}/{key}", f"found {_json(text)}; expected text"))
    return None


_ORDERS: tuple[Literal["ascending", "descending", "ignore"], ...] = ("ascending", "descending", "ignore")


def _order(value: dict[str, Any], path: str, context: _Context) -> Literal["ascending", "descending", "ignore"]:
    order = value.get("order", "ascending")
    for known in _ORDERS:
        if order == known:
            return known
    context.problem(f"{path}/order", f"found {_json(order)}; expected ascending, descending or ignore")
    return "ascending"


def _aliases(value: dict[str, Any], path: str, context: _Context) -> tuple[str, ...]:
    aliases = value.get("aliases", [])
    if isinstance(aliases, list) and all(isinstance(alias, str) for alias in aliases):
        return tuple(aliases)
    context.problem(f"{path}/aliases", f"found {_json(aliases)}; expected a list of names")
    return ()


def _json(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False, default=str))
