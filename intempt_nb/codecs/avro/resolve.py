"""Schema resolution: bytes of the writer's schema → bytes of the reader's (specification 1.12, "Schema Resolution").

Values are copied as they stand wherever the two encodings are the same; the rows are then read as if they had been
written with the reader's schema.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from intempt_nb.codecs.avro.columns import BROKEN, broken, check_branch, read_size
from intempt_nb.codecs.avro.container import MAX_BLOCK, Block, place
from intempt_nb.codecs.avro.from_json import encode_default
from intempt_nb.codecs.avro.rows import BATCH_BYTES
from intempt_nb.codecs.avro.sizes import Budget, check_count, least_size
from intempt_nb.codecs.avro.skip import Skipper
from intempt_nb.codecs.avro.varints import Corrupt, encode_long, read_long
from intempt_nb.codecs.wire.values import Mismatch
from intempt_nb.errors import DataError, Problem, SchemaError
from intempt_nb.schema.comparing.resolution import names_fit, written_fields
from intempt_nb.schema.model import (
    MISSING,
    Array,
    AvroType,
    Bytes,
    Decimal,
    Double,
    Enum,
    Field,
    Fixed,
    Float,
    Int,
    Long,
    Map,
    Record,
    String,
    Union,
    base_type,
    describe,
    resolved,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from intempt_nb.codecs.avro.columns import Read
    from intempt_nb.schema.model import Defined
    from intempt_nb.schema.schema import Schema

__all__ = ["resolve_blocks"]

_Copy: TypeAlias = "Callable[[bytes, int, bytearray], int]"
"""Adds the reader's bytes of the value that begins at a position, and returns the position behind it."""


class _Unreadable(Exception):  # noqa: N818  (a SchemaError or, in a branch, a DataError is made of it)
    """A reader's type that values of the writer's type cannot be read as."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.path = path


def resolve_blocks(blocks: Iterable[Block], writer: Schema, reader: Schema, origin: str) -> Iterator[Block]:
    """Yield blocks of the writer's schema as blocks of the reader's.

    Parameters
    ----------
    blocks
        As they were written.
    writer, reader
        The two schemas.
    origin
        The file, for messages.

    Raises
    ------
    SchemaError
        If data of the writer's schema cannot be read as the reader's.
    DataError
        For a value that cannot, such as a symbol or a branch that the reader does not have; with its place.
    """
    budget = Budget()
    resolver = _Resolver(writer.named, reader.named, budget, Skipper(writer.named, budget))
    try:
        copy = resolver.copier(writer.root, reader.root)
    except _Unreadable as error:
        message = f"the data cannot be read with this schema: {error} (written by the schema of {origin})"
        raise SchemaError([Problem("", f"{error.path.lstrip('.')}: {message}" if error.path else message)]) from None
    least = least_size(writer.root, writer.named)
    first = 0
    for block in blocks:
        yield from _resolved(block, copy, least, budget, first, origin)
        first += block.rows


def _resolved(block: Block, copy: _Copy, least: int, budget: Budget, first: int, origin: str) -> Iterator[Block]:
    """Yield a block's rows; in several blocks if defaults make many bytes of few."""
    out = bytearray()
    position, row, done = 0, -1, 0
    budget.renew()
    try:
        check_count(block.rows, least, len(block.data), budget)
        for row in range(block.rows):
            position = copy(block.data, position, out)
            if position > len(block.data):
                raise IndexError
            if len(out) >= BATCH_BYTES:
                yield Block(block.number, block.offset, row + 1 - done, bytes(out))
                out.clear()
                done = row + 1
        if position < len(block.data):
            row = -1
            raise Corrupt(f"{len(block.data) - position:,} bytes are left behind the last of its {block.rows:,} rows")
    except BROKEN as error:
        found = broken(error)
        where = f"{place(origin, block.number, block.offset)}, {position:,} bytes into its data"
        number = first + row if row >= 0 else None
        raise DataError(f"{where}: {found}", row=number, field=found.path.lstrip(".") or None) from None
    yield Block(block.number, block.offset, block.rows - done, bytes(out))


@dataclass(frozen=True, slots=True)
class _Resolver:
    written: Mapping[str, Defined]
    read: Mapping[str, Defined]
    budget: Budget
    skipper: Skipper
    known: dict[tuple[str, str], _Copy] = field(default_factory=dict)
    """The copiers of pairs of records by their names, so that a recursive one ends."""

    def copier(self, writer: AvroType, reader: AvroType) -> _Copy:
        """Return the function that copies a value; raises `_Unreadable` if there can be none."""
        writer, reader = resolved(writer, self.written), resolved(reader, self.read)
        if isinstance(writer, Union):
            return self._from_union(writer.branches, reader)
        if isinstance(reader, Union):
            return self._to_union(writer, reader.branches)
        if isinstance(writer, Decimal) and isinstance(reader, Decimal) and writer.scale != reader.scale:
            raise _Unreadable(f"{describe(writer)} cannot be read as {describe(reader)}")
        return self._plain(base_type(writer), base_type(reader))

    def _plain(self, writer: AvroType, reader: AvroType) -> _Copy:
        match writer, reader:
            case Record(), Record() if names_fit(reader, writer):
                return self._record(writer, reader)
            case Enum(), Enum() if names_fit(reader, writer):
                return _enum(writer, reader)
            case Fixed(), Fixed() if names_fit(reader, writer) and writer.size == reader.size:
                return _as_it_stands(self.skipper.skipper(writer))
            case Array(items), Array(wanted):
                return self._repeated(self.copier(items, wanted), least_size(items, self.written), keys=False)
            case Map(values), Map(wanted):
                return self._repeated(self.copier(values, wanted), 1 + least_size(values, self.written), keys=True)
            case (Int(), Long()) | (Bytes(), String()) | (String(), Bytes()):
                return _as_it_stands(self.skipper.skipper(writer))
            case (Int() | Long(), Float() | Double()):
                return _widened(_whole, "<f" if isinstance(reader, Float) else "<d")
            case Float(), Double():
                return _widened(_real, "<d")
            case _ if writer == reader and not isinstance(writer, Record | Enum | Fixed):
                return _as_it_stands(self.skipper.skipper(writer))
            case _:
                raise _Unreadable(f"{describe(writer)} cannot be read as {describe(reader)}")

    def _from_union(self, branches: tuple[AvroType, ...], reader: AvroType) -> _Copy:
        """Return a copier; a branch that cannot be read is an error only where a value is of it."""
        copies: list[_Copy | _Unreadable] = []
        for branch in branches:
            try:
                copies.append(self.copier(branch, reader))
            except _Unreadable as error:
                copies.append(error)
        if not any(callable(each) for each in copies):
            raise _Unreadable(f"no branch of {describe(Union(branches))} can be read as {describe(reader)}")

        def copy(data: bytes, position: int, out: bytearray) -> int:
            index, position = read_long(data, position)
            check_branch(index, len(copies))
            found = copies[index]
            if isinstance(found, _Unreadable):
                raise Corrupt(f"a value of branch {describe(branches[index])}: {found}")
            return found(data, position, out)

        return copy

    def _to_union(self, writer: AvroType, branches: tuple[AvroType, ...]) -> _Copy:
        """Return a copier into the first branch of the same type and name, else the first that can take it."""
        same = [each for each in branches if self._is_same(writer, each)]
        for branch in (*same, *branches):
            try:
                inner = self.copier(writer, branch)
            except _Unreadable:
                continue
            index = encode_long(branches.index(branch))

            def copy(data: bytes, position: int, out: bytearray, index: bytes = index, inner: _Copy = inner) -> int:
                out += index
                return inner(data, position, out)

            return copy
        raise _Unreadable(f"{describe(writer)} can be read as no branch of {describe(Union(branches))}")

    def _is_same(self, writer: AvroType, branch: AvroType) -> bool:
        branch = resolved(branch, self.read)
        if isinstance(writer, Record | Enum | Fixed):
            return type(writer) is type(branch) and writer.name == branch.name
        return writer == branch or base_type(writer) == base_type(branch)

    def _record(self, writer: Record, reader: Record) -> _Copy:
        key = (writer.name, reader.name)
        if key in self.known:
            return self.known[key]
        copies: list[tuple[str, _Copy, int]] = []
        defaults: list[bytes] = []

        def copy(data: bytes, position: int, out: bytearray) -> int:
            parts: list[bytes | bytearray] = [*defaults, b""]
            name = ""
            try:
                for name, inner, slot in copies:  # noqa: B007  (used where it breaks)
                    part = bytearray()
                    position = inner(data, position, part)
                    parts[slot] = part
            except BROKEN as error:
                raise broken(error, f".{name}") from None
            for each in parts[:-1]:
                out += each
            return position

        begun = len(self.known)
        self.known[key] = copy
        try:
            self._fields(writer, reader, copies, defaults)
        except _Unreadable:
            for each in list(self.known)[begun:]:  # another branch may be tried, and those below may lean on this one
                del self.known[each]
            raise
        return copy

    def _fields(
        self, writer: Record, reader: Record, copies: list[tuple[str, _Copy, int]], defaults: list[bytes]
    ) -> None:
        """Add the copiers of the writer's fields, with the slots of the reader's, and the defaults of the rest."""
        written = written_fields(reader, writer)
        slots = {at: slot for slot, at in enumerate(written) if at is not None}
        for wanted, at in zip(reader.fields, written, strict=True):
            defaults.append(b"" if at is not None else self._default(wanted))
        for at, each in enumerate(writer.fields):
            slot = slots.get(at, -1)
            try:
                inner = self._skip(each.type) if slot < 0 else self.copier(each.type, reader.fields[slot].type)
            except _Unreadable as error:
                raise _Unreadable(str(error), f".{each.name}{error.path}") from None
            copies.append((each.name, inner, slot))

    def _skip(self, avro_type: AvroType) -> _Copy:
        """Return a copier that copies nothing; what it makes goes to the slot behind the last."""
        skip = self.skipper.skipper(avro_type)
        return lambda data, position, out: skip(data, position)

    def _default(self, wanted: Field) -> bytes:
        if wanted.default is MISSING:
            raise _Unreadable("the data have no such field, and it has no default", f".{wanted.name}")
        try:
            return encode_default(wanted, self.read)
        except Mismatch as mismatch:
            raise _Unreadable(str(mismatch.reason), f".{wanted.name}") from None

    def _repeated(self, inner: _Copy, least: int, *, keys: bool) -> _Copy:
        def copy(data: bytes, position: int, out: bytearray) -> int:
            while True:
                count, position = read_long(data, position)
                if count < 0:
                    count = -count
                    _, position = read_long(data, position)
                out += encode_long(count)
                if count == 0:
                    return position
                check_count(count, least, len(data) - position, self.budget)
                for _ in range(count):
                    if keys:
                        start, position = position, sum(read_size(data, position))
                        out += data[start:position]
                    position = inner(data, position, out)
                    if len(out) > MAX_BLOCK:  # items of few bytes or none, each filled up with defaults
                        raise Corrupt(f"the reader's defaults make more than {MAX_BLOCK:,} bytes of the value")

        return copy


def _enum(writer: Enum, reader: Enum) -> _Copy:
    indices = [
        encode_long(reader.symbols.index(symbol)) if symbol in reader.symbols else None for symbol in writer.symbols
    ]
    if reader.default is not None:
        default = encode_long(reader.symbols.index(reader.default))
        indices = [default if each is None else each for each in indices]

    def copy(data: bytes, position: int, out: bytearray) -> int:
        index, position = read_long(data, position)
        if not 0 <= index < len(indices):
            raise Corrupt(f"symbol {index} of an enum of {len(indices)}")
        found = indices[index]
        if found is None:
            raise Corrupt(f"symbol {writer.symbols[index]!r} is none of the reader's, and its enum has no default")
        out += found
        return position

    return copy


def _as_it_stands(skip: Read) -> _Copy:
    def copy(data: bytes, position: int, out: bytearray) -> int:
        end = skip(data, position)
        out += data[position:end]
        return end

    return copy


def _widened(read: Callable[[bytes, int], tuple[float, int]], layout: str) -> _Copy:
    def copy(data: bytes, position: int, out: bytearray) -> int:
        value, position = read(data, position)
        out += struct.pack(layout, value)
        return position

    return copy


def _whole(data: bytes, position: int) -> tuple[int, int]:
    return read_long(data, position)


def _real(data: bytes, position: int) -> tuple[float, int]:
    if position + 4 > len(data):
        raise IndexError
    return struct.unpack_from("<f", data, position)[0], position + 4
