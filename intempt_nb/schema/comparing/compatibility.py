"""May data written with one schema be read with another: the answer, and every place where it may not.

The rules are those of Avro 1.12, "Schema Resolution". Where the specification leaves room:

- A reader's union takes a writer's type if any of its branches does, as Apache Avro's own check has it; a branch of the
  same kind and name is looked at first.
- A field takes the writer's field of its own name, else the first an alias names; no field of the writer's is taken
  twice.
- Two decimals that differ in precision or scale, or two logical types that differ otherwise, can still be read if
  their bases can: that is a warning, since the values become others. Two decimals of the same precision and scale
  match whatever their bases are, which is a warning too, since few programs can do it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from intempt_nb.display import html_table, text_table
from intempt_nb.schema.comparing.resolution import Finding, Kind, Level, Pair, Resolution, names_fit
from intempt_nb.schema.model import Defined, Named, Record, base_type, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from intempt_nb.schema.model import AvroType

__all__ = ["Compatibility", "Direction", "Incompatibility", "Kind", "Mode", "TypedSchema", "compatibility"]

Direction: TypeAlias = Literal["backward", "forward"]
Mode: TypeAlias = Literal["backward", "forward", "full"]


class TypedSchema(Protocol):
    """What is compared: a type and the named types its references point at."""

    @property
    def root(self) -> AvroType:
        """The type."""

    @property
    def named(self) -> Mapping[str, Defined]:
        """The named types by full name."""


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One place where what was written does not fit what is read.

    Parameters
    ----------
    kind
        What is wrong, by the names of Apache Avro's ``SchemaCompatibility``; ``"LOGICAL_TYPE_MISMATCH"`` in a warning.
    message
        What is wrong and what to do.
    reader_path, writer_path
        JSON pointers (RFC 6901) into the two schemas; empty for the whole. They go through a name to the type it
        names: ``/fields/1/type/fields/0`` is in the record that field 1 has for its type, wherever that is written
        out. A type object that only wraps another, ``{"type": {"type": …}}``, is no step of its own.
    direction
        Whether the new schema cannot read the old data (backward), or the old schema the new data (forward).
    causes
        For a missing union branch: why the branch that comes nearest does not take it. Each cause has none itself.
    """

    kind: Kind
    message: str
    reader_path: str
    writer_path: str
    direction: Direction = "backward"
    causes: tuple[Incompatibility, ...] = ()

    def __str__(self) -> str:
        """Return the place in the reader and the message."""
        return f"{self.reader_path or '/'}: {self.message}"


@dataclass(frozen=True, slots=True, repr=False)
class Compatibility:
    """Whether data can be read, and what is in the way; true if it can.

    Parameters
    ----------
    mode
        ``"backward"``, ``"forward"`` or ``"full"``, as it was asked.
    incompatibilities
        What is in the way, in the order of the reader's schema, all backward ones first; empty if nothing is.
    warnings
        What can be read and means something else then: another scale of a decimal, another unit of a timestamp.
    """

    mode: Mode
    incompatibilities: tuple[Incompatibility, ...] = ()
    warnings: tuple[Incompatibility, ...] = ()

    @property
    def compatible(self) -> bool:
        """Whether nothing is in the way."""
        return not self.incompatibilities

    def __bool__(self) -> bool:
        return self.compatible

    def __repr__(self) -> str:
        """Return the answer, and what is in the way as a text table."""
        header, rows = self._table()
        if not rows:
            return self._caption()
        # A cell is cut to fit a line, and what to do must not be: the messages follow in full.
        places = text_table(header[:-1], [row[:-1] for row in rows], self._caption())
        return "\n".join([places, *(f"{number}. {row[-1]}" for number, row in enumerate(rows, 1))])

    def _repr_html_(self) -> str:
        header, rows = self._table()
        if rows:
            return html_table(header, rows, self._caption())
        return html_table(("mode", "compatible"), [(self.mode, "yes")], self._caption())

    def _caption(self) -> str:
        if self.compatible:
            return f"compatible ({self.mode}): {_CAN[self.mode]}"
        count = len(self.incompatibilities)
        places = f"{count} place{'' if count == 1 else 's'}"
        return f"not compatible ({self.mode}): {_CANNOT[self.mode]}; {places}"

    def _table(self) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        found: list[tuple[str, Incompatibility]] = [(each.kind, each) for each in self.incompatibilities]
        found += [(f"warning: {each.kind}", each) for each in self.warnings]
        lines = [line for kind, each in found for line in [(kind, each), *((f"└ {c.kind}", c) for c in each.causes)]]
        direction = ("direction",) if self.mode == "full" else ()
        rows: list[tuple[object, ...]] = [
            (number, *([each.direction] if direction else []), kind, *_places(each), each.message)
            for number, (kind, each) in enumerate(lines, 1)
        ]
        return ("", *direction, "kind", "reader", "writer", "what to do"), rows


def _places(found: Incompatibility) -> tuple[str, str]:
    return found.reader_path or "/", found.writer_path or "/"


_CAN: Mapping[Mode, str] = {
    "backward": "this schema reads what the other one wrote",
    "forward": "the other schema reads what this one wrote",
    "full": "each of the two schemas reads what the other one wrote",
}
_CANNOT: Mapping[Mode, str] = {
    "backward": "this schema (reader) cannot read all that the other one (writer) wrote",
    "forward": "the other schema (reader) cannot read all that this one (writer) wrote",
    "full": "backward is this schema as the reader of what the other one wrote, forward the other way round",
}


def compatibility(schema: TypedSchema, other: TypedSchema, mode: Mode = "backward") -> Compatibility:
    """Return whether data written with one schema can be read with the other.

    Parameters
    ----------
    schema
        The schema that is asked, usually the new one.
    other
        The schema it is held against, usually the old one.
    mode
        ``"backward"``: `schema` reads what `other` wrote. ``"forward"``: `other` reads what `schema` wrote.
        ``"full"``: both.

    Returns
    -------
    Compatibility
        True if nothing is in the way. A place that is reached by several ways is told once, by the shortest.

    Raises
    ------
    ValueError
        If there is no such mode.
    """
    if mode not in _CAN:
        raise ValueError(f"mode is {mode!r}; expected 'backward', 'forward' or 'full'")
    found: list[Incompatibility] = []
    warned: list[Incompatibility] = []
    if mode != "forward":
        in_the_way, noted = _Check(schema, other, "backward").run()
        found, warned = in_the_way, noted
    if mode != "backward":
        in_the_way, noted = _Check(other, schema, "forward").run()
        found, warned = found + in_the_way, warned + noted
    return Compatibility(mode, tuple(found), tuple(warned))


_Key: TypeAlias = tuple[int, int]
_Told: TypeAlias = tuple[list["Incompatibility"], list["Incompatibility"]]


@dataclass(frozen=True, slots=True)
class _Place:
    """A pair of types and the way to it; a chain, so that a long way costs no more than a short one."""

    pair: Pair
    above: _Place | None = None

    def pointers(self, finding: Finding) -> tuple[str, str]:
        """Return where the finding is in the reader's and in the writer's schema."""
        reader, writer, place = [finding.reader_step], [finding.writer_step], self
        while True:
            reader.append(place.pair.reader_step)
            writer.append(place.pair.writer_step)
            if place.above is None:
                return "".join(reversed(reader)), "".join(reversed(writer))
            place = place.above


@dataclass(slots=True)
class _Check:
    """One schema read with another. First all pairs are met and those found that cannot fit, then they are told.

    Two steps, since a recursive pair is taken to fit until something below it does not: a pair that was taken to fit
    on that account must be looked at again, which one walk with a memory cannot do.
    """

    reader: TypedSchema
    writer: TypedSchema
    direction: Direction
    levels: dict[_Key, Level] = field(init=False, default_factory=dict)
    failed: set[_Key] = field(init=False, default_factory=set)
    told_as_cause: set[_Key] = field(init=False, default_factory=set)

    def run(self) -> _Told:
        """Return what is in the way, and the warnings."""
        rules = Resolution(self.reader.named, self.writer.named)
        start = rules.pair(self.reader.root, self.writer.root)
        self._meet(start, rules)
        self._fail()
        return self._tell(_Place(start), set())

    def _meet(self, start: Pair, rules: Resolution) -> None:
        """Fill `levels` with each pair that can be reached, once."""
        rest = [start]
        while rest:
            pair = rest.pop()
            if _key(pair) not in self.levels:
                level = self.levels[_key(pair)] = rules.level(pair.reader, pair.writer)
                rest.extend(level.below)

    def _fail(self) -> None:
        """Fill `failed` from the pairs that cannot fit upwards to those that need them."""
        above: dict[_Key, list[_Key]] = {key: [] for key in self.levels}
        hopes: dict[_Key, int] = {}
        for key, level in self.levels.items():
            hopes[key] = len(level.below) if level.any_of else 1
            for pair in level.below:
                above[_key(pair)].append(key)
        rest = [key for key, level in self.levels.items() if level.findings or not hopes[key]]
        self.failed.update(rest)
        while rest:
            for key in above[rest.pop()]:
                hopes[key] -= 1
                if hopes[key] == 0 and key not in self.failed:
                    self.failed.add(key)
                    rest.append(key)

    def _tell(self, start: _Place, seen: set[_Key], as_cause: bool = False) -> _Told:
        """Return what is found from `start` down, nearest first, and the warnings; each pair of records once."""
        found: list[Incompatibility] = []
        noted: list[Incompatibility] = []
        rest = deque([start])
        while rest:
            place = rest.popleft()
            key = _key(place.pair)
            if isinstance(place.pair.reader, Record) and isinstance(place.pair.writer, Record):
                if key in seen:
                    continue
                seen.add(key)
            level = self.levels[key]
            found.extend(self._at(place, each) for each in level.findings)
            noted.extend(self._at(place, each) for each in level.notes)
            below = level.below
            if level.any_of:
                failed = key in self.failed
                below = self._nearest(level, place.pair.writer, failed)
                if failed:
                    found.append(self._missing_branch(place, below, as_cause))
                    below = below if as_cause else ()  # else they are told, as causes
            rest.extend(_Place(pair, place) for pair in below)
        return sorted(found, key=_document_order), sorted(noted, key=_document_order)

    def _nearest(self, level: Level, writer: AvroType, failed: bool) -> tuple[Pair, ...]:
        """Return the branch of a reader's union that is read, or else the one that comes nearest, if any does."""
        pairs = level.below if failed else [pair for pair in level.below if _key(pair) not in self.failed]
        of_kind = [pair for pair in pairs if type(base_type(pair.reader)) is type(base_type(writer))]
        of_name = [pair for pair in of_kind if _same_name(pair)]
        if failed:
            return tuple((of_name or (of_kind if len(of_kind) == 1 else []))[:1])
        return tuple((of_name or of_kind or pairs)[:1])

    def _missing_branch(self, place: _Place, nearest: tuple[Pair, ...], as_cause: bool) -> Incompatibility:
        writer = place.pair.writer
        what = f"{type(writer).__name__.lower()} {writer.name!r}" if isinstance(writer, Named) else describe(writer)
        if not nearest:
            message = f"no branch of the reader's union takes {what}: add it"
            return self._at(place, Finding("MISSING_UNION_BRANCH", message))
        causes: list[Incompatibility] = []
        if not as_cause:
            causes, _ = self._tell(_Place(nearest[0], place), self.told_as_cause, as_cause=True)
        reason = "for what is told below it" if causes else "for what is told of it elsewhere"
        message = f"the branch of the reader's union for {what} does not take it, {reason}: change that"
        return replace(self._at(place, Finding("MISSING_UNION_BRANCH", message)), causes=tuple(causes))

    def _at(self, place: _Place, finding: Finding) -> Incompatibility:
        return Incompatibility(finding.kind, finding.message, *place.pointers(finding), self.direction)


def _key(pair: Pair) -> _Key:
    # The types are kept alive by the schemas; their own hashes would go through the whole of a record.
    return id(pair.reader), id(pair.writer)


def _same_name(pair: Pair) -> bool:
    reader, writer = base_type(pair.reader), base_type(pair.writer)
    return isinstance(reader, Named) and isinstance(writer, Named) and names_fit(reader, writer)


def _document_order(found: Incompatibility) -> list[tuple[bool, int, str]]:
    """Return what sorts pointers as the schema's text has its parts: a name first, and field 2 before field 10."""
    steps = found.reader_path.split("/") + found.writer_path.split("/")
    return [(step != "name", int(step) if step.isdecimal() else 0, step) for step in steps]
