"""Items, as Python dicts, held against a schema: every problem of each, with its place.

The single values are those of :mod:`intempt_nb.schema.checking.forms`. Around them:

- An array is a list, a tuple (outside a union) or another sequence; a map is a mapping with text keys.
- A record is a mapping. A field that has a default or can be null may be left out; a key that names no field is a
  problem. An explicit None is a value like any other: it takes a null branch, and not the default.
- A value of a union is the bare value of a branch, or ``(branch, value)`` with the branch's name, as fastavro takes it:
  ``("long", 5)``, ``("com.shop.Address", {…})``; a dict may name its record under ``"-type"``.

Types are compiled into functions once. A problem carries its path from the inside out, so that good data costs no
paths.
"""

from __future__ import annotations

import array
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from intempt_nb.errors import suggest
from intempt_nb.schema.checking.forms import form_of, kind_of
from intempt_nb.schema.checking.matching import meant
from intempt_nb.schema.checking.rejects import VALUE_LENGTH
from intempt_nb.schema.model import Array, Map, Null, Record, Reference, String, Union, describe
from intempt_nb.schema.parsing.branches import branch_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from intempt_nb.schema.checking.forms import Scalar
    from intempt_nb.schema.model import AvroType, Defined

__all__ = ["MAX_DEPTH", "Found", "as_text", "item_checker"]

MAX_DEPTH = 200
"""Lists and dicts inside one another, before Python's own recursion limit is near."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something wrong in an item.

    Parameters
    ----------
    value
        What was found.
    expected
        The type in words; None for a key that should not be there.
    reason
        What is wrong with it, for a person.
    path
        Where: ``.address.zip``, ``.tags[3]``, ``.scores{k}``; empty for the item itself.
    """

    value: Any
    expected: str | None
    reason: str
    path: str = ""


@dataclass(slots=True)
class _Walk:
    """The way through one item: how deep it is, and what is known of the parts that were met."""

    depth: int = 0
    known: dict[tuple[int, int], tuple[Any, Sequence[Found]]] = field(default_factory=dict)


_Check: TypeAlias = "Callable[[Any, _Walk], Sequence[Found]]"


def item_checker(
    avro_type: AvroType, named: Mapping[str, Defined], *, extra_keys: bool = False
) -> Callable[[Any], Sequence[Found]]:
    """Return the function that tells all that is wrong with a value, in the order of the schema.

    Parameters
    ----------
    avro_type
        Any type.
    named
        The schema's named types.
    extra_keys
        Whether a record may have keys that name no field.

    Returns
    -------
    Callable
        It never fails: data that contains itself or is nested more than `MAX_DEPTH` deep has a problem at that place.
    """
    check = _Compiler(named, extra_keys).check(avro_type)

    def check_item(item: Any) -> Sequence[Found]:
        try:
            return check(item, _Walk())
        except RecursionError:  # called from deep inside another program
            return [Found(item, describe(avro_type), "nested too deeply")]

    return check_item


def as_text(value: Any) -> str | None:
    """Return a value as a person reads it, cut to a readable length; None for None."""
    if value is None:
        return None
    try:
        shown = value if isinstance(value, str) else _REPR.repr(value)
    except ValueError:  # Python does not write out integers of thousands of digits
        shown = f"{type(value).__name__} of too many digits"
    return shown.encode(errors="backslashreplace").decode()[:VALUE_LENGTH]


_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = VALUE_LENGTH
_REPR.maxdict = _REPR.maxlist = _REPR.maxtuple = 12


class _Nested:
    """The check of a list or dict: not deeper than `MAX_DEPTH`, not inside itself, and once only for each of its parts.

    Without the last, data whose parts are shared would be walked once for each way that leads to them.
    """

    __slots__ = ("check", "expected")

    check: _Check

    def __init__(self, expected: str) -> None:
        self.expected = expected

    def __call__(self, value: Any, walk: _Walk) -> Sequence[Found]:
        key = id(value), id(self)
        known = walk.known.get(key)
        if known is not None:
            return known[1]
        if walk.depth == MAX_DEPTH:
            return [Found(value, self.expected, f"nested more than {MAX_DEPTH} levels deep")]
        walk.known[key] = value, [Found(value, self.expected, "contains itself")]
        walk.depth += 1
        found = self.check(value, walk)
        walk.depth -= 1
        walk.known[key] = value, found  # the value too: an object that is gone would leave its id to another
        return found


class _Compiler:
    """Types → checks; a record's is made once, however often the schema names it."""

    def __init__(self, named: Mapping[str, Defined], extra_keys: bool) -> None:
        self.named = named
        self.extra_keys = extra_keys
        self.records: dict[str, _Nested] = {}

    def check(self, avro_type: AvroType, expected: str | None = None) -> _Check:
        """Return the check of a type; `expected` is what to call it, if it is not the type itself."""
        expected = describe(avro_type) if expected is None else expected
        match avro_type:
            case Reference(name):
                return self.check(self.named[name], expected)
            case Union():
                return self._union(avro_type, expected)
            case Record():
                return self._record(avro_type)
            case Array(items):
                return _nested(_array(self.check(items), expected), expected)
            case Map(values):
                return _nested(_map(self.check(values), expected), expected)
            case _:
                return _scalar(avro_type, expected)

    def _record(self, record: Record) -> _Nested:
        if record.name not in self.records:
            nested = self.records[record.name] = _Nested(describe(record))
            checks = {each.name: self.check(each.type) for each in record.fields}
            nested.check = _record(record, checks, self.extra_keys)
        return self.records[record.name]

    def _union(self, union: Union, expected: str) -> _Check:
        tagged = {branch_name(branch): self.check(branch) for branch in union.branches}
        rest = [branch for branch in union.branches if branch != Null()]
        if len(rest) == 1:
            tagged[branch_name(rest[0])] = self.check(rest[0], expected)
        return _union(tagged, expected)


def _wrong_kind(value: Any, expected: str) -> list[Found]:
    return [Found(value, expected, f"{kind_of(value)} where {expected} is expected")]


def _scalar(avro_type: Scalar, expected: str) -> _Check:
    form = form_of(avro_type)

    def check(value: Any, walk: _Walk) -> Sequence[Found]:
        reason = form(value)
        if reason is None:
            return ()
        return [Found(value, expected, reason)] if reason else _wrong_kind(value, expected)

    return check


def _nested(check: _Check, expected: str) -> _Nested:
    nested = _Nested(expected)
    nested.check = check
    return nested


def _inside(step: str, found: Sequence[Found]) -> list[Found]:
    return [replace(each, path=step + each.path) for each in found]


def _array(check_item: _Check, expected: str) -> _Check:
    def check(value: Any, walk: _Walk) -> Sequence[Found]:
        if not isinstance(value, Sequence | array.array) or isinstance(value, str | bytes | bytearray | memoryview):
            return _wrong_kind(value, expected)
        problems: list[Found] = []
        for index, each in enumerate(value):
            found = check_item(each, walk)
            if found:
                problems += _inside(f"[{index}]", found)
        return problems

    return check


def _map(check_value: _Check, expected: str) -> _Check:
    why_not = form_of(String())

    def check(value: Any, walk: _Walk) -> Sequence[Found]:
        if not isinstance(value, Mapping):
            return _wrong_kind(value, expected)
        problems: list[Found] = []
        for key, each in value.items():
            reason = why_not(key)
            if reason is not None:
                reason = reason or f"{kind_of(key)} as the key of a map"
                problems.append(Found(key, "string", reason, f"{{{as_text(key)}}}"))
                continue
            found = check_value(each, walk)
            if found:
                problems += _inside(f"{{{key}}}", found)
        return problems

    return check


def _record(record: Record, checks: Mapping[str, _Check], extra_keys: bool) -> _Check:
    fields = [(each, checks[each.name]) for each in record.fields]
    expected = describe(record)

    def check(value: Any, walk: _Walk) -> Sequence[Found]:
        if not isinstance(value, Mapping):
            return _wrong_kind(value, expected)
        problems: list[Found] = []
        met = 0
        for each, check_field in fields:
            if each.name in value:
                met += 1
                found = check_field(value[each.name], walk)
                if found:
                    problems += _inside(f".{each.name}", found)
            elif each.required:
                problems.append(
                    Found(None, describe(each.type), "missing, and the schema has no default", f".{each.name}")
                )
        return problems if extra_keys or met == len(value) else problems + _unknown_keys(value, record)

    return check


def _unknown_keys(value: Mapping[Any, Any], record: Record) -> list[Found]:
    names = [each.name for each in record.fields]
    problems = []
    for key in value:
        if key in names or (key == "-type" and value[key] == record.name):
            continue
        intended = meant(key, record.fields) if isinstance(key, str) else None
        hint = suggest("", names) if intended is None else f"; did you mean {intended.name!r}?"
        reason = f"the record has no such field{hint}"
        problems.append(Found(value[key], None, reason, f".{as_text(key)}"))
    return problems


def _union(branches: Mapping[str, _Check], expected: str) -> _Check:
    values = {name: check for name, check in branches.items() if name != "null"}

    def check(value: Any, walk: _Walk) -> Sequence[Found]:
        if value is None and "null" in branches:
            return ()
        if isinstance(value, tuple) and not isinstance(value, pa.MonthDayNano):
            return _tagged(value, branches, expected, walk)
        if isinstance(value, Mapping) and value.get("-type") in values:
            return values[value["-type"]](value, walk)
        nearest: Sequence[Found] | None = None
        for check_branch in values.values():
            found = check_branch(value, walk)
            if not found:
                return ()
            inside = len(values) == 1 or all(each.path for each in found)
            if inside and (nearest is None or len(found) < len(nearest)):
                nearest = found
        return _wrong_kind(value, expected) if nearest is None else nearest

    return check


def _tagged(value: tuple[Any, ...], branches: Mapping[str, _Check], expected: str, walk: _Walk) -> Sequence[Found]:
    if len(value) == 2 and isinstance(value[0], str) and value[0] in branches:
        return branches[value[0]](value[1], walk)
    names = ", ".join(branches)
    return [Found(value, expected, f"a tuple in a union is (branch, value), the branch one of {names}")]
