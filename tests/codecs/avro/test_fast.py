"""The fast way and the exact way read the same, whatever the bytes are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avro_kinds import file_of, files
from intempt_nb.codecs.avro import fast as avro_fast
from intempt_nb.codecs.avro.scan import AvroScan, scan_avro
from intempt_nb.errors import DataError

if TYPE_CHECKING:
    from avro_kinds import Kind

pytest.importorskip("polars", reason="the fast way is polars' reader; install the extra 'fast'")


def outcome(scan: AvroScan) -> pa.Table | str:
    try:
        return scan.to_arrow()
    except DataError as error:
        return str(error)


def exactly(scan: AvroScan) -> pa.Table | str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(avro_fast, "available", lambda: False)
        return outcome(scan)


def shown(table: pa.Table) -> str:
    """The values as text: a changed byte may make NaN, which is not itself, or a day that Python has no date for."""
    try:
        return repr(table.to_pylist())
    except OverflowError:
        return "".join(each.to_string(window=1_000_000) for each in table.combine_chunks().columns)


@settings(max_examples=150)
@given(files(), st.sampled_from(["date32", "string"]))
def test_both_ways_read_the_same(made: tuple[Kind, list[Any], bytes], dates: Any) -> None:
    _, rows, file = made
    scan = scan_avro(file, string_dates=dates)
    fast, slow = outcome(scan), exactly(scan)
    assert isinstance(fast, pa.Table)
    assert isinstance(slow, pa.Table)
    fast.validate(full=True)
    assert fast.num_rows == len(rows)
    assert fast.schema.equals(slow.schema, check_metadata=True)
    assert fast.combine_chunks().equals(slow.combine_chunks())


@settings(max_examples=300)
@given(files(fast=True), st.data())
def test_both_ways_refuse_the_same_bytes(made: tuple[Kind, list[Any], bytes], data: st.DataObject) -> None:
    _, _, file = made
    start = file.index(bytes(range(16))) + 16
    if start == len(file):
        return
    at = data.draw(st.integers(start, len(file) - 1))
    byte = data.draw(st.sampled_from([0, 1, 2, 3, 127, 128, 255]) | st.integers(0, 255))
    scan = scan_avro(file[:at] + bytes([byte]) + file[at + 1 :])
    fast, slow = outcome(scan), exactly(scan)
    if isinstance(fast, str) or isinstance(slow, str):
        assert fast == slow
    else:
        assert fast.schema == slow.schema
        assert shown(fast) == shown(slow)


@pytest.mark.parametrize(
    ("avro_type", "data", "message"),
    [
        ("boolean", b"\2", "a boolean of byte 0x02"),
        (["null", "int"], b"\4\2", "branch 2 of a union of 2"),
        (["int", "null"], b"\1\2", "branch -1 of a union of 2"),
        ({"type": "array", "items": ["null", "boolean"]}, b"\2\2\3\0", "a boolean of byte 0x03"),
        ({"type": "map", "values": "boolean"}, b"\2\2a\5\0", "a boolean of byte 0x05"),
        ("int", b"\2\0", "1 bytes are left"),
        ({"type": "enum", "name": "e", "symbols": ["A"]}, b"\2", "symbol 1 of an enum of 1"),
        ({"type": "string", "logicalType": "date"}, b"\x140000-01-01", "no date of the form"),
    ],
)
def test_what_the_library_takes_for_a_value_is_refused(avro_type: Any, data: bytes, message: str) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "x", "type": avro_type}]}
    with pytest.raises(DataError, match=message):
        scan_avro(file_of(schema, [(1, data)])).to_arrow()


def test_what_the_library_refuses_is_read_where_it_is_right() -> None:
    fields = [{"name": "x", "type": "int"}, {"name": "y", "type": {"type": "array", "items": "int"}}]
    long_form = b"\x82\0" + b"\3\4\2\4\0"  # a number in more bytes than it takes; a count with a size behind it
    file = file_of({"type": "record", "name": "r", "fields": fields}, [(1, b"\2\0"), (1, long_form)])
    assert scan_avro(file).to_arrow().to_pylist() == [{"x": 1, "y": []}, {"x": 1, "y": [1, 2]}]


@given(files(fast=True))
def test_the_fast_way_takes_what_it_says(made: tuple[Kind, list[Any], bytes]) -> None:
    _, rows, file = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(avro_fast, "read_rows", lambda *_: pytest.fail("the exact way was taken"))
        assert scan_avro(file).to_arrow().num_rows == len(rows)
