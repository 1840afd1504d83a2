"""A type as the table shows it, a word and some parameters, and that put back into its Avro JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.schema.parsing.naming import PRIMITIVE_NAMES
from intempt_nb.schema.parsing.source import refuse_depth

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LOGICALS",
    "NAMED",
    "TYPES",
    "Shape",
    "custom_text",
    "decoded",
    "is_null",
    "null_placed",
    "shape_of",
    "with_logical",
    "with_node",
    "with_null",
    "with_type",
    "without_null",
]

NAMED = ("fixed", "enum", "record")
_SIMPLE = tuple(name for name in PRIMITIVE_NAMES if name != "null")
TYPES = (
    *("string", "int", "long", "float", "double", "boolean", "bytes"),
    *("fixed", "enum", "array", "map", "record", "custom"),
)
"""The words of a type cell."""

LOGICALS: Mapping[str, tuple[str, ...]] = {
    "string": ("date", "uuid"),
    "int": ("date", "time-millis"),
    "long": (
        *("timestamp-millis", "timestamp-micros", "timestamp-nanos", "time-micros"),
        *("local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"),
    ),
    "bytes": ("decimal", "big-decimal"),
    "fixed": ("decimal", "duration", "uuid"),
}
"""The logical types that are offered, by type."""

_SIZES = {"uuid": 16, "duration": 12}
_PRECISION, _SCALE = 18, 2
_INNER = {"array": "items", "map": "values"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as the table shows it.

    Parameters
    ----------
    kind
        One of `TYPES`; ``"custom"`` for what no other word says: several branches, a name, an object of another kind.
    nullable
        Whether null is one of its values.
    step
        What leads from the type's place to `node`: ``""``, or ``"/1"`` in a union with null.
    node
        The JSON of the type without null; of a custom type, all of it.
    """

    kind: str
    nullable: bool
    step: str
    node: Any

    @property
    def parts(self) -> Mapping[str, Any]:
        """What the type's JSON says beside its kind."""
        return self.node if isinstance(self.node, dict) and self.kind != "custom" else {}

    @property
    def logical(self) -> str | None:
        """The logical type."""
        found = self.parts.get("logicalType")
        return found if isinstance(found, str) else None

    @property
    def is_text(self) -> bool:
        """Whether a default of the type is text."""
        return self.kind in ("string", "enum", "bytes", "fixed")


def shape_of(value: Any) -> Shape:
    """Return a type's JSON as the table shows it."""
    if not isinstance(value, list):
        return Shape(_kind(value), is_null(value), "", value)
    rest = [index for index, branch in enumerate(value) if not is_null(branch)]
    nullable = len(rest) < len(value)
    if nullable and len(rest) == 1 and _kind(value[rest[0]]) != "custom":
        return Shape(_kind(value[rest[0]]), True, f"/{rest[0]}", value[rest[0]])
    return Shape("custom", nullable, "", value)


def is_null(value: Any) -> bool:
    """Return whether a type's JSON is that of null."""
    return value == "null" or (isinstance(value, dict) and value.get("type") == "null")


def _kind(node: Any) -> str:
    word = node.get("type") if isinstance(node, dict) else node
    known = (*_SIMPLE, *NAMED, *_INNER) if isinstance(node, dict) else _SIMPLE
    return word if isinstance(word, str) and word in known else "custom"


def with_node(value: Any, shape: Shape, node: Any) -> Any:
    """Return a type's JSON with another node in the place of its own."""
    if not shape.step:
        return node
    index = int(shape.step[1:])
    return [*value[:index], node, *value[index + 1 :]]


def with_null(value: Any, *, last: bool) -> Any:
    """Return a type's JSON that has null as well."""
    branches = value if isinstance(value, list) else [value]
    return [*branches, "null"] if last else ["null", *branches]


def without_null(value: Any) -> Any:
    """Return a type's JSON without null; the one branch that is left needs no union."""
    rest = [branch for branch in value if not is_null(branch)]
    return rest[0] if len(rest) == 1 else rest


def null_placed(value: Any, *, last: bool) -> Any:
    """Return a union with its null at one end: a default is of the first branch before Avro 1.12."""
    if not isinstance(value, list) or not any(map(is_null, value)) or is_null(value[-1 if last else 0]):
        return value
    nulls = [branch for branch in value if is_null(branch)]
    rest = [branch for branch in value if not is_null(branch)]
    return [*rest, *nulls] if last else [*nulls, *rest]


def with_type(value: Any, kind: str, name: str) -> Any:
    """Return a type's JSON with another kind of type, which keeps what fits: null, a logical type, what is inside.

    Parameters
    ----------
    value
        The JSON.
    kind
        One of `TYPES`. ``"custom"`` makes a union of what is there and text, for the person to go on from.
    name
        Of a named type, if it has none yet.
    """
    shape = shape_of(value)
    if kind == shape.kind:
        return value
    if kind == "custom":
        return with_branch(value, "long" if shape.kind == "string" else "string")
    if shape.kind != "custom":
        return with_node(value, shape, _node(shape, kind, name))
    branches = value if isinstance(value, list) else [value]
    kept = next((branch for branch in branches if _kind(branch) == kind), None)
    node = _node(shape, kind, name) if kept is None else kept
    nulls = [branch for branch in branches if is_null(branch)]
    return [*nulls, node] if nulls else node


def with_branch(value: Any, branch: str) -> Any:
    """Return a union of a type and one more."""
    return [*(value if isinstance(value, list) else [value]), branch]


def _node(shape: Shape, kind: str, name: str) -> Any:
    if kind in _INNER:
        return {"type": kind, _INNER[kind]: _inside(shape)}
    if kind == "record" and _is_record(_inner(shape)):
        return _inner(shape)
    made: dict[str, Any] = {"type": kind}
    if kind in NAMED:
        made |= {key: shape.parts[key] for key in ("name", "namespace", "doc", "aliases") if key in shape.parts}
        made.setdefault("name", name)
    match kind:
        case "record":
            return {**made, "fields": []}
        case "enum":
            return {**made, "symbols": []}
        case "fixed":
            made["size"] = shape.parts.get("size", _size_for(shape.parts))
    return with_logical(made, shape.logical if shape.logical in LOGICALS.get(kind, ()) else None, shape.parts)


def _inner(shape: Shape) -> Any:
    return shape.parts.get(_INNER.get(shape.kind, ""))


def _inside(shape: Shape) -> Any:
    """Return what a list or map made of a type has in it: what another one had, or a record."""
    inner = _inner(shape)
    if inner is not None:
        return inner
    return shape.node if shape.kind == "record" else "string"


def _is_record(node: Any) -> bool:
    return isinstance(node, dict) and node.get("type") == "record"


def with_logical(value: Any, logical: str | None, given: Mapping[str, Any] | None = None) -> Any:
    """Return a type's JSON with another logical type, and with the parameters that it needs.

    Parameters
    ----------
    value
        The JSON.
    logical
        The logical type; None for none.
    given
        Where the parameters of a decimal are, if not in the type itself.
    """
    shape = shape_of(value)
    node = dict(shape.node) if isinstance(shape.node, dict) else {"type": shape.node}
    given = {**node} if given is None else given
    for key in ("logicalType", "precision", "scale"):
        node.pop(key, None)
    if logical is not None:
        node["logicalType"] = logical
    if logical == "decimal":
        most = _most_digits(node.get("size"))
        node["precision"] = given.get("precision", min(_PRECISION, most))
        node["scale"] = given.get("scale", min(_SCALE, most))
    elif logical in _SIZES and shape.kind == "fixed":
        node["size"] = _SIZES[logical]
    return with_node(value, shape, node["type"] if list(node) == ["type"] else node)


def _most_digits(size: Any) -> int:
    """Return how many digits a decimal of so many bytes can have; without a size, as many as any."""
    if not isinstance(size, int) or not 0 < size <= 32:
        return 76
    return max(len(str((1 << (8 * size - 1)) - 1)) - 1, 1)


def _size_for(parts: Mapping[str, Any]) -> int:
    """Return the bytes of a fixed that is made of another type."""
    precision = parts.get("precision")
    if isinstance(precision, int) and 38 < precision <= 76:
        largest: int = 10**precision
        return (largest.bit_length() + 8) // 8
    return 16


def custom_text(value: Any) -> str:
    """Return a custom type as text: its JSON, a name without quotes."""
    if isinstance(value, str) and decoded(value) is value:
        return value
    return json.dumps(value, ensure_ascii=False)


def decoded(text: str) -> Any:
    """Return the JSON that was typed into a cell; what is none, or cannot be written again, stays as it was typed.

    So it is a name, or what the schema core says is wrong.
    """
    try:
        found = json.loads(text, parse_constant=_refuse)
        refuse_depth(found)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return text
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)
