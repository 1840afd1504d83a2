"""Random Avro schemas and values of them, for hypothesis.

::

    from random_avro import schemas, values_of, without_logical_types

    @given(st.data())
    def test_something(data):
        schema = data.draw(schemas())                      # a dict, a record at its root
        rows = data.draw(st.lists(values_of(schema)))      # dicts that fastavro writes with the schema below
        fastavro.writer(file, without_logical_types(schema), rows)
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["schemas", "values_of", "without_logical_types"]

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
NAMESPACES = ("", "com.shop", "com.shop.parts", "org")
LOGICAL: tuple[dict[str, Any], ...] = (
    {"type": "int", "logicalType": "date"},
    {"type": "string", "logicalType": "date"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "long", "logicalType": "time-micros"},
    *(
        {"type": "long", "logicalType": f"{local}timestamp-{unit}"}
        for local in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    ),
    {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
    {"type": "bytes", "logicalType": "decimal", "precision": 50},
    {"type": "bytes", "logicalType": "big-decimal"},
    {"type": "string", "logicalType": "uuid"},
)
LOGICAL_FIXED: tuple[dict[str, Any], ...] = (
    {"size": 16, "logicalType": "uuid"},
    {"size": 12, "logicalType": "duration"},
    {"size": 5, "logicalType": "decimal", "precision": 11, "scale": 3},
)
DEEPEST = 4


def schemas(*, recursive: bool = True, logical: bool = True, max_leaves: int = 12) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy of record schemas as decoded JSON, all valid by the Avro 1.12 specification.

    In them: every type; unions of any branches, null at any place or none, and of one; names in namespaces, inherited,
    given and dotted; references by short and by full name; aliases, docs, titles,
    orders, attributes of others; defaults that fit (of a union: its first branch). Each recursive type has values that
    end.

    Parameters
    ----------
    recursive
        Whether records may contain themselves, directly or by way of others.
    logical
        Whether there are logical types, the API's date on string among them.
    max_leaves
        About how many types are in it.
    """
    return _schemas(recursive, logical, max_leaves)


@st.composite
def _schemas(draw: DrawFn, recursive: bool, logical: bool, max_leaves: int) -> dict[str, Any]:
    return _Maker(draw, recursive, logical, max_leaves).record("", 0)


@dataclass
class _Maker:
    """Draws one schema: what is defined so far, and how many types may still come."""

    draw: DrawFn
    recursive: bool
    logical: bool
    left: int
    defined: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Full name → definition; of records that are still open too."""
    open: list[str] = field(default_factory=list)

    def some(self, probability: float = 0.3) -> bool:
        return self.draw(st.integers(0, 9)) < probability * 10

    def one(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def named(self, kind: str, namespace: str) -> tuple[dict[str, Any], str]:
        """Return the beginning of a definition, and its namespace."""
        name = f"{kind.title()}{len(self.defined)}"
        made: dict[str, Any] = {"type": kind, "name": name}
        way = self.one("inherit", "inherit", "given", "dotted")
        if way == "given":
            namespace = made["namespace"] = self.one(*NAMESPACES)
        elif way == "dotted":
            namespace = self.one(*NAMESPACES[1:])
            made["name"] = f"{namespace}.{name}"
        if self.some(0.2):
            made["aliases"] = [f"Old{name}"]
        if self.some(0.2):
            made["doc"] = self.draw(st.text(max_size=5))
        self.defined[f"{namespace}.{name}" if namespace else name] = made
        return made, namespace

    def record(self, namespace: str, depth: int) -> dict[str, Any]:
        made, namespace = self.named("record", namespace)
        name = list(self.defined)[-1]
        self.open.append(name)
        made["fields"] = []
        for number in range(self.draw(st.integers(0 if depth else 1, 4 if depth else 6))):
            made["fields"].append(self.field(f"f{number}", namespace, depth))
        self.open.pop()
        return made

    def field(self, name: str, namespace: str, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"name": name, "type": self.type(namespace, depth)}
        extras: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("doc", lambda: self.draw(st.text(max_size=5))),
            ("title", lambda: self.draw(st.text(max_size=5))),
            ("aliases", lambda: [f"old_{name}"]),
            ("order", lambda: self.one("ascending", "descending", "ignore")),
            ("note", lambda: self.one(1, None, {"a": [1.5]})),
        )
        for key, value in extras:
            if self.some(0.1):
                made[key] = value()
        if self.some():
            with contextlib.suppress(_NoDefault):
                made["default"] = self.default(made["type"], namespace)
        return made

    def type(self, namespace: str, depth: int, *, in_union: bool = False, ending: bool = False) -> Any:
        """Draw a type; `ending` where a value need not have one of it, so that it may lead back to an open record."""
        self.left -= 1
        if self.left <= 0 or depth >= DEEPEST:
            return self.leaf(namespace)
        kinds = ["leaf"] * 4 + ["array", "map", "record", "reference"] + ["union"] * 3 * (not in_union)
        match self.one(*kinds):
            case "array":
                return {"type": "array", "items": self.type(namespace, depth + 1, ending=True)}
            case "map":
                return {"type": "map", "values": self.type(namespace, depth + 1, ending=True)}
            case "record":
                return self.record(namespace, depth + 1)
            case "union":
                return self.union(namespace, depth)
            case "reference":
                return self.reference(namespace, ending=ending) or self.leaf(namespace)
            case _:
                return self.leaf(namespace)

    def leaf(self, namespace: str) -> Any:
        match self.one("primitive", "primitive", "fixed", "enum", *["logical"] * self.logical):
            case "fixed":
                logical = self.one({}, *LOGICAL_FIXED) if self.logical else {}
                made, _ = self.named("fixed", namespace)
                made.update({"size": self.draw(st.integers(0, 5)), **logical})
                return made
            case "enum":
                made, _ = self.named("enum", namespace)
                made["symbols"] = [f"S{number}" for number in range(self.draw(st.integers(1, 4)))]
                if self.some():
                    made["default"] = self.one(*made["symbols"])
                return made
            case "logical":
                return dict(self.one(*LOGICAL))
            case _:
                name = self.one(*PRIMITIVES)
                return {"type": name} if self.some(0.1) else name

    def reference(self, namespace: str, *, ending: bool) -> str | None:
        closed = [name for name in self.defined if name not in self.open]
        names = [*closed, *(self.open if ending and self.recursive else [])]
        if not names:
            return None
        name: str = self.one(*names)
        space, _, short = name.rpartition(".")
        return short if space == namespace and self.some(0.7) else name

    def union(self, namespace: str, depth: int) -> list[Any]:
        branches: list[Any] = []
        seen: set[str] = set()
        nullable = self.some(0.6)
        for _ in range(self.one(1, 1, 1, 2, 3, 4)):
            branch = self.type(namespace, depth + 1, in_union=True, ending=nullable)
            key = self.key(branch, namespace)
            if key not in seen and not (nullable and key == "null"):
                seen.add(key)
                branches.append(branch)
        if nullable:
            branches.insert(self.one(0, 0, 0, len(branches)), "null")
        return branches

    def key(self, branch: Any, namespace: str) -> str:
        if isinstance(branch, dict) and "name" not in branch:
            return str(branch["type"])
        if isinstance(branch, dict):
            return next(name for name, each in self.defined.items() if each is branch)
        return branch if branch in PRIMITIVES else _resolved(branch, namespace, self.defined)

    def default(self, avro: Any, namespace: str, around: frozenset[str] = frozenset()) -> Any:
        """Draw a default that fits; raises `_NoDefault` where that would take a value of a record around it."""
        if isinstance(avro, list):
            return self.default(avro[0], namespace, around)
        if isinstance(avro, str) and avro not in PRIMITIVES:
            name = _resolved(avro, namespace, self.defined)
            return self.default(self.defined[name], name.rpartition(".")[0], around)
        kind = avro if isinstance(avro, str) else avro["type"]
        if kind == "record":
            name = next(name for name, each in self.defined.items() if each is avro)
            if name in self.open or name in around:
                raise _NoDefault
            inside = name.rpartition(".")[0]
            return {each["name"]: self.default(each["type"], inside, around | {name}) for each in avro["fields"]}
        if kind == "enum":
            return self.one(*avro["symbols"])
        if kind in ("fixed", "bytes"):
            return (
                "\x00\xff"[: avro["size"]].ljust(avro["size"], "\x01") if kind == "fixed" else self.one("", "\xff\x01")
            )
        if isinstance(avro, dict) and avro.get("logicalType") in ("date", "uuid") and kind == "string":
            return "2020-05-25" if avro["logicalType"] == "date" else "12345678-1234-5678-1234-567812345678"
        return self.one(*_DEFAULTS[kind])


class _NoDefault(Exception):  # noqa: N818  (no error: the field then has none)
    """No default was found."""


_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "null": (None,),
    "boolean": (True, False),
    "int": (0, -1, 86_399_999),
    "long": (0, 5, 86_399_999_999),
    "float": (0.0, 1.5),
    "double": (0.0, -2.25, 1e300),
    "string": ("", "text", "é"),
    "array": ([],),
    "map": ({},),
}


def _resolved(name: str, namespace: str, defined: dict[str, Any]) -> str:
    full = f"{namespace}.{name}" if namespace and "." not in name else name
    return full if full in defined else name


def without_logical_types(schema: Any) -> Any:
    """Return the schema with every ``logicalType`` left out, as decoded JSON."""
    match schema:
        case dict():
            return {
                key: each if key in ("default", "symbols", "aliases") else without_logical_types(each)
                for key, each in schema.items()
                if key != "logicalType"
            }
        case list():
            return [without_logical_types(each) for each in schema]
        case _:
            return schema


def values_of(schema: Any) -> SearchStrategy[Any]:
    """Return a strategy of values as fastavro's writer takes them, once the logical types are removed.

    Parameters
    ----------
    schema
        Any Avro schema as decoded JSON.

    Returns
    -------
    SearchStrategy
        int for every type on int and long (also dates and times, over all 32 or 64 bits), bytes for bytes and fixed,
        text for string and enums, finite floats (those of a float have 32 bits). Text on a logical type is any text.
        The value of a branch of several is a tuple of the branch's name and the value where fastavro takes one: for a
        primitive type, a record and a reference; a bare value otherwise, which fastavro may see as one of another
        branch.
    """
    defined = dict(_definitions(schema, ""))
    return _values(schema, "", defined)


@st.composite
def _values(draw: DrawFn, schema: Any, namespace: str, defined: dict[str, Any], depth: int = 0) -> Any:
    def inner(avro: Any, space: str = namespace, deeper: int = 1) -> Any:
        return draw(_values(avro, space, defined, depth + deeper))

    if isinstance(schema, list):
        branch = draw(st.sampled_from(_shallow(schema) if depth > DEEPEST else schema))
        value = inner(branch, deeper=0)
        return (_tuple_name(branch, namespace, defined), value) if _is_tuple(branch, schema) else value
    if isinstance(schema, str) and schema not in PRIMITIVES:
        name = _resolved(schema, namespace, defined)
        return inner(defined[name], name.rpartition(".")[0], deeper=0)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "record":
        space = _full_name(schema, namespace).rpartition(".")[0]
        return {each["name"]: inner(each["type"], space) for each in schema["fields"]}
    if kind == "enum":
        return draw(st.sampled_from(schema["symbols"]))
    if kind == "fixed":
        return draw(st.binary(min_size=schema["size"], max_size=schema["size"]))
    if kind in ("array", "map"):
        keys = draw(st.lists(st.text(max_size=3), max_size=0 if depth > DEEPEST else 3, unique=True))
        if kind == "array":
            return [inner(schema["items"]) for _ in keys]
        return {key: inner(schema["values"]) for key in keys}
    return draw(_PRIMITIVE_VALUES[kind]) if isinstance(kind, str) else inner(kind, deeper=0)


_PRIMITIVE_VALUES: dict[str, SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=6),
    "string": st.text(max_size=6),
}


def _shallow(branches: list[Any]) -> list[Any]:
    """Return the branches to choose from once a value is deep enough: null if there is one."""
    return ["null"] if "null" in branches else branches


def _is_tuple(branch: Any, branches: list[Any]) -> bool:
    several = len([each for each in branches if each != "null"]) > 1
    return several and branch != "null" and (isinstance(branch, str) or branch["type"] == "record")


def _tuple_name(branch: Any, namespace: str, defined: dict[str, Any]) -> str:
    if isinstance(branch, dict):
        return _full_name(branch, namespace)
    return branch if branch in PRIMITIVES else _resolved(branch, namespace, defined)


def _full_name(schema: dict[str, Any], namespace: str) -> str:
    name: str = schema["name"]
    space = schema.get("namespace", namespace)
    return f"{space}.{name}" if space and "." not in name else name


def _definitions(schema: Any, namespace: str) -> Iterator[tuple[str, dict[str, Any]]]:
    match schema:
        case list():
            for each in schema:
                yield from _definitions(each, namespace)
        case {"type": "record" | "enum" | "fixed"}:
            name = _full_name(schema, namespace)
            yield name, schema
            for each in schema.get("fields", ()):
                yield from _definitions(each["type"], name.rpartition(".")[0])
        case {"items": inner} | {"values": inner} | {"type": dict() | list() as inner}:
            yield from _definitions(inner, namespace)
