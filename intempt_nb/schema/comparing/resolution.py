"""The rules of Avro 1.12, "Schema Resolution", for one level of a reader's and a writer's type.

What is below that level comes back as pairs to look at next, so that whoever asks decides how deep to go and a
recursive schema is no special case here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from intempt_nb.errors import suggest
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    Bytes,
    Decimal,
    Defined,
    Double,
    Enum,
    Fixed,
    Float,
    Int,
    Logical,
    Long,
    Map,
    Named,
    Record,
    String,
    Union,
    base_type,
    describe,
    resolved,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Finding", "Kind", "Level", "Pair", "Resolution", "names_fit", "written_fields"]

Kind: TypeAlias = Literal[
    "NAME_MISMATCH",
    "FIXED_SIZE_MISMATCH",
    "MISSING_ENUM_SYMBOLS",
    "READER_FIELD_MISSING_DEFAULT_VALUE",
    "TYPE_MISMATCH",
    "MISSING_UNION_BRANCH",
    "LOGICAL_TYPE_MISMATCH",
]
"""The names that Apache Avro's own `SchemaCompatibility` has, and the last for what is readable and means another."""

_PROMOTIONS: Mapping[AvroType, tuple[AvroType, ...]] = {
    Int(): (Long(), Float(), Double()),
    Long(): (Float(), Double()),
    Float(): (Double(),),
    String(): (Bytes(),),
    Bytes(): (String(),),
}
_FEW = 20  # names among which to look for a near one, which takes its time for each name


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not fit on one level; the steps are JSON pointers from the types of that level."""

    kind: Kind
    message: str
    reader_step: str = ""
    writer_step: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """A reader's and a writer's type, no references, and the steps that lead to them from the level above."""

    reader: AvroType
    writer: AvroType
    reader_step: str = ""
    writer_step: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """What the rules say of a pair, leaving aside what is below it.

    Parameters
    ----------
    findings
        What keeps the writer's data from being read.
    notes
        What does not, and yet changes what the data means.
    below
        The pairs one level down.
    any_of
        Whether one pair below is enough, as for a reader's union; else all of them have to fit.
    """

    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    below: tuple[Pair, ...] = ()
    any_of: bool = False


@dataclass(frozen=True, slots=True)
class Resolution:
    """The rules, for a reader's and a writer's schema.

    Parameters
    ----------
    reader_named, writer_named
        The named types of each schema by full name.
    """

    reader_named: Mapping[str, Defined]
    writer_named: Mapping[str, Defined]

    def pair(self, reader: AvroType, writer: AvroType, reader_step: str = "", writer_step: str = "") -> Pair:
        """Return the pair of these types, the references among them followed."""
        reader, writer = resolved(reader, self.reader_named), resolved(writer, self.writer_named)
        return Pair(reader, writer, reader_step, writer_step)

    def level(self, reader: AvroType, writer: AvroType) -> Level:
        """Return what the rules say of the two types; a union of the writer's comes before one of the reader's."""
        match reader, writer:
            case _, Union(branches):
                return Level(below=tuple(self.pair(reader, each, "", f"/{at}") for at, each in enumerate(branches)))
            case Union(branches), _:
                below = tuple(self.pair(each, writer, f"/{at}", "") for at, each in enumerate(branches))
                return Level(below=below, any_of=True)
            case Decimal(), Decimal() if (reader.precision, reader.scale) == (writer.precision, writer.scale):
                # "For the purposes of schema resolution, two schemas that are decimal logical types match if their
                # scales and precisions match": whatever bytes they are on.
                return Level(notes=_other_base(reader, writer))
            case _:
                found = self._bases(base_type(reader), base_type(writer))
                notes = () if found.findings else _other_meaning(reader, writer)
                return Level(found.findings, notes, found.below)

    def _bases(self, reader: AvroType, writer: AvroType) -> Level:
        match reader, writer:
            case Array(items), Array(written):
                return Level(below=(self.pair(items, written, "/items", "/items"),))
            case Map(values), Map(written):
                return Level(below=(self.pair(values, written, "/values", "/values"),))
            case Fixed(), Fixed():
                return Level(_names(reader, writer) + _sizes(reader, writer))
            case Enum(), Enum():
                return Level(_names(reader, writer) + _symbols(reader, writer))
            case Record(), Record():
                return self._records(reader, writer)
            case _ if reader == writer or reader in _PROMOTIONS.get(writer, ()):
                return Level()
            case _:
                return Level((Finding("TYPE_MISMATCH", _cannot_be_read(reader, writer)),))

    def _records(self, reader: Record, writer: Record) -> Level:
        findings, below = list(_names(reader, writer)), []
        written = written_fields(reader, writer)
        taken = set(written)
        left = [each.name for at, each in enumerate(writer.fields) if at not in taken]
        for index, (field, at) in enumerate(zip(reader.fields, written, strict=True)):
            where = f"/fields/{index}"
            if at is not None:
                below.append(self.pair(field.type, writer.fields[at].type, f"{where}/type", f"/fields/{at}/type"))
            elif field.default is MISSING:
                near = suggest(field.name, left) if len(left) <= _FEW else ""
                message = f"no field {field.name!r} was written: give it a default, or its name there as an alias{near}"
                findings.append(Finding("READER_FIELD_MISSING_DEFAULT_VALUE", message, where, "/fields"))
        return Level(tuple(findings), below=tuple(below))


def names_fit(reader: Named, writer: Named) -> bool:
    """Return whether the names do: the last part is the same, or the reader has the writer's full name as an alias."""
    return reader.name.rpartition(".")[2] == writer.name.rpartition(".")[2] or writer.name in reader.aliases


def written_fields(reader: Record, writer: Record) -> list[int | None]:
    """Return for each field of the reader which field of the writer it takes, None if no one.

    A field takes the one of its own name, or else the first that an alias names. No field of the writer's is taken
    twice: "the implementation would act as though 'x' were named 'y'", and it has one name then.
    """
    index = {field.name: at for at, field in enumerate(writer.fields)}
    own = {field.name for field in reader.fields}
    free = {name: at for name, at in index.items() if name not in own}
    taken: list[int | None] = []
    for field in reader.fields:
        alias = next((each for each in field.aliases if each in free), None)
        taken.append(free.pop(alias) if field.name not in index and alias is not None else index.get(field.name))
    return taken


def _names(reader: Named, writer: Named) -> tuple[Finding, ...]:
    if names_fit(reader, writer):
        return ()
    message = f"the writer's name is {writer.name!r}: rename {reader.name!r}, or give it the alias {writer.name!r}"
    return (Finding("NAME_MISMATCH", message, "/name", "/name"),)


def _sizes(reader: Fixed, writer: Fixed) -> tuple[Finding, ...]:
    if reader.size == writer.size:
        return ()
    message = (
        f"the writer has {writer.size} bytes, the reader {reader.size}: a fixed cannot change its size; keep it, and "
        f"put the new one into a field or union branch of its own"
    )
    return (Finding("FIXED_SIZE_MISMATCH", message, "/size", "/size"),)


def _symbols(reader: Enum, writer: Enum) -> tuple[Finding, ...]:
    known = set(reader.symbols)
    missing = [symbol for symbol in writer.symbols if symbol not in known]
    if not missing or reader.default is not None:
        return ()
    shown = ", ".join(missing[:12]) + (f" … and {len(missing) - 12} more" if len(missing) > 12 else "")
    message = f"the reader does not know {shown}: add what is missing, or give the enum a default"
    return (Finding("MISSING_ENUM_SYMBOLS", message, "/symbols", "/symbols"),)


def _cannot_be_read(reader: AvroType, writer: AvroType) -> str:
    fitting = " or ".join(describe(each) for each in (writer, *_PROMOTIONS.get(writer, ())))
    return f"{describe(writer)} cannot be read as {describe(reader)}: use {fitting}, or a union that has it"


def _other_meaning(reader: AvroType, writer: AvroType) -> tuple[Finding, ...]:
    """Return a note where both have a logical type and not the same; a plain number or text takes any meaning."""
    if not isinstance(reader, Logical) or not isinstance(writer, Logical) or describe(reader) == describe(writer):
        return ()
    message = (
        f"written as {describe(writer)} and read as {describe(reader)}: the bytes can be read, the values "
        f"are not the same; use {describe(writer)}"
    )
    return (Finding("LOGICAL_TYPE_MISMATCH", message),)


def _other_base(reader: Decimal, writer: Decimal) -> tuple[Finding, ...]:
    read, written = reader.fixed, writer.fixed
    if read == written or (read and written and read.size == written.size and names_fit(read, written)):
        return ()
    message = (
        f"the same decimal, on {describe(base_type(writer))} and on {describe(base_type(reader))}: they match by the "
        f"specification, though many programs that read Avro refuse it; use the writer's"
    )
    return (Finding("LOGICAL_TYPE_MISMATCH", message),)
