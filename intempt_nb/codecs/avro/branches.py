"""Which branch of a union a JSON value is of.

A value names its branch, ``{"long": 5}``, or is bare where only one branch can be meant: of whole numbers the first
that holds it, of others the double.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from intempt_nb.codecs.avro.varints import encode_long
from intempt_nb.codecs.wire.literals import Number
from intempt_nb.codecs.wire.values import Mismatch
from intempt_nb.schema.model import (
    Array,
    AvroType,
    Boolean,
    Double,
    Float,
    Int,
    Long,
    Map,
    Null,
    Record,
    Time,
    Timestamp,
    Union,
    describe,
)
from intempt_nb.schema.parsing.branches import branch_name

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Branches"]


@dataclass(frozen=True, slots=True)
class Branches:
    """A union's branches and their writers.

    Parameters
    ----------
    types
        The branches, references resolved.
    writers
        For each the function that adds a value's bytes to what is there, or raises `Mismatch`.
    """

    types: tuple[AvroType, ...]
    writers: tuple[Callable[[Any, bytearray], None], ...]

    def write_tagged(self, value: Any, out: bytearray) -> None:
        """Write ``{"branch": value}``, null alone bare."""
        index, inner = self._named(value)
        if index is None:
            names = ", ".join(map(branch_name, self.types))
            raise self._mismatch(value, f"a value of a union is an object with one key, the branch: {names}")
        self._write(index, inner, out)

    def write_first(self, value: Any, out: bytearray) -> None:
        """Write a bare value as the first branch that takes it, as defaults are read."""
        for index in range(len(self.types)):
            if self._fits(index, value):
                return self._write(index, value, out)
        raise self._mismatch(value)

    def write_optional(self, value: Any, out: bytearray) -> None:
        """Write a bare value of a union of one type and maybe null."""
        wanted = value is None and Null() in self.types
        self._write(next(i for i, each in enumerate(self.types) if (each == Null()) == wanted), value, out)

    def write_plain(self, value: Any, out: bytearray) -> None:
        """Write a value that names its branch, or a bare one."""
        index, inner = self._named(value)
        if index is not None and self._fits(index, inner):
            return self._write(index, inner, out)
        kind = _kind(value)
        natural = [index for index, each in enumerate(self.types) if _natural(each) == kind]
        if len(natural) == 1:
            return self._write(natural[0], value, out)
        fitting = [index for index in natural if self._fits(index, value)]
        if len(fitting) > 1 and isinstance(value, dict):  # what lacks some keys, or has others, is another record
            fitting = [index for index in fitting if _has_keys(self.types[index], value)] or fitting
        if not fitting:
            fitting = [index for index in range(len(self.types)) if self._fits(index, value)]
        return self._write(self._only(fitting, value), value, out)

    def _only(self, fitting: list[int], value: Any) -> int:
        types = {self.types[index] for index in fitting}
        if fitting and types <= {Int(), Long()}:
            return fitting[0]
        if fitting and types <= {Float(), Double()}:
            return max(fitting, key=lambda index: self.types[index] == Double())
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise self._mismatch(value)
        names = [branch_name(self.types[index]) for index in fitting]
        reason = f"the value may be of the branches {', '.join(names)}; name the one: {{{json.dumps(names[0])}: …}}"
        raise self._mismatch(value, reason)

    def _named(self, value: Any) -> tuple[int | None, Any]:
        """Return the branch that a value names and what it holds there."""
        for index, each in enumerate(self.types):
            if each == Null() and value is None:
                return index, None
            if type(value) is dict and len(value) == 1 and branch_name(each) in value:
                return index, value[branch_name(each)]
        return None, None

    def _fits(self, index: int, value: Any) -> bool:
        try:
            self.writers[index](value, bytearray())
        except Mismatch:
            return False
        return True

    def _write(self, index: int, value: Any, out: bytearray) -> None:
        out += encode_long(index)
        self.writers[index](value, out)

    def _mismatch(self, value: Any, reason: str | None = None) -> Mismatch:
        return Mismatch(value, describe(Union(self.types)), reason)


def _has_keys(avro_type: AvroType, value: dict[str, Any]) -> bool:
    return isinstance(avro_type, Record) and value.keys() == {field.name for field in avro_type.fields}


def _kind(value: Any) -> str:
    """Return what a bare value is in JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case Number():
            return "integer" if value.lstrip("-").isdigit() else "fraction"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"


def _natural(avro_type: AvroType) -> str:
    """Return what values of a type are in plain JSON."""
    match avro_type:
        case Null():
            return "null"
        case Boolean():
            return "boolean"
        case Int() | Long() | Time() | Timestamp():
            return "integer"
        case Float() | Double():
            return "fraction"
        case Array():
            return "list"
        case Map() | Record():
            return "object"
        case _:
            return "text"
