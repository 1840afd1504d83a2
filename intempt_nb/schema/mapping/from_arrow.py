"""Arrow types → Avro types.

=====================================================  =========================================================
Arrow                                                  Avro
=====================================================  =========================================================
bool; int8, int16, int32, uint8, uint16                boolean; int
int64, uint32                                          long
uint64                                                 decimal(20, 0) on bytes, or long if asked for
float16, float32; float64                              float; double
string, binary, each also large and view               string, bytes
fixed_size_binary; uuid                                fixed; uuid on fixed
decimal32, 64, 128, 256                                decimal on bytes
date32, date64                                         date on string, the Intempt API's
time32; time64                                         time-millis; time-micros
timestamp in s or ms, us, ns                           timestamp-millis, -micros, -nanos; local- without a zone
duration                                               long
month_day_nano_interval                                duration
list, also large, of fixed size, and views             array
map of text; of anything else                          map; array of records with ``key`` and ``value``
struct                                                 record
dense and sparse union                                 union
dictionary of text                                     enum if its symbols are known, else as the values
other dictionaries, run-end encoded                    as the values
other extension types                                  as the storage, with a warning
null                                                   ["null", "string"], with a warning
=====================================================  =========================================================

A nullable field is a union with null. What Avro cannot say of the Arrow type is told by `Reverse.exact`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import pyarrow as pa

from intempt_nb.errors import DataError, Problem
from intempt_nb.schema.mapping.arrow import MAX_DECIMAL128
from intempt_nb.schema.mapping.arrow_names import avro_name, avro_names, titled, unused
from intempt_nb.schema.parsing.naming import NAME, PRIMITIVE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TEXTS", "Reverse", "Uint64", "is_enum"]

Uint64: TypeAlias = Literal["decimal", "long"]

TEXTS = frozenset({pa.string(), pa.large_string(), pa.string_view()})
"""The Arrow types of text."""
_MAX_PRECISION = 76
_UNITS = {"s": "seconds", "ms": "millis", "us": "micros", "ns": "nanos"}
_MILLIS_AT_LEAST = {"s": "millis", "ms": "millis", "us": "micros", "ns": "nanos"}


def _logical(base: str, name: str) -> dict[str, Any]:
    return {"type": base, "logicalType": name}


_SIMPLE: Mapping[pa.DataType, Any] = {
    pa.bool_(): "boolean",
    **dict.fromkeys((pa.int8(), pa.int16(), pa.uint8(), pa.uint16(), pa.int32()), "int"),
    **dict.fromkeys((pa.int64(), pa.uint32()), "long"),
    **dict.fromkeys((pa.float16(), pa.float32()), "float"),
    pa.float64(): "double",
    **dict.fromkeys(TEXTS, "string"),
    **dict.fromkeys((pa.binary(), pa.large_binary(), pa.binary_view()), "bytes"),
    **dict.fromkeys((pa.date32(), pa.date64()), _logical("string", "date")),
    **dict.fromkeys((pa.time32("s"), pa.time32("ms")), _logical("int", "time-millis")),
    **dict.fromkeys((pa.time64("us"), pa.time64("ns")), _logical("long", "time-micros")),
    **{pa.timestamp(unit): _logical("long", f"local-timestamp-{name}") for unit, name in _MILLIS_AT_LEAST.items()},
    **{pa.timestamp(unit, "UTC"): _logical("long", f"timestamp-{name}") for unit, name in _MILLIS_AT_LEAST.items()},
    **{pa.duration(unit): _logical("long", f"arrow.duration-{name}") for unit, name in _UNITS.items()},
}
_EXACT = {
    *(pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.binary()),
    *(pa.date32(), pa.time32("ms"), pa.time64("us")),
    *(pa.timestamp(unit, zone) for unit in ("ms", "us", "ns") for zone in (None, "UTC")),
}


@dataclass(slots=True)
class Reverse:
    """Makes Avro JSON of Arrow fields.

    Parameters
    ----------
    taken
        Names of types that the schema has already; those made are added.
    uint64
        ``"decimal"``, which holds every value, or ``"long"``, which holds those below 2**63.
    exact
        Whether the Arrow types seen so far are those that their Avro types become again.
    notes
        What to warn of, with the place in the data.
    """

    taken: set[str] = field(default_factory=set)
    uint64: Uint64 = "decimal"
    exact: bool = True
    notes: list[Problem] = field(default_factory=list)

    def field(self, column: pa.Field, name: str, path: str = "", prefix: str = "") -> dict[str, Any]:
        """Return the Avro JSON of a field.

        Parameters
        ----------
        column
            Any Arrow field. Its metadata may say what the Rust crate arrow-avro says there: ``avro.name`` and
            ``avro.namespace`` of the type, ``avro.enum.symbols``, ``avro.doc`` and ``avro.field.default``.
        name
            Its Avro name; its own is the title if it is another.
        path
            Where it is, for errors.
        prefix
            What the names of types made for it begin with.

        Raises
        ------
        DataError
            For a type that Avro has no counterpart for; names the column and the place in it.
        """
        path = path or column.name
        said = _said(column)
        avro = self.type(column.type, path, f"{prefix}{name}", said)
        avro = self._optional(avro, column, path if prefix else "")
        entry: dict[str, Any] = {"name": name, "type": avro}
        if "avro.doc" in said:
            entry["doc"] = said["avro.doc"]
        if "avro.field.default" in said:
            entry["default"] = default = _default(said["avro.field.default"])
            if default is not None and isinstance(avro, list) and avro[0] == "null":
                entry["type"] = [*avro[1:], "null"]  # a default is one of the first branch
        elif isinstance(avro, list) and avro[0] == "null":
            entry["default"] = None
        return titled(entry, name, column.name)

    def _optional(self, avro: Any, column: pa.Field, inside: str) -> Any:
        """Return the type with null among its branches if the field is nullable; `inside` is empty for a column."""
        branches = avro if isinstance(avro, list) else [avro]
        if "null" in branches:
            if not column.nullable and inside:
                self.exact = False
            return avro
        if not column.nullable:
            return avro
        self.exact = self.exact and not isinstance(avro, list)
        return ["null", *branches]

    def type(self, arrow: pa.DataType, path: str, name: str, said: Mapping[str, str]) -> Any:
        """Return the Avro JSON of a type; a list only for a union and for null."""
        if arrow in _SIMPLE:
            self.exact = self.exact and arrow in _EXACT
            return _SIMPLE[arrow]
        match arrow:
            case pa.StructType():
                return self._record(list(arrow), path, name, said)
            case pa.ListType():
                return {"type": "array", "items": self._part(arrow.value_field, f"{path}[]", name)}
            case pa.MapType():
                return self._map(arrow, path, name)
            case pa.UnionType():
                return self._union(arrow, path, name)
            case pa.DictionaryType() if arrow.value_type in TEXTS and (symbols := _symbols(said)):
                self.exact = self.exact and arrow == pa.dictionary(pa.int32(), pa.string())
                return self._named("enum", {"symbols": symbols}, f"{name}_enum", said)
            case pa.UuidType():
                return self._named("fixed", {"size": 16, "logicalType": "uuid"}, f"{name}_uuid", said)
            case _ if pa.types.is_decimal(arrow):  # which pyarrow counts among the binaries of fixed size
                return self._decimal(arrow, path)
            case pa.FixedSizeBinaryType():
                return self._named("fixed", {"size": arrow.byte_width}, f"{name}_fixed", said)
            case _ if arrow == pa.month_day_nano_interval():
                return self._named("fixed", {"size": 12, "logicalType": "duration"}, f"{name}_duration", said)
        self.exact = False
        return self._nearest(arrow, path, name, said)

    def _nearest(self, arrow: pa.DataType, path: str, name: str, said: Mapping[str, str]) -> Any:
        """Return the Avro JSON of a type that its Avro type does not become again."""
        match arrow:
            case pa.TimestampType():
                return _SIMPLE[pa.timestamp(arrow.unit, "UTC")]
            case pa.LargeListType() | pa.FixedSizeListType() | pa.ListViewType() | pa.LargeListViewType():
                return {"type": "array", "items": self._part(arrow.value_field, f"{path}[]", name)}
            case pa.DictionaryType() | pa.RunEndEncodedType():
                return self.type(arrow.value_type, path, name, said)
            case pa.BaseExtensionType():
                self.notes.append(Problem(path, f"{arrow} becomes what it is stored as, {arrow.storage_type}"))
                return self.type(arrow.storage_type, path, name, said)
            case _ if arrow == pa.uint64():
                return "long" if self.uint64 == "long" else _UINT64
            case _ if arrow == pa.null():
                self.notes.append(Problem(path, "nothing but nulls; taken for optional text"))
                return ["null", "string"]
        return _refuse(arrow, path)

    def _part(self, part: pa.Field, path: str, name: str) -> Any:
        return self._optional(self.type(part.type, path, name, _said(part)), part, path)

    def _record(self, parts: list[pa.Field], path: str, name: str, said: Mapping[str, str]) -> Any:
        texts = [each.name for each in parts]
        if len(set(texts)) < len(texts):
            raise DataError("two parts of the struct have the same name; rename one of them", field=path)
        names = avro_names(texts)
        self.exact = self.exact and names == texts
        holder = self._reserve(f"{name}_record", said)
        inner = [
            self.field(each, part, f"{path}.{each.name}", f"{name}_") for each, part in zip(parts, names, strict=True)
        ]
        return {"type": "record", **holder, "fields": inner}

    def _map(self, arrow: pa.MapType, path: str, name: str) -> Any:
        if arrow.key_type in TEXTS:
            self.exact = self.exact and arrow.key_type == pa.string() and not arrow.keys_sorted
            return {"type": "map", "values": self._part(arrow.item_field, f"{path}{{}}", name)}
        self.exact = False
        parts = [arrow.key_field.with_name("key"), arrow.item_field.with_name("value")]
        return {"type": "array", "items": self._record(parts, f"{path}{{}}", f"{name}_entry", {})}

    def _union(self, arrow: pa.UnionType, path: str, name: str) -> list[Any]:
        children = [arrow.field(index) for index in range(arrow.num_fields)]
        branches: dict[str, Any] = {}
        for child in children:
            avro = "null" if child.type == pa.null() else self._branch(child, path, name)
            if isinstance(avro, list):
                _refuse(arrow, path, "a union of Avro holds no other union")
            key = avro if isinstance(avro, str) else avro.get("name", avro["type"])
            if key in branches:
                _refuse(arrow, path, f"two of its children become {key!r}, which a union of Avro cannot tell apart")
            branches[key] = avro
        if not branches:
            _refuse(arrow, path, "a union of nothing has no values; leave the column out")
        exact = arrow.mode == "dense" and list(arrow.type_codes) == list(range(len(children)))
        exact = exact and len(branches.keys() - {"null"}) > 1
        for child, (key, avro) in zip(children, branches.items(), strict=True):
            exact = exact and child.name == key and not _has_name(avro) and child.nullable == (key == "null")
        self.exact = self.exact and exact
        holds_null = any(child.nullable for child in children) and "null" not in branches
        return [*(["null"] if holds_null else []), *branches.values()]

    def _branch(self, child: pa.Field, path: str, name: str) -> Any:
        """Return the Avro JSON of a child of a union; a type that has a name is called as the child is."""
        namespace, _, short = child.name.rpartition(".")
        said = {"avro.name": short, "avro.namespace": namespace}
        return self.type(child.type, f"{path}<{child.name}>", f"{name}_{avro_name(child.name)}", said)

    def _decimal(self, arrow: pa.DataType, path: str) -> dict[str, Any]:
        if not 0 <= arrow.scale <= _MAX_PRECISION:
            _refuse(arrow, path, f"a scale of {arrow.scale} is none of Avro's; cast the column to another decimal")
        precision = max(arrow.precision, arrow.scale)
        plain = pa.decimal128 if precision <= MAX_DECIMAL128 else pa.decimal256
        self.exact = self.exact and arrow == plain(precision, arrow.scale)
        return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": arrow.scale}

    def _named(self, kind: str, rest: Mapping[str, Any], fallback: str, said: Mapping[str, str]) -> dict[str, Any]:
        return {"type": kind, **self._reserve(fallback, said), **rest}

    def _reserve(self, fallback: str, said: Mapping[str, str]) -> dict[str, str]:
        """Return the name of a new type, and its namespace if one is said."""
        name, namespace = said.get("avro.name", ""), said.get("avro.namespace", "")
        parts = [name, *(namespace.split(".") if namespace else [])]
        full_name = ".".join([*parts[1:], name])
        if all(map(NAME.fullmatch, parts)) and name not in PRIMITIVE_NAMES and full_name not in self.taken:
            self.taken.add(full_name)
            return {"name": name, "namespace": namespace} if namespace else {"name": name}
        return {"name": unused(fallback, self.taken)}


_UINT64 = {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 0}


def _said(column: pa.Field) -> Mapping[str, str]:
    """Return what arrow-avro says in a field's metadata."""
    if not column.metadata:
        return {}
    said = {key: text for key, text in column.metadata.items() if key.startswith(b"avro.")}
    try:
        return {key.decode(): text.decode() for key, text in said.items()}
    except UnicodeDecodeError:
        return {}


def _default(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _symbols(said: Mapping[str, str]) -> list[str] | None:
    """Return the symbols of an enum, if they are said and Avro takes them."""
    symbols = _default(said.get("avro.enum.symbols", ""))
    return symbols if isinstance(symbols, list) and is_enum(symbols) else None


def is_enum(values: Sequence[Any]) -> bool:
    """Return whether Avro takes the values as the symbols of an enum: names, all different, at least one."""
    valid = all(isinstance(each, str) and NAME.fullmatch(each) for each in values)
    return valid and 0 < len(values) == len(set(values))


def _has_name(avro: Any) -> bool:
    return isinstance(avro, dict) and "name" in avro


def _refuse(arrow: pa.DataType, path: str, reason: str = "cast the column first") -> NoReturn:
    raise DataError(
        f"Arrow type {arrow} has no Avro counterpart; {reason}", field=path, expected="a type that Avro has"
    )
