"""Avro's numbers: zigzag, then seven bits a byte, the lowest first (specification 1.12, "Primitive Types")."""

from __future__ import annotations

__all__ = ["Corrupt", "encode_long", "read_long", "read_varint"]

_LONGEST = 10


class Corrupt(Exception):  # noqa: N818  (a DataError is made of it once the place is known)
    """Bytes that are not what the format says.

    Parameters
    ----------
    message
        What was wrong.
    path
        Which part of the row it is: ``.host``, ``[3].id``; empty for the whole.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


def encode_long(value: int) -> bytes:
    """Return the bytes of a number of at most 64 bits."""
    rest = value << 1 if value >= 0 else ~(value << 1)
    if rest < 128:
        return bytes((rest,))
    out = bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def read_long(data: bytes | bytearray, position: int) -> tuple[int, int]:
    """Return the number that begins at a position, and the position behind it.

    Raises
    ------
    Corrupt
        If it has more than 64 bits.
    IndexError
        If the data ends within it.
    """
    byte = data[position]
    if byte < 128:
        return byte >> 1 ^ -(byte & 1), position + 1
    value, position = read_varint(data, position)
    return value >> 1 ^ -(value & 1), position


def read_varint(data: bytes | bytearray, position: int) -> tuple[int, int]:
    """Return the unsigned number that begins at a position, and the position behind it; raises as `read_long`."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        if byte < 128:
            value |= byte << shift
            break
        value |= (byte & 127) << shift
        shift += 7
        if shift == 7 * _LONGEST:
            raise Corrupt("a number of more than 10 bytes")
    if value >> 64:
        raise Corrupt("a number beyond 64 bits")
    return value, position
