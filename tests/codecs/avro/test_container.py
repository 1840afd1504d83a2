"""Container files that are cut, damaged or absurd: always our error, with its place, and never more than a moment."""

from __future__ import annotations

import io
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avro_kinds import file_of
from intempt_nb.codecs.avro import container
from intempt_nb.codecs.avro.compression import CODECS
from intempt_nb.codecs.avro.container import Header, encode_block, encode_header
from intempt_nb.codecs.avro.scan import scan_avro
from intempt_nb.codecs.avro.varints import encode_long, read_long
from intempt_nb.errors import DataError, SchemaError

if TYPE_CHECKING:
    from pathlib import Path

SYNC = bytes(range(16))
LONGS = {"type": "record", "name": "r", "fields": [{"name": "x", "type": "long"}, {"name": "y", "type": "string"}]}
ROW = encode_long(7) + encode_long(2) + b"ab"


def read(file: bytes) -> list[Any]:
    return scan_avro(file).to_arrow().to_pylist()


def of(avro_type: Any, data: bytes, rows: int = 1) -> bytes:
    """A file of one column."""
    return file_of({"type": "record", "name": "r", "fields": [{"name": "x", "type": avro_type}]}, [(rows, data)])


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=300), times=st.integers(1, 40))
def test_every_codec_gives_back_what_it_took(codec: str, data: bytes, times: int) -> None:
    block = encode_long(len(data) * times) + data * times
    assert read(file_of("bytes", [(1, block)], codec)) == [{"value": data * times}]


def test_the_python_writers_checksum_behind_deflate_is_ignored() -> None:
    header = Header('"int"', "deflate", {}, SYNC)
    packed = zlib.compress(encode_long(5))[2:-1]
    assert read(encode_header(header) + encode_long(1) + encode_long(len(packed)) + packed + SYNC) == [{"value": 5}]


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "null"])
def test_a_bomb_is_not_unpacked(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container.Container.__init__, "__defaults__", (1_000_000,))
    file = file_of("bytes", [(1, encode_long(2_000_000) + bytes(2_000_000))], codec)
    with pytest.raises(DataError, match=r"bytes, block 0 at byte \d+: the block has more than 1,000,000 bytes"):
        read(file)


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "null"])
@given(at=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_compression_is_our_error_or_no_damage(codec: str, at: int, byte: int, cut: bool) -> None:
    rows = [(2, ROW + ROW)]
    file = file_of(LONGS, rows, codec)
    start = file.index(SYNC) + 18
    at = start + at % (len(file) - 16 - start)
    damaged = file[:at] + (b"" if cut else bytes([byte]) + file[at + 1 :])
    try:
        found = read(damaged)
    except DataError as error:
        assert "bytes, block 0 at byte " in str(error)  # noqa: PT017  (it may also be read)
    else:
        assert len(found) == 2


def test_a_wrong_checksum_is_told() -> None:
    file = file_of(LONGS, [(1, ROW)], "snappy")
    with pytest.raises(DataError, match="the checksum does not match"):
        read(file[:-20] + b"0000" + file[-16:])


@given(st.integers(0, 10**6))
def test_a_file_cut_off_anywhere_is_told(at: int) -> None:
    file = file_of(LONGS, [(2, ROW + ROW), (1, ROW)])
    at %= len(file)
    blocks = [file.index(SYNC) + 16]
    blocks.append(file.index(SYNC, blocks[0]) + 16)
    if at in blocks:  # between two blocks the file is a whole one
        assert len(read(file[:at])) == 2 * blocks.index(at)
        return
    with pytest.raises(DataError, match="bytes"):
        read(file[:at])


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "the file is empty"),
        (b"PK\3\4" + bytes(50), r"begins with b'PK.*no Avro container file"),
        (b"Obj\1" + bytes([0x80]) * 11, "header's entry count: a number of more than 10 bytes"),
        (b"Obj\1" + encode_long(1) + encode_long(-5), "a name's length is -5"),
        (b"Obj\1" + encode_long(1) + encode_long(2**40), r"a name's length is 1,099,511,627,776"),
        (b"Obj\1" + encode_long(2**62) + bytes(9), "the header has no avro.schema|the file ends within"),
        (b"Obj\1" + encode_long(0) + SYNC, "no avro.schema"),
    ],
)
def test_a_header_that_is_none(file: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        scan_avro(file)


def test_an_unknown_codec_is_named() -> None:
    with pytest.raises(DataError, match=r"codec 'lzo' is not supported.*deflate"):
        scan_avro(encode_header(Header('"int"', "lzo", {}, SYNC)))


@pytest.mark.parametrize("text", ["{", '{"type":"record"}', '"nothing"', "[" * 100_000])
def test_a_header_whose_schema_cannot_be_used(text: str) -> None:
    with pytest.raises(SchemaError, match="in the header of bytes"):
        scan_avro(encode_header(Header(text, "null", {}, SYNC)))


def test_a_header_of_ten_thousand_fields() -> None:
    fields = [{"name": f"f{number}", "type": ["null", "long"]} for number in range(10_000)]
    file = file_of({"type": "record", "name": "r", "fields": fields}, [(2, bytes(20_000))])
    assert scan_avro(file, columns=["f9999"]).to_arrow().to_pylist() == [{"f9999": None}] * 2


def test_a_wrong_sync_marker_is_told_with_its_block() -> None:
    file = file_of(LONGS, [(1, ROW), (1, ROW)])
    with pytest.raises(DataError, match=rf"block 1 at byte {len(file) - 16 - 6}: .* not followed by the file's sync"):
        read(file[:-1] + b"x")


ARRAY = {"type": "array", "items": "int"}
NULLS = {"type": "array", "items": "null"}
ENUM = {"type": "enum", "name": "e", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("avro_type", "data", "rows", "message"),
    [
        ("long", b"\x80" * 10 + b"\0", 1, "a number of more than 10 bytes"),
        ("long", b"\xff" * 9 + b"\x7f", 1, "a number beyond 64 bits"),
        ("int", encode_long(2**31), 1, "2,147,483,648 where a number of 32 bits"),
        ("boolean", b"\2", 1, "a boolean of byte 0x02"),
        ("string", encode_long(-3) + b"abc", 1, "a length of -3"),
        ("string", encode_long(2**40) + b"abc", 1, r"a length of 1,099,511,627,776 where 3 bytes are left"),
        ("bytes", encode_long(2**62), 1, "a length of"),
        ("string", encode_long(1) + b"\xff", 1, "not UTF-8"),
        ("string", encode_long(3) + b"\xed\xa0\x80", 1, "not UTF-8"),
        ("double", bytes(7), 1, "a count of 1 where 7 bytes are left"),
        (["null", "int"], encode_long(2) + b"\2", 1, "branch 2 of a union of 2"),
        (["null", "int"], encode_long(-1) + b"\2", 1, "branch -1 of a union of 2"),
        (["null", "int", "string"], encode_long(3) + b"\2", 1, "branch 3 of a union of 3"),
        (["null", "int", "string"], encode_long(-1) + b"\2", 1, "branch -1 of a union of 3"),
        (ENUM, encode_long(2), 1, "symbol 2 of an enum of 2"),
        (ENUM, encode_long(-1), 1, "symbol -1 of an enum of 2"),
        (ARRAY, encode_long(10**9) + b"\2", 1, "a count of 1,000,000,000 where 1 bytes are left"),
        (ARRAY, encode_long(-(2**62)) + encode_long(1) + b"\2", 1, "a count of"),
        (NULLS, encode_long(2**60) + b"\0", 1, "more than 16,777,216 values that take no byte"),
        ("null", b"", 2**60, "more than 16,777,216 values that take no byte"),
        ("long", b"\2", 2**60, r"a count of 1,152,921,504,606,846,976 where 1 bytes are left"),
        ("long", b"\2\4\6", 2, "1 bytes are left behind the last of its 2 rows"),
        ("int", b"\2\x80", 2, "the block ends within the value"),
        (
            {"type": "map", "values": "int"},
            encode_long(1) + encode_long(9) + b"a",
            1,
            "the block ends within the value",
        ),
        ({"type": "fixed", "name": "f", "size": 4}, b"abcde", 2, "a count of 2 where 5 bytes"),
        ({"type": "string", "logicalType": "date"}, encode_long(5) + b"today", 1, 'string_dates="string"'),
        ({"type": "string", "logicalType": "date"}, encode_long(10) + b"2023-02-30", 1, "no date"),
        (
            {"type": "bytes", "logicalType": "decimal", "precision": 2},
            encode_long(1) + b"\x64",
            1,
            "more than 2 digits",
        ),
    ],
)
def test_a_value_that_is_none(avro_type: Any, data: bytes, rows: int, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(of(avro_type, data, rows))
    assert "bytes, block 0 at byte " in str(caught.value)


def test_the_place_of_a_value_is_told() -> None:
    inner = {"type": "record", "name": "p", "fields": [{"name": "port", "type": "int"}]}
    schema = {"type": "record", "name": "r", "fields": [{"name": "pages", "type": {"type": "array", "items": inner}}]}
    good = encode_long(2) + b"\2\4" + b"\0"
    bad = encode_long(2) + b"\2" + encode_long(2**40) + b"\0"
    file = file_of(schema, [(2, good + good), (2, good + bad)])
    with pytest.raises(DataError) as caught:
        read(file)
    assert (caught.value.row, caught.value.field) == (3, "pages[1].port")
    assert "block 1 at byte " in caught.value.message
    assert "4 bytes into its data" in caught.value.message


def test_data_nested_too_deeply_is_told() -> None:
    schema = {
        "type": "record",
        "name": "node",
        "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "node"]}],
    }
    deep = b"\2\2" * 200_000 + b"\2\0"
    for file in (of(schema, deep), file_of(schema, [(1, deep)])):
        with pytest.raises(DataError, match="nested too deeply"):
            read(file)
    shallow = b"\2\2" * 50 + b"\2\0"
    text = scan_avro(of(schema, shallow)).to_arrow().to_pylist()[0]["x"]
    assert text.count("value") == 51


def test_a_record_that_holds_itself_has_no_values() -> None:
    schema = {"type": "record", "name": "node", "fields": [{"name": "self", "type": "node"}]}
    with pytest.raises(DataError):
        read(of(schema, b"\0" * 10))


@pytest.mark.parametrize("schema", ["null", {"type": "record", "name": "r", "fields": []}])
def test_rows_without_bytes_are_counted(schema: Any) -> None:
    assert scan_avro(file_of(schema, [(100_000, b""), (5, b"")])).to_arrow().num_rows == 100_005


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_come_back(value: int) -> None:
    assert read_long(encode_long(value) + b"x", 0) == (value, len(encode_long(value)))


def test_a_file_is_read_from_where_it_stands_and_again(tmp_path: Path) -> None:
    file = file_of(LONGS, [(1, ROW)])
    opened = io.BytesIO(b"before" + file)
    opened.seek(6)
    scan = scan_avro(opened)
    assert scan.to_arrow().num_rows == scan.to_arrow().num_rows == 1
    path = tmp_path / "a.avro"
    path.write_bytes(file)
    assert scan_avro(path).to_arrow().num_rows == scan_avro(str(path)).to_arrow().num_rows == 1
    with pytest.raises(DataError, match="cannot be opened"):
        scan_avro(tmp_path / "none.avro")
    with pytest.raises(DataError, match="open it in binary mode"):
        scan_avro(io.StringIO("Obj"))  # type: ignore[arg-type]  # what people do
    with pytest.raises(DataError, match="expected a path"):
        scan_avro(5)  # type: ignore[arg-type]  # what people do


def test_a_stream_that_cannot_seek_is_read_once() -> None:
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.rest = io.BytesIO(file_of(LONGS, [(1, ROW)]))

        def read(self, size: int = -1) -> bytes:
            return self.rest.read(min(size, 5))

    scan = scan_avro(Stream())  # type: ignore[arg-type]  # a raw file is one too
    assert scan.to_arrow().num_rows == 1
    with pytest.raises(DataError, match="read already"):
        scan.to_arrow()


def test_metadata_is_kept() -> None:
    scan = scan_avro(encode_header(Header(json.dumps(LONGS), "deflate", {"writer": b"\xff"}, SYNC)))
    assert (scan.metadata, scan.codec, scan.origin) == ({"writer": b"\xff"}, "deflate", "bytes")


def test_blocks_are_read_as_they_are_needed() -> None:
    file = encode_header(Header(json.dumps(LONGS), "null", {}, SYNC))
    block = encode_block(Header("", "null", {}, SYNC), 100_000, ROW * 100_000)

    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.at = 0

        def read(self, size: int = -1) -> bytes:
            begin, self.at = self.at, self.at + size
            if begin < len(file):
                part = file[begin : self.at]
            else:
                place = (begin - len(file)) % len(block)
                part = block[place : place + size]
            self.at = begin + len(part)
            return part

    batches = scan_avro(Endless()).to_batches()  # type: ignore[arg-type]  # a raw file is one too
    assert sum(next(batches).num_rows for _ in range(5)) >= 300_000
