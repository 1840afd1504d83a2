"""Avro JSON → the model, a type at a time; see :mod:`intempt_nb.schema.parsing.avro` for the rules and the way in."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from intempt_nb.display import shorten
from intempt_nb.errors import suggest
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
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
    Union,
    Uuid,
    without_null,
)
from intempt_nb.schema.parsing.branches import branch_name
from intempt_nb.schema.parsing.extent import Extent, extent_of_parts
from intempt_nb.schema.parsing.logical import LOGICAL_TYPES, logical_type
from intempt_nb.schema.parsing.naming import NAME, NAME_RULE, Context, Stated, aliases, full_name, order, shown, text
from intempt_nb.schema.parsing.source import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["parse_type"]

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
COMPLEX = ("record", "error", "enum", "array", "map", "fixed")
FIELD_KEYS = frozenset({"name", "type", "default", "doc", "title", "display", "order", "aliases"})


def parse_type(value: Any, path: str, namespace: str, context: Context) -> AvroType:
    """Return the type that decoded JSON describes; problems, warnings, names and defaults go to the context.

    Parameters
    ----------
    value
        The JSON.
    path
        Its JSON pointer; empty for the whole schema.
    namespace
        The one around it.
    context
        What has been met so far.
    """
    match value:
        case str():
            return _parse_name(value, path, namespace, context)
        case list():
            return _parse_union(value, path, namespace, context)
        case {"type": str() as kind}:
            return _parse_object(value, kind, path, namespace, context)
        case {"type": dict() | list() as inner} if path:
            context.warn(path, "an object like a field's where a type belongs; only its 'type' is used")
            return parse_type(inner, f"{path}/type", namespace, context)
        case dict():
            found = "no 'type'" if "type" not in value else f"'type' is {shorten(value['type'])!r}"
            return context.problem(path, f"{found}; expected a type name, an object with 'type', or a union")
        case _:
            return context.problem(path, f"found {shown(value)}; expected a type name, an object or a union")


def _parse_name(name: str, path: str, namespace: str, context: Context) -> AvroType:
    if name in PRIMITIVES:
        return PRIMITIVES[name]
    candidates = [f"{namespace}.{name}", name] if namespace and "." not in name else [name]
    for candidate in candidates:
        if candidate in context.named:
            return Reference(candidate)
    if name in COMPLEX:
        return context.problem(path, f"{name!r} needs an object: {{'type': {name!r}, …}}")
    context.unknown.append((path, candidates))
    return context.problem(path, f"unknown type {shorten(name)!r}{suggest(name, [*PRIMITIVES, *context.named])}")


def _parse_union(branches: list[Any], path: str, namespace: str, context: Context) -> AvroType:
    if not branches:
        context.warn(path, "an empty union, which no value fits")
    parsed = []
    seen: dict[str, int] = {}
    for index, branch in enumerate(branches):
        where = f"{path}/{index}"
        if isinstance(branch, list):
            context.problem(where, "a union directly inside a union; write its branches into the outer one")
            continue
        problems_before = len(context.problems)
        each = parse_type(branch, where, namespace, context)
        if len(context.problems) > problems_before:
            continue  # what stands in for the type would be a second null
        key = branch_name(each)
        if key in seen:
            context.problem(where, f"a second {key!r} in a union (the first is branch {seen[key]})")
        seen.setdefault(key, index)
        parsed.append(each)
    return Union(tuple(parsed))


def _parse_object(value: dict[str, Any], kind: str, path: str, namespace: str, context: Context) -> AvroType:
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
            inner = parse_type(value[key], f"{path}/{key}", namespace, context)
            return Array(inner) if kind == "array" else Map(inner)
        case _ if kind in PRIMITIVES:
            base = PRIMITIVES[kind]
        case _:
            return _parse_wrapped_name(kind, path, namespace, context)
    return _parse_logical(value, base, path, context) if "logicalType" in value else base


def _parse_wrapped_name(name: str, path: str, namespace: str, context: Context) -> AvroType:
    parsed = _parse_name(name, f"{path}/type", namespace, context)
    if isinstance(parsed, Reference):
        return context.problem(path, f"a name in an object of its own; write {shown(name)} instead of the object")
    return parsed


def _parse_named(
    value: dict[str, Any],
    path: str,
    namespace: str,
    context: Context,
    parse_rest: Callable[[dict[str, Any], str, str, str, Context], Named],
) -> AvroType:
    name = full_name(value, path, namespace, context)
    if name in context.named:
        return context.problem(f"{path}/name", f"{name!r} is defined twice")
    context.named[name] = None
    parsed = parse_rest(value, name, path, name.rpartition(".")[0], context)
    context.named[name] = parsed
    if isinstance(parsed, Record):
        extent = extent_of_parts((each.type for each in parsed.fields), context.extents)
        if extent.depth > MAX_DEPTH or extent.types > MAX_TYPES:
            found = f"{extent.types:,} types, {extent.depth} levels deep, with every name written out"
            context.problem(path, f"{found}; at most {MAX_TYPES:,} and {MAX_DEPTH} can be used")
            extent = Extent()  # told once, not by every record around it
        context.extents[name] = extent
    return parsed


def _parse_fields(value: dict[str, Any], name: str, path: str, namespace: str, context: Context) -> Record:
    raw = value.get("fields")
    if not isinstance(raw, list):
        found = "no 'fields'" if "fields" not in value else f"'fields' is {shown(raw)}"
        context.problem(path, f"{found}; expected a list for a record")
        raw = []
    fields: list[Field] = []
    seen: dict[str, int] = {}
    known_as: dict[str, int] = {}
    for index, each in enumerate(raw):
        where = f"{path}/fields/{index}"
        parsed = _parse_field(each, where, namespace, context)
        if parsed is None:
            continue
        if parsed.name in seen:
            context.problem(f"{where}/name", f"a second field {parsed.name!r} (the first is field {seen[parsed.name]})")
        seen.setdefault(parsed.name, index)
        for alias in parsed.aliases:
            if known_as.setdefault(alias, index) != index:
                context.flaw(f"{where}/aliases", f"{shorten(alias)!r} is an alias of field {known_as[alias]} too")
        fields.append(parsed)
    doc = text(value, "doc", path, context)
    return Record(name, tuple(fields), doc, aliases(value, path, context, namespace))


def _parse_field(value: Any, path: str, namespace: str, context: Context) -> Field | None:
    if not isinstance(value, dict):
        context.problem(path, f"found {shown(value)}; expected an object with 'name' and 'type'")
        return None
    name = value.get("name")
    if not isinstance(name, str):
        context.problem(path, "no 'name'" if "name" not in value else f"'name' is {shown(name)}; expected text")
        name = ""
    elif not NAME.fullmatch(name):
        context.flaw(f"{path}/name", f"{shorten(name)!r} is not a name: {NAME_RULE}")
    if "type" not in value:
        context.problem(path, f"field {shorten(name)!r} has no 'type'")
        return None
    problems_before = len(context.problems)
    parsed = parse_type(value["type"], f"{path}/type", namespace, context)
    if "default" in value and len(context.problems) == problems_before:
        context.defaults.append(Stated(f"{path}/default", value["default"], parsed, problems_before))
        if (
            without_null(parsed) == Date("string")
            and isinstance(value["default"], str)
            and not _is_day(value["default"])
        ):
            context.warn(f"{path}/default", f"{shown(value['default'])} is not a date as YYYY-MM-DD")
    if "logicalType" in value:
        inside = shown({"type": value["type"], "logicalType": value["logicalType"]})
        context.warn(f"{path}/logicalType", f"has no effect beside the type; in it, it has: 'type': {inside}")
    display = value.get("display")
    return Field(
        name=name,
        type=parsed,
        default=value.get("default", MISSING),
        doc=text(value, "doc", path, context),
        title=text(value, "title", path, context),
        display=display if isinstance(display, bool) else None,
        order=order(value, path, context),
        aliases=aliases(value, path, context),
        attributes={key: each for key, each in value.items() if key not in FIELD_KEYS},
    )


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _parse_symbols(value: dict[str, Any], name: str, path: str, namespace: str, context: Context) -> Enum:
    symbols = value.get("symbols")
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        context.problem(path, f"'symbols' is {shown(symbols)}; expected a list of names for an enum")
        return Enum(name, ())
    seen: set[str] = set()
    for index, symbol in enumerate(symbols):
        if not NAME.fullmatch(symbol):
            context.flaw(f"{path}/symbols/{index}", f"{shorten(symbol)!r} is not a symbol: {NAME_RULE}")
        if symbol in seen:
            context.problem(f"{path}/symbols/{index}", f"symbol {symbol!r} is there twice")
        seen.add(symbol)
    default = value.get("default")
    if "default" in value and default not in symbols:
        context.flaw(f"{path}/default", f"{shown(default)} is not among the symbols")
        default = None
    text(value, "doc", path, context)
    return Enum(name, tuple(symbols), default, aliases(value, path, context, namespace))


def _parse_size(value: dict[str, Any], name: str, path: str, namespace: str, context: Context) -> Fixed:
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_FIXED:
        context.problem(path, f"'size' is {shown(size)}; expected a number of bytes up to {MAX_FIXED} for a fixed")
        size = 0
    return Fixed(name, size, aliases(value, path, context, namespace))


def _parse_logical(value: dict[str, Any], base: AvroType, path: str, context: Context) -> AvroType:
    found = logical_type(value, base)
    if isinstance(found, Decimal | Duration | Uuid) and found.fixed is not None:
        context.named[found.fixed.name] = found  # a reference is to the type with its logical type
    if found is not None:
        return found
    context.warn(f"{path}/logicalType", _no_logical(value["logicalType"], value, base))
    return base


def _no_logical(name: Any, value: Mapping[str, Any], base: AvroType) -> str:
    """Return why a logical type has no effect."""
    if name not in LOGICAL_TYPES:
        return f"unknown logical type {shown(name)}{suggest(str(name), LOGICAL_TYPES)}; using the base type"
    if name != "decimal" or not isinstance(base, Bytes | Fixed):
        return f"logical type {name!r} does not fit here; using the base type"
    if isinstance(base, Fixed) and logical_type(value, Bytes()) is not None:
        return f"{base.size} bytes do not hold a decimal of {value['precision']} digits; it stays fixed"
    need = "decimal needs a precision (digits in all, 1 to 76) and a scale not above it"
    return f"{need}; without them it stays {'fixed' if isinstance(base, Fixed) else 'bytes'}"
