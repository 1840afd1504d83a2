"""The block codecs of Avro container files, with what is installed anyway: each way bounded in the bytes it makes.

Deflate is raw (RFC 1951, no zlib header); Snappy is followed by the CRC-32 of the uncompressed bytes, big-endian
(specification 1.12, "Required Codecs", "Optional Codecs").
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Literal, TypeAlias

import pyarrow as pa

from intempt_nb.codecs.avro.varints import Corrupt, read_varint
from intempt_nb.errors import DataError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CODECS", "Codec", "compress", "decompress", "known_codec"]

Codec: TypeAlias = Literal["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]

_TOO_MUCH = "the block has more than {:,} bytes when decompressed, which is the limit"
_SNAPPY_RATIO = 64
"""No Snappy element makes more bytes than 64 of itself."""


def known_codec(name: str) -> str:
    """Return the name of a codec.

    Raises
    ------
    DataError
        If there is none of that name here.
    """
    if name not in CODECS:
        raise DataError(f"codec {name!r} is not supported{suggest(name, CODECS)}", value=name)
    return name


def decompress(codec: str, data: bytes, limit: int) -> bytes:
    """Return a block's bytes.

    Parameters
    ----------
    codec
        One of `CODECS`.
    data
        As they stand in the file.
    limit
        How many bytes the block may have.

    Raises
    ------
    Corrupt
        If the bytes are damaged, or more would come of them than `limit`.
    """
    try:
        plain = CODECS[codec][0](data, limit)
    except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, pa.ArrowException) as error:
        raise Corrupt(f"the block is not valid {codec} data: {error}") from None
    if len(plain) > limit:
        raise Corrupt(_TOO_MUCH.format(limit))
    return plain


def compress(codec: str, data: bytes | memoryview) -> bytes:
    """Return a block's bytes as they stand in the file."""
    return CODECS[codec][1](data)


def _stored(data: bytes, limit: int) -> bytes:
    return data


def _inflate(data: bytes, limit: int) -> bytes:
    # What follows the stream's end is ignored: the Python reference writer leaves three bytes of a checksum there.
    decoder = zlib.decompressobj(-15)
    plain = decoder.decompress(data, limit + 1)
    if not decoder.eof and len(plain) <= limit:
        raise ValueError("it ends too early")
    return plain


def _deflate(data: bytes | memoryview) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


def _unsnap(data: bytes, limit: int) -> bytes:
    packed, checksum = data[:-4], data[-4:]
    size, _ = read_varint(packed, 0)
    if size > _SNAPPY_RATIO * len(packed):
        raise ValueError(f"{size:,} bytes cannot come of {len(packed):,}")
    if size > limit:
        raise Corrupt(_TOO_MUCH.format(limit))
    plain: bytes = pa.Codec("snappy").decompress(packed, decompressed_size=size, asbytes=True)
    if zlib.crc32(plain).to_bytes(4, "big") != checksum:
        raise ValueError("the checksum does not match")
    return plain


def _snap(data: bytes | memoryview) -> bytes:
    packed: bytes = pa.Codec("snappy").compress(data, asbytes=True)
    return packed + zlib.crc32(data).to_bytes(4, "big")


def _unzstd(data: bytes, limit: int) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        parts: list[bytes] = []
        size = 0
        while size <= limit:
            part = stream.read(min(1 << 20, limit + 1 - size))
            if not part:
                break
            parts.append(part)
            size += len(part)
    return b"".join(parts)


def _zstd(data: bytes | memoryview) -> bytes:
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


def _unbzip(data: bytes, limit: int) -> bytes:
    decoder = bz2.BZ2Decompressor()
    plain = decoder.decompress(data, limit + 1)
    if not decoder.eof and len(plain) <= limit:
        raise ValueError("it ends too early")
    return plain


def _unxz(data: bytes, limit: int) -> bytes:
    decoder = lzma.LZMADecompressor(memlimit=1 << 30)
    plain = decoder.decompress(data, limit + 1)
    if not decoder.eof and len(plain) <= limit:
        raise ValueError("it ends too early")
    return plain


CODECS: Mapping[str, tuple[Callable[[bytes, int], bytes], Callable[[bytes | memoryview], bytes]]] = {
    "null": (_stored, bytes),
    "deflate": (_inflate, _deflate),
    "snappy": (_unsnap, _snap),
    "zstandard": (_unzstd, _zstd),
    "bzip2": (_unbzip, bz2.compress),
    "xz": (_unxz, lzma.compress),
}
"""How each codec reads and writes a block."""
