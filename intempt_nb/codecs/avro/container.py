"""Avro object container files: header and blocks, without a look at what the rows are.

A file is the four bytes `MAGIC`, a map of metadata, 16 bytes that mark each block's end, and blocks of a row count, a
byte count and the rows (specification 1.12, "Object Container Files"). Nothing is allocated on a file's word: what it
says to be long is read in pieces until it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from intempt_nb.codecs.avro.compression import compress, decompress, known_codec
from intempt_nb.codecs.avro.varints import Corrupt, encode_long, read_long
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MAX_BLOCK", "SYNC", "Block", "Container", "Header", "encode_block", "encode_header", "place"]

MAGIC = b"Obj\x01"
SYNC = 16
MAX_BLOCK = 1 << 30
"""The bytes that one block may have, compressed or not: 1 GiB. Writers cut blocks at some kilobytes."""
MAX_HEADER = 1 << 26
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the blocks.

    Parameters
    ----------
    schema
        The schema's text as it was written.
    codec
        How blocks are compressed.
    metadata
        The file's other metadata.
    sync
        The 16 bytes behind each block.
    """

    schema: str
    codec: str
    metadata: Mapping[str, bytes]
    sync: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows, in Avro's binary encoding.

    Parameters
    ----------
    number
        Of the block, from 0.
    offset
        Where in the file it begins.
    rows
        How many rows it says it has.
    data
        Their bytes, decompressed.
    """

    number: int
    offset: int
    rows: int
    data: bytes


class _Input:
    """A binary file that knows where it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead = b""
        self.offset = 0

    def at_end(self) -> bool:
        """Return whether nothing is left."""
        if not self._ahead:
            self._ahead = self._read(1)
        return not self._ahead

    def _read(self, size: int) -> bytes:
        part = self._file.read(size)
        if not isinstance(part, bytes):
            raise Corrupt(f"the file gives {type(part).__name__} instead of bytes; open it in binary mode")
        return part

    def take(self, size: int, what: str) -> bytes:
        """Return exactly so many bytes; `what` they are is for the message if there are fewer."""
        parts: list[bytes] = []
        left = size
        while left:
            if self.at_end():
                raise Corrupt(f"the file ends within {what}: {left:,} of {size:,} bytes are missing")
            part = self._ahead + self._read(min(left, _PIECE) - 1) if left > 1 else self._ahead
            self._ahead = b""
            parts.append(part)
            left -= len(part)
        self.offset += size
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def long(self, what: str) -> int:
        """Return the number that comes next."""
        raw = bytearray(self.take(1, what))
        while raw[-1] > 127 and len(raw) <= 10:
            raw += self.take(1, what)
        try:
            return read_long(raw, 0)[0]
        except Corrupt as error:
            raise Corrupt(f"{what}: {error}") from None

    def size(self, what: str, limit: int) -> int:
        """Return the length that comes next."""
        size = self.long(what)
        if not 0 <= size <= limit:
            raise Corrupt(f"{what} is {size:,}; expected 0 to {limit:,}")
        return size


class Container:
    """An open container file: its header, and its blocks once.

    Parameters
    ----------
    file
        A binary file, at the container's first byte.
    origin
        What it is, for messages.
    max_block
        The bytes that one block may have.

    Raises
    ------
    DataError
        If the file has no header of a container.
    """

    def __init__(self, file: BinaryIO, origin: str, max_block: int = MAX_BLOCK) -> None:
        self.origin = origin
        self._input = _Input(file)
        self._max_block = max_block
        try:
            self.header = self._header()
        except Corrupt as error:
            raise DataError(f"{origin}: {error}", expected="an Avro container file") from None

    def _header(self) -> Header:
        if self._input.at_end():
            raise Corrupt("the file is empty")
        magic = self._input.take(len(MAGIC), "the first four bytes")
        if magic != MAGIC:
            raise Corrupt(f"the file begins with {magic!r}; expected {MAGIC!r}: it is no Avro container file")
        metadata = self._metadata()
        sync = self._input.take(SYNC, "the sync marker")
        if "avro.schema" not in metadata:
            raise Corrupt("the header has no avro.schema")
        try:
            schema = metadata.pop("avro.schema").decode()
            codec = metadata.pop("avro.codec", b"null").decode()
        except UnicodeDecodeError as error:
            raise Corrupt(f"the header's schema or codec is not UTF-8: {error}") from None
        try:
            known_codec(codec)
        except DataError as error:
            raise Corrupt(error.message) from None
        return Header(schema, codec, metadata, sync)

    def _metadata(self) -> dict[str, bytes]:
        metadata: dict[str, bytes] = {}
        while count := self._input.long("the header's entry count"):
            if count < 0:
                self._input.long("the header's byte count")
            for _ in range(abs(count)):
                name = self._input.take(self._input.size("a name's length", MAX_HEADER), "a name in the header")
                value = self._input.take(self._input.size("a value's length", MAX_HEADER), "a value in the header")
                metadata[name.decode(errors="backslashreplace")] = value
                if self._input.offset > MAX_HEADER:
                    raise Corrupt(f"the header has more than {MAX_HEADER:,} bytes")
        return metadata

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks, decompressed, one at a time.

        Raises
        ------
        DataError
            If a block is cut off, damaged or too large, or is not followed by the sync marker: with the file, the
            block's number and its byte offset.
        """
        number = 0
        while True:
            offset = self._input.offset
            try:
                if self._input.at_end():
                    return
                block = self._block(number, offset)
            except Corrupt as error:
                raise DataError(f"{place(self.origin, number, offset)}: {error}") from None
            yield block
            number += 1

    def _block(self, number: int, offset: int) -> Block:
        rows = self._input.size("the row count", (1 << 63) - 1)
        size = self._input.size("the byte count", self._max_block)
        data = self._input.take(size, "the block")
        sync = self._input.take(SYNC, "the sync marker")
        if sync != self.header.sync:
            raise Corrupt("the block is not followed by the file's sync marker: its size is wrong or the file damaged")
        return Block(number, offset, rows, decompress(self.header.codec, data, self._max_block))


def place(origin: str, number: int, offset: int) -> str:
    """Return where a block stands, for messages."""
    return f"{origin}, block {number} at byte {offset:,}"


def encode_header(header: Header) -> bytes:
    """Return the bytes of a header; the schema and codec come first."""
    entries = {"avro.schema": header.schema.encode(), "avro.codec": header.codec.encode(), **header.metadata}
    parts = [MAGIC, encode_long(len(entries))]
    for name, value in entries.items():
        raw = name.encode()
        parts += [encode_long(len(raw)), raw, encode_long(len(value)), value]
    return b"".join([*parts, encode_long(0), header.sync])


def encode_block(header: Header, rows: int, data: bytes | memoryview) -> bytes:
    """Return the bytes of a block of rows, compressed and followed by the sync marker."""
    packed = compress(header.codec, data)
    return b"".join((encode_long(rows), encode_long(len(packed)), packed, header.sync))
