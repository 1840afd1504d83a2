"""Two columns that are one: the narrowest type for the values of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from intempt_nb.schema.inferring.cells import distinct
from intempt_nb.schema.inferring.observed import Column, Concluded, Evidence, Naming, nullable_field
from intempt_nb.schema.mapping.arrow_names import titled

__all__ = ["join", "widen"]

MOST_DIGITS = 76  # of a decimal in Arrow


def join(one: Column, two: Column) -> Column:
    """Return one column for the values of two; one without any value takes the other's type.

    Parameters
    ----------
    one, two
        The column as it is in each of two data.
    """
    merged = one.merged(two)
    if merged is not None:
        return merged
    if two.rows == two.nulls:
        return one.absent(two.rows)
    if one.rows == one.nulls:
        return two.absent(one.rows)
    return _Joined(one, two)


@dataclass(frozen=True, slots=True)
class _Joined:
    """A column that two data have as different kinds: text and numbers, objects and text."""

    one: Column
    two: Column

    @property
    def label(self) -> str:
        return self.one.label

    @property
    def rows(self) -> int:
        return self.one.rows + self.two.rows

    @property
    def nulls(self) -> int:
        return self.one.nulls + self.two.nulls

    @property
    def hashing(self) -> bool:
        return False

    def observe(self, values: Any, rows: Any, limit: int) -> _Joined:
        raise NotImplementedError("what is joined is seen to its end")

    def absent(self, rows: int) -> _Joined:
        return _Joined(self.one.absent(rows), self.two)

    def merged(self, other: Column) -> _Joined | None:
        first = self.one.merged(other)
        if first is not None:
            return _Joined(first, self.two)
        second = self.two.merged(other)
        if second is not None:
            return _Joined(self.one, second)
        return _Joined(self, other) if other.rows > other.nulls else None

    def conclude(self, naming: Naming) -> Concluded:
        # Each with the same names, so that types of the same shape are equal.
        names = [replace(naming, made=replace(naming.made, taken=set(naming.made.taken))) for _ in range(2)]
        first, second = self.one.conclude(names[0]), self.two.conclude(names[1])
        bare = [_bare(each.field["type"]) for each in (first, second)]
        avro = widen(*bare)
        if avro == bare[0]:
            naming.made.taken.update(names[0].made.taken)
        nullable = any("null" in each.field["type"] for each in (first, second) if isinstance(each.field["type"], list))
        entry = nullable_field(naming.name, avro, nullable=nullable)
        mine, others = first.evidence[0], second.evidence[0]
        own = Evidence(
            (naming.name,),
            (self.label,),
            mine.rows + others.rows,
            mine.nulls + others.nulls,
            distinct((*mine.examples, *others.examples)),
            f"{mine.reason}; in the other data: {others.reason}",
        )
        return Concluded(
            titled(entry, naming.name, self.label), (own, *(first.evidence[1:] if avro == bare[0] else ()))
        )


def _bare(avro: Any) -> Any:
    if not isinstance(avro, list):
        return avro
    rest = [each for each in avro if each != "null"]
    return rest[0] if len(rest) == 1 else rest


_NUMBERS = ("int", "long", "float", "double")
_TIMES = ("timestamp-millis", "timestamp-micros", "timestamp-nanos")
_DIGITS = {"int": 10, "long": 19}


def widen(one: Any, two: Any) -> Any:
    """Return the narrowest type that holds the values of two, as Avro JSON.

    Parameters
    ----------
    one, two
        Without null branches. A whole number and one with a fraction make a double, times the finer of their units,
        decimals one that has the digits of both; what has no type in common is text.
    """
    if one == two:
        return one
    if one in _NUMBERS and two in _NUMBERS:
        wider = max(one, two, key=_NUMBERS.index)
        return "double" if wider == "float" and not {one, two} <= {"float"} else wider
    logical = [each.get("logicalType") if isinstance(each, dict) else None for each in (one, two)]
    if all(each in _TIMES for each in logical):
        return max(one, two, key=lambda each: _TIMES.index(each["logicalType"]))
    digits = [_digits(each) for each in (one, two)]
    if "decimal" in logical and digits[0] and digits[1]:
        whole, scale = max(each[0] for each in digits if each), max(each[1] for each in digits if each)
        if whole + scale <= MOST_DIGITS:
            return {"type": "bytes", "logicalType": "decimal", "precision": whole + scale, "scale": scale}
    return "string"


def _digits(avro: Any) -> tuple[int, int] | None:
    """Return how many digits a type has before and after the point."""
    match avro:
        case {"type": "bytes", "logicalType": "decimal", "precision": int() as precision, "scale": int() as scale}:
            return precision - scale, scale
        case "int" | "long":
            return _DIGITS[avro], 0
        case _:
            return None
