"""Two schemas held against each other, type by type."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from intempt_nb.schema.comparing.declared import Declared, definitions, parts
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    Decimal,
    Duration,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Null,
    Record,
    Reference,
    Union,
    Uuid,
    describe,
)
from intempt_nb.schema.parsing.branches import branch_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Change", "ChangeKind", "Comparison"]

ChangeKind: TypeAlias = Literal["added", "removed", "renamed", "moved", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was.

    Parameters
    ----------
    kind
        ``"added"`` and ``"removed"`` for a field or symbol, ``"renamed"`` where an alias says so, ``"moved"``,
        ``"changed"`` for everything else.
    path
        Where: ``address.street``, ``tags[]`` for an array's items, ``scores{}`` for a map's values,
        ``payload(com.shop.Click)`` for one branch of several; empty for the whole. Names are those of the new schema,
        except below what was removed.
    aspect
        What of it: ``field``, ``symbol``, ``position``, ``type``, ``nullable``, ``default``, ``doc``, …; with the
        kind of type in front where a type and not its field says it: ``enum default``.
    was, now
        In words, or as JSON text; None where there was or is nothing.
    """

    kind: ChangeKind
    path: str
    aspect: str
    was: str | None = None
    now: str | None = None

    @property
    def words(self) -> str:
        """The change in a few words: ``type: int → long or null``."""
        if self.kind in ("added", "removed"):
            return f"{self.aspect} {self.kind}: {self.now if self.was is None else self.was}"
        if self.kind == "moved":
            return f"moved: {self.aspect} {self.was} → {self.now}"
        what = self.aspect if self.kind == "changed" else self.kind
        return f"{what}: {_or_none(self.was)} → {_or_none(self.now)}"

    def __str__(self) -> str:
        """Return the path and the words."""
        return f"{self.path or '(schema)'}: {self.words}"


def _or_none(text: str | None) -> str:
    return "none" if text is None else text


_Item = TypeVar("_Item", int, str)
_Order: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a comparison is: the path for people, and what sorts the changes as the schema has its fields."""

    path: str = ""
    order: _Order = ()

    def inside(self, mark: str, index: int = 0) -> _Place:
        return _Place(f"{self.path}{mark}", (*self.order, index))

    def field(self, name: str, index: int) -> _Place:
        return _Place(f"{self.path}.{name}" if self.path else name, (*self.order, index))


@dataclass(slots=True)
class Comparison:
    """The changes from one schema to another; each pair of named types is held against each other once.

    Parameters
    ----------
    old, new
        The schemas' types, beside their JSON.
    """

    old: Declared
    new: Declared
    old_named: Mapping[str, Declared] = field(init=False)
    new_named: Mapping[str, Declared] = field(init=False)
    found: list[tuple[_Order, Change]] = field(init=False, default_factory=list)
    met: set[tuple[str, str]] = field(init=False, default_factory=set)
    named: list[tuple[int, str, int, _Place, Declared, Declared]] = field(init=False, default_factory=list)
    number: Iterator[int] = field(init=False, default_factory=count)

    def __post_init__(self) -> None:
        self.old_named, self.new_named = definitions(self.old), definitions(self.new)

    def changes(self) -> tuple[Change, ...]:
        """Return all changes, in the order of the fields."""
        self._types(self.old, self.new, _Place())
        while self.named:
            *_, place, old, new = heappop(self.named)
            self._named(old, new, place)
        self.found.sort(key=lambda each: each[0])
        return tuple(change for _, change in self.found)

    def _note(self, place: _Place, kind: ChangeKind, aspect: str, was: str | None, now: str | None) -> None:
        self.found.append((place.order, Change(kind, place.path, aspect, was, now)))

    def _note_if(self, place: _Place, aspect: str, was: str | None, now: str | None) -> None:
        if was != now:
            self._note(place, "changed", aspect, was, now)

    def _attributes(self, old: Mapping[str, Any], new: Mapping[str, Any], place: _Place, of: str = "") -> None:
        for key in sorted({*old, *new}):
            self._note_if(place, f"{of}{key}", _json(old.get(key, MISSING)), _json(new.get(key, MISSING)))

    def _types(self, old: Declared, new: Declared, place: _Place) -> None:
        old, new = self._of(old, self.old_named), self._of(new, self.new_named)
        match old.type, new.type:
            case (Union(), _) | (_, Union()):
                self._unions(old, new, place)
            case (Array(), Array()) | (Map(), Map()):
                self._attributes(old.attributes, new.attributes, place, "type ")
                self._types(parts(old)[0], parts(new)[0], place.inside("[]" if isinstance(old.type, Array) else "{}"))
            case (Record(), Record()) | (Enum(), Enum()) | (Fixed(), Fixed()) if self._correspond(old, new):
                self._later(old, new, place)
            case _:
                self._values(old, new, place)

    def _values(self, old: Declared, new: Declared, place: _Place) -> None:
        """Compare types that consist of nothing else, or are of different kinds."""
        was, now = _words(old.type), _words(new.type)
        bases = _fixed(old.type), _fixed(new.type)
        if describe(old.type) == describe(new.type) and bases[0] and bases[1]:
            # The same logical type on two fixed types: what differs is told of those.
            self._attributes(old.attributes, new.attributes, place, "type ")
            self._later(Declared(bases[0], None, {}), Declared(bases[1], None, {}), place)
        elif was != now:
            self._note(place, "changed", "type", was, now)
        else:
            self._attributes(old.attributes, new.attributes, place, "type ")

    def _correspond(self, old: Declared, new: Declared) -> bool:
        """Return whether one named type became the other: by its name, by an alias, or as each is in one schema only.

        Asked the other way round, from the new schema to the old one, it gives the same answer.
        """
        was, now = old.type, new.type
        if not isinstance(was, Named) or not isinstance(now, Named) or type(was) is not type(now):
            return False
        if was.name == now.name or was.name in now.aliases or now.name in was.aliases:
            return True
        return was.name not in self.new_named and now.name not in self.old_named

    def _later(self, old: Declared, new: Declared, place: _Place) -> None:
        """Leave two named types for later: those of the shortest path come first, whichever schema is the old one."""
        heappush(self.named, (len(place.order), place.path, next(self.number), place, old, new))

    def _named(self, old: Declared, new: Declared, place: _Place) -> None:
        was, now = old.type, new.type
        assert isinstance(was, Named) and isinstance(now, Named)  # noqa: PT018, S101  (shown to mypy)
        if (was.name, now.name) in self.met:
            return
        self.met.add((was.name, now.name))
        of = f"{type(now).__name__.lower()} "
        self._note_if(place, f"{of}name", was.name, now.name)
        self._note_if(place, f"{of}aliases", _listed(was.aliases), _listed(now.aliases))
        self._attributes(old.attributes, new.attributes, place, of)
        match was, now:
            case Fixed(), Fixed():
                self._note_if(place, f"{of}size", str(was.size), str(now.size))
            case Enum(), Enum():
                self._symbols(was.symbols, now.symbols, place)
            case Record(), Record():
                self._fields(old, new, was.fields, now.fields, place)

    def _symbols(self, was: Sequence[str], now: Sequence[str], place: _Place) -> None:
        gone, come = set(was).difference(now), set(now).difference(was)
        for symbol in was:
            if symbol in gone:
                self._note(place, "removed", "symbol", symbol, None)
        for symbol in now:
            if symbol in come:
                self._note(place, "added", "symbol", None, symbol)
        kept = [[each for each in symbols if each not in gone | come] for symbols in (was, now)]
        self._note_if(place, "order of symbols", *map(_listed, kept))

    def _unions(self, old: Declared, new: Declared, place: _Place) -> None:
        """Compare two types of which at least one is a union; a type that is no union counts as a union of one."""
        self._attributes(_of_union(old), _of_union(new), place, "type ")
        olds, news = _branches(old), _branches(new)
        became = self._became(olds, news)
        gone, come = olds.keys() - became.keys(), news.keys() - set(became.values())
        if gone | come == {"null"} and became:
            self._note(place, "changed", "nullable", *(("yes", "no") if gone else ("no", "yes")))
        elif gone or come:
            self._note(place, "changed", "type", _words(old.type), _words(new.type))
        elif [became[key] for key in olds] != list(news) or isinstance(old.type, Union) != isinstance(new.type, Union):
            self._note(place, "changed", "branches", _written(old.type), _written(new.type))
        several = len(olds.keys() - {"null"}) > 1 or len(news.keys() - {"null"}) > 1
        for index, (was, now) in enumerate(became.items()):
            self._types(olds[was], news[now], place.inside(f"({now})", index) if several else place)

    def _became(self, olds: Mapping[str, Declared], news: Mapping[str, Declared]) -> dict[str, str]:
        """Return which branch became which: that of the same name, or the only one that corresponds to it."""
        became = {key: key for key in olds if key in news}
        candidates = [
            (was, now)
            for was in olds.keys() - became.keys()
            for now in news.keys() - became.keys()
            if self._correspond(self._of(olds[was], self.old_named), self._of(news[now], self.new_named))
        ]
        became.update(_unambiguous(candidates))
        return {key: became[key] for key in olds if key in became}

    def _of(self, either: Declared, named: Mapping[str, Declared]) -> Declared:
        return named[either.type.name] if isinstance(either.type, Reference) else either

    def _fields(
        self, old: Declared, new: Declared, olds: Sequence[Field], news: Sequence[Field], place: _Place
    ) -> None:
        became = _fields_that_became(olds, news)
        kept = set(became.values())
        for index, each in enumerate(olds):
            if index not in became:
                self._note(place.field(each.name, index), "removed", "field", _column(each), None)
        for index, each in enumerate(news):
            if index not in kept:
                self._note(place.field(each.name, index), "added", "field", None, _column(each))
        stayed = _longest_ascent(list(became.values()))
        inside = parts(old), parts(new)
        for was, now in became.items():
            here = place.field(news[now].name, now)
            if olds[was].name != news[now].name:
                self._note(here, "renamed", "name", olds[was].name, news[now].name)
            if now not in stayed:
                self._note(here, "moved", "position", str(was + 1), str(now + 1))
            self._types(inside[0][was], inside[1][now], here)
            self._attributes(_of_field(old.json["fields"][was]), _of_field(new.json["fields"][now]), here)


def _of_union(either: Declared) -> Mapping[str, Any]:
    return either.attributes if isinstance(either.type, Union) else {}


def _branches(either: Declared) -> dict[str, Declared]:
    branches = parts(either) if isinstance(either.type, Union) else [either]
    return {branch_name(branch.type): branch for branch in branches}


def _of_field(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of a field beside its name and type; what is as if not said is left out."""
    said = {key: each for key, each in written.items() if key not in ("name", "type")}
    usual: dict[str, Any] = {"order": "ascending", "aliases": [], "doc": None, "title": None}
    return {key: each for key, each in said.items() if key not in usual or each != usual[key]}


def _fields_that_became(olds: Sequence[Field], news: Sequence[Field]) -> dict[int, int]:
    """Return which field became which, in the old order: the one of the same name, or as an alias says."""
    old_at = {each.name: index for index, each in enumerate(olds)}
    new_at = {each.name: index for index, each in enumerate(news)}
    became = {index: new_at[name] for name, index in old_at.items() if name in new_at}
    forward = [(old_at[alias], now) for now, each in enumerate(news) for alias in each.aliases if alias in old_at]
    backward = [(was, new_at[alias]) for was, each in enumerate(olds) for alias in each.aliases if alias in new_at]
    matched = set(became.values())
    free = {(was, now) for was, now in forward + backward if was not in became and now not in matched}
    became.update(_unambiguous(sorted(free)))
    return dict(sorted(became.items()))


def _unambiguous(candidates: Sequence[tuple[_Item, _Item]]) -> dict[_Item, _Item]:
    """Return the pairs whose members are in no other pair, so that either direction finds the same."""
    olds, news = Counter(was for was, _ in candidates), Counter(now for _, now in candidates)
    return {was: now for was, now in candidates if olds[was] == 1 and news[now] == 1}


def _longest_ascent(numbers: Sequence[int]) -> set[int]:
    """Return a longest selection of different numbers that ascends (patience sorting): what need not move."""
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        pile = bisect_left(tops, number)
        before[number] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [number]
    found: set[int] = set()
    number_or_none = tops[-1] if tops else None
    while number_or_none is not None:
        found.add(number_or_none)
        number_or_none = before[number_or_none]
    return found


def _fixed(avro_type: AvroType) -> Fixed | None:
    """Return the fixed that a logical type is on, if it is on one."""
    match avro_type:
        case Decimal(fixed=fixed) | Duration(fixed) | Uuid(fixed):
            return fixed
        case _:
            return None


def _column(field: Field) -> str:
    default = "" if field.default is MISSING else f", default {_json(field.default)}"
    return f"{_words(field.type)}{default}"


def _words(avro_type: AvroType) -> str:
    """Return the type in a few words; a named one by its name, since what is in it may be the same."""
    match avro_type:
        case Record(name=name) | Enum(name=name):
            return f"{type(avro_type).__name__.lower()} {name}"
        case Fixed(name, size):
            return f"fixed {name} of {size} bytes"
        case Array(items):
            return f"array of {_words(items)}"
        case Map(values):
            return f"map of {_words(values)}"
        case Union(branches):
            rest = [_words(branch) for branch in branches if branch != Null()]
            return " or ".join([*rest, "null"] if len(rest) < len(branches) else rest) or describe(avro_type)
        case _:
            fixed = _fixed(avro_type)
            return f"{describe(avro_type)} on {_words(fixed)}" if fixed else describe(avro_type)


def _written(avro_type: AvroType) -> str:
    """Return the type with its branches as they are written, where their order is what differs."""
    return f"[{', '.join(map(_words, avro_type.branches))}]" if isinstance(avro_type, Union) else _words(avro_type)


def _listed(names: Sequence[str]) -> str | None:
    return ", ".join(names) if names else None


def _json(value: Any) -> str | None:
    # As text, since to Python 1 == 1.0 == True.
    return None if value is MISSING else json.dumps(value, ensure_ascii=False, sort_keys=True)
